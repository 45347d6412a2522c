package nats

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/gobindery/bindery/pubsub"
	"github.com/gobindery/bindery/pubsub/classic"
	"github.com/gobindery/bindery/pubsub/routing"
)

// publisher routes publications and stores them, one copy for each queue (or one for all
// exclusive queues of a connection). One goroutine takes all that wait, makes the
// topology current once for them, and sends them; the stores' answers come to another.
type publisher struct {
	conn  *Conn
	inbox string // of the answers; a token follows
	sub   *nats.Subscription

	mu      sync.Mutex
	some    sync.Cond // there is something to send, or it has ended
	room    sync.Cond // there is room to wait in, or it has ended
	waiting []*outgoing
	ended   bool
	token   uint64              // of the last copy sent
	sent    map[uint64]*sending // the copies that aren't answered, by token
}

// outgoing is a publication on its way.
type outgoing struct {
	pub    *pubsub.Publication // for routing, and for its confirm
	header string              // as encode made it
	body   []byte

	// Of a dead letter.
	id   string // the same whoever sends it
	dead classic.Reason
	done func()

	left int   // copies that aren't answered, and one while it is sent; guarded by publisher.mu
	err  error // of one of them
}

// sending is one copy of a message, for one store.
type sending struct {
	out   *outgoing
	queue *queue // one of those it is for
	msg   *nats.Msg
	at    time.Time // when it was last sent
	since time.Time // when it was first sent

	receipt bool // it is published when the queue's leader has it
	stored  bool // it is stored
}

// Headers of a stored message, and of one that asks to be let in.
const (
	idHeader    = jetstream.MsgIDHeader
	admitHeader = "Bindery-Admit" // the incarnation of a queue that may refuse
)

// mostWaiting is how many publications may wait until one that comes waits too.
const mostWaiting = 8192

// headerReserve is how many bytes of a message are kept for the headers that are added on its
// way.
const headerReserve = 4096

func newPublisher(c *Conn) *publisher {
	p := &publisher{conn: c, inbox: nats.NewInbox(), sent: make(map[uint64]*sending)}
	p.some.L, p.room.L = &p.mu, &p.mu
	return p
}

func (p *publisher) start() error {
	sub, err := p.conn.nc.Subscribe(p.inbox+".*", p.answer)
	if err != nil {
		return brokerError(err)
	}
	sub.SetPendingLimits(-1, -1) // bounded by what is sent
	p.sub = sub
	p.conn.running.Go(p.run)
	return nil
}

// Publish sends a message to the queues that its exchange has for it.
func (c *Conn) Publish(ctx context.Context, pub *pubsub.Publication) {
	if err := c.begin(); err != nil {
		pub.Confirm(err)
		return
	}
	if m := &pub.Message; m.UserID != "" && m.UserID != c.user {
		pub.Confirm(fmt.Errorf("%w: user_id property set to '%s' but authenticated user was '%s'", pubsub.ErrPreconditionFailed, m.UserID, c.user))
		return
	}
	out := &outgoing{pub: pub}
	out.header, out.body = encode(pub)
	if size, most := len(pub.Body)+len(out.header), c.limit-headerReserve; size > most {
		pub.Confirm(fmt.Errorf("%w: message size %d is larger than configured max size %d: the server's max_payload, less %d bytes", pubsub.ErrPreconditionFailed, size, most, headerReserve))
		return
	}
	if pub.Headers != nil {
		pub.Headers = pub.Headers.Clone() // a headers exchange looks at them later
	}
	if err := c.publisher.add(ctx, out, mostWaiting); err != nil {
		pub.Confirm(err)
	}
}

// publishDead sends a dead letter to where it goes, and calls done when it is there.
// It does not wait.
func (p *publisher) publishDead(letter *pubsub.Publication, id string, why classic.Reason, done func()) {
	out := &outgoing{pub: letter, id: id, dead: why, done: done}
	out.header, out.body = encode(letter)
	p.add(context.Background(), out, 1<<30) // after the end, who leads next does it again
}

// add queues a publication, when there is room.
func (p *publisher) add(ctx context.Context, out *outgoing, most int) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.waiting) >= most && !p.ended {
		stop := context.AfterFunc(ctx, func() {
			p.mu.Lock()
			p.room.Broadcast()
			p.mu.Unlock()
		})
		defer stop()
		for len(p.waiting) >= most && !p.ended {
			if ctx.Err() != nil {
				return fmt.Errorf("%w: %w", pubsub.ErrUnavailable, context.Cause(ctx))
			}
			p.room.Wait()
		}
	}
	if p.ended {
		return errClosed
	}
	p.waiting = append(p.waiting, out)
	p.some.Signal()
	return nil
}

// run sends what waits, until the end.
func (p *publisher) run() {
	var spare []*outgoing
	for {
		p.mu.Lock()
		for len(p.waiting) == 0 && !p.ended {
			p.some.Wait()
		}
		group := p.waiting
		p.waiting = spare[:0]
		ended := p.ended
		p.room.Broadcast()
		p.mu.Unlock()
		if len(group) == 0 && ended {
			return
		}
		p.send(group)
		clear(group)
		spare = group
	}
}

// send routes a group of publications and sends them.
func (p *publisher) send(group []*outgoing) {
	c := p.conn
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	table, err := c.topology.sync(ctx)
	cancel()
	if err != nil {
		for _, out := range group {
			out.finish(fmt.Errorf("%w: the message was not sent: %w", unconfirmedKind(err), err))
		}
		return
	}
	var space [64]*queue
	for _, out := range group {
		queues, err := out.route(table, space[:0])
		if err != nil {
			out.finish(err)
			continue
		}
		p.copies(out, queues)
	}
}

// unconfirmedKind is what a publish fails with that was not sent.
func unconfirmedKind(err error) error {
	if errors.Is(err, pubsub.ErrClosed) {
		return pubsub.ErrClosed
	}
	return pubsub.ErrUnavailable
}

// route returns the queues for a publication.
func (out *outgoing) route(table *routing.Table[*queue], space []*queue) ([]*queue, error) {
	pub := out.pub
	r := routing.Request{Exchange: pub.Exchange, Key: pub.RoutingKey, MoreKeys: pub.MoreKeys, Headers: pub.Headers, Dead: out.dead != ""}
	queues, err := table.Route(&r, space)
	if err != nil {
		return nil, err
	}
	if out.dead != "" && out.dead != classic.Rejected {
		var rest []*queue
		for _, q := range queues {
			if !classic.WentRound(pub.Headers, q.name()) {
				rest = append(rest, q)
			}
		}
		return rest, nil
	}
	if len(queues) == 0 && pub.Mandatory {
		return nil, fmt.Errorf("%w: NO_ROUTE: no queue matches", pubsub.ErrUnroutable)
	}
	return queues, nil
}

// copies sends one copy for each store of the queues.
func (p *publisher) copies(out *outgoing, queues []*queue) {
	if len(queues) == 0 {
		out.finish(nil)
		return
	}
	p.mu.Lock()
	out.left = 1 // until all are sent
	p.mu.Unlock()
	var owners map[string][]*queue // of exclusive queues
	for i, q := range queues {
		if q.record.Owner == "" {
			p.copy(out, q, nil)
			continue
		}
		if len(queues) == 1 {
			p.copy(out, q, []uint64{uint64(q.record.Number)})
			break
		}
		if owners == nil {
			owners = make(map[string][]*queue, 1)
		}
		owners[q.record.Owner] = append(owners[q.record.Owner], queues[i])
	}
	for _, owned := range owners {
		plain := make([]uint64, 0, len(owned))
		for _, q := range owned {
			if q.refuses() {
				p.copy(out, q, []uint64{uint64(q.record.Number)})
			} else {
				plain = append(plain, uint64(q.record.Number))
			}
		}
		if len(plain) > 0 {
			p.copy(out, owned[0], plain)
		}
	}
	p.answered(out, nil)
}

// copy sends one copy. Numbers are those of exclusive queues.
func (p *publisher) copy(out *outgoing, q *queue, numbers []uint64) {
	m := &nats.Msg{Subject: q.subject, Data: out.body, Header: make(nats.Header, 4)}
	setHeader(m.Header, out.header)
	if len(numbers) > 0 {
		m.Header[toHeader] = []string{formatRanges(numbers)}
	}
	if q.refuses() {
		m.Header[admitHeader] = []string{q.record.Incarnation}
	}
	at := time.Now()
	s := &sending{out: out, queue: q, msg: m, at: at, since: at}
	s.receipt = out.id == "" && (q.refuses() || p.conn.led(q))
	p.mu.Lock()
	p.token++
	token := p.token
	p.sent[token] = s
	out.left++
	p.mu.Unlock()
	id := out.id
	if id == "" {
		id = messageID(p.conn.id, token, s.receipt)
	} else if len(numbers) > 0 {
		id += "." + m.Header[toHeader][0] // there may be more copies in this store
	}
	m.Header[idHeader] = []string{id}
	m.Reply = p.inbox + "." + strconv.FormatUint(token, 36)
	p.transmit(token, s)
}

// transmit sends a copy to its store, or to the leader of a queue that may refuse it.
func (p *publisher) transmit(token uint64, s *sending) {
	if s.queue.refuses() {
		p.conn.running.Go(func() { p.askAdmission(token, s) })
		return
	}
	p.conn.nc.PublishMsg(s.msg) // retry sends it again if it fails
}

// answer takes what a store says.
func (p *publisher) answer(m *nats.Msg) {
	i := strings.LastIndexByte(m.Subject, '.')
	token, err := strconv.ParseUint(m.Subject[i+1:], 36, 64)
	if err != nil {
		return
	}
	p.mu.Lock()
	s := p.sent[token]
	p.mu.Unlock()
	if s == nil {
		return // an answer to an attempt before
	}
	err = answerError(m)
	if err != nil && p.later(token, s, err) {
		return
	}
	p.mu.Lock()
	if err == nil && s.receipt {
		s.stored, s.at = true, time.Now()
		p.mu.Unlock()
		return
	}
	_, first := p.sent[token]
	delete(p.sent, token)
	p.mu.Unlock()
	if first {
		p.answered(s.out, err)
	}
}

var (
	errNobody  = errors.New("no stream stores it")
	errRefused = fmt.Errorf("%w: the queue is full", pubsub.ErrRefused)
)

// answerError is the error of a store's answer.
func answerError(m *nats.Msg) error {
	if len(m.Data) == 0 {
		if m.Header.Get("Status") == "503" {
			return errNobody
		}
		return nil
	}
	if m.Data[0] == '{' && !strings.Contains(string(m.Data), `"error"`) {
		return nil
	}
	var a struct {
		Error   *apiError `json:"error"`
		Refused bool      `json:"refused"`
		Nobody  bool      `json:"nobody"`
	}
	if err := json.Unmarshal(m.Data, &a); err != nil {
		return fmt.Errorf("%w: the answer can't be read: %w", pubsub.ErrUnconfirmed, err)
	}
	switch {
	case a.Refused:
		return errRefused
	case a.Nobody:
		return errNobody
	case a.Error != nil:
		return a.Error
	}
	return nil
}

// later reports whether an error is no outcome yet: the copy is sent again, or another
// goroutine finds out.
func (p *publisher) later(token uint64, s *sending, err error) bool {
	switch {
	case errors.Is(err, errNobody):
		p.conn.running.Go(func() { p.nobody(token, s) })
		return true
	case transient(err):
		return true // retry sends it again
	}
	return false
}

// answered counts an answer, and confirms with the last one.
func (p *publisher) answered(out *outgoing, err error) {
	p.mu.Lock()
	if err != nil {
		out.err = storeError(err)
	}
	out.left--
	last := out.left == 0
	p.mu.Unlock()
	if last {
		out.finish(out.err)
	}
}

// storeError is what a store's error means to a publisher.
func storeError(err error) error {
	if e, ok := errors.AsType[*apiError](err); ok {
		return fmt.Errorf("%w: %w", pubsub.ErrRefused, e)
	}
	return err
}

// finish says how a publication went.
func (out *outgoing) finish(err error) {
	if out.dead != "" {
		// One that can't go anywhere is gone, as in RabbitMQ; one that could not be sent
		// stays in its queue's stream for the next leader.
		if err == nil || errors.Is(err, pubsub.ErrNotFound) || errors.Is(err, pubsub.ErrRefused) || errors.Is(err, pubsub.ErrAccessRefused) {
			out.done()
		}
		return
	}
	out.pub.Confirm(err)
}

// nobody is for a copy that no stream has taken: its queue is deleted, or its
// stream isn't made yet, or has no leader at the moment.
func (p *publisher) nobody(token uint64, s *sending) {
	c := p.conn
	ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
	defer cancel()
	gone := c.syncedDeleted(ctx, s.queue)
	if owner := s.queue.record.Owner; !gone && owner != "" && owner != c.id {
		alive, err := c.lives(ctx, owner)
		gone = !alive && err == nil
	}
	if !gone {
		if s.queue.record.Owner == "" {
			if err := c.makeStream(ctx, s.queue); errors.Is(err, pubsub.ErrNotFound) {
				gone = true
			}
		}
	}
	if !gone {
		c.forgetRemote(s.queue)
		time.Sleep(10 * time.Millisecond) // a leader is being elected
		p.transmit(token, s)
		return
	}
	// It was there when the message was routed: as if it went just after.
	p.resolve(token, nil)
}

// resolve ends a copy without its store.
func (p *publisher) resolve(token uint64, err error) {
	p.mu.Lock()
	s, ok := p.sent[token]
	delete(p.sent, token)
	p.mu.Unlock()
	if ok {
		p.answered(s.out, err)
	}
}

// retryAfter is how long a copy may be without an answer until it is sent again. Its id
// keeps it from being stored twice.
const retryAfter = 2 * time.Second

// retry is called every second.
func (p *publisher) retry() {
	at := time.Now()
	p.mu.Lock()
	late := make(map[uint64]*sending)
	var given, stored []uint64
	for token, s := range p.sent {
		switch {
		case s.stored && at.Sub(s.at) > receiptLate:
			stored = append(stored, token)
		case s.stored:
		case at.Sub(s.since) > dedupWindow*3/4:
			given = append(given, token) // later, it might be stored twice
		case at.Sub(s.at) > retryAfter:
			s.at = at
			late[token] = s
		}
	}
	p.mu.Unlock()
	for token, s := range late {
		p.transmit(token, s)
	}
	for _, token := range stored {
		p.resolve(token, nil)
	}
	for _, token := range given {
		p.resolve(token, fmt.Errorf("%w: NATS did not answer for %v", pubsub.ErrUnconfirmed, dedupWindow*3/4))
	}
}

// end sends no more. What waits is sent; what isn't answered after a while is
// unconfirmed.
func (p *publisher) end(wait time.Duration) {
	p.mu.Lock()
	p.ended = true
	p.some.Broadcast()
	p.room.Broadcast()
	p.mu.Unlock()
	for late := time.Now().Add(wait); time.Now().Before(late); time.Sleep(time.Millisecond) {
		p.mu.Lock()
		left := len(p.sent) + len(p.waiting)
		p.mu.Unlock()
		if left == 0 {
			break
		}
	}
	p.mu.Lock()
	var tokens, stored []uint64
	for token, s := range p.sent {
		if s.stored {
			stored = append(stored, token)
		} else {
			tokens = append(tokens, token)
		}
	}
	p.mu.Unlock()
	for _, token := range stored {
		p.resolve(token, nil)
	}
	for _, token := range tokens {
		p.resolve(token, fmt.Errorf("%w: the connection was closed before NATS answered", pubsub.ErrUnconfirmed))
	}
	if p.sub != nil {
		p.sub.Unsubscribe()
	}
}
