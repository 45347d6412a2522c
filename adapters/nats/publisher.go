package nats

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/gobindery/bindery/pubsub"
	"github.com/gobindery/bindery/pubsub/classic"
	"github.com/gobindery/bindery/pubsub/routing"
)

// publisher routes publications and stores them, one copy for each queue (or one for all
// exclusive queues of a connection). One goroutine takes all that wait and makes the
// topology current once for them; another routes and sends them while the first is at the
// next ones; the stores' answers come to a third.
type publisher struct {
	conn  *Conn
	inbox string // of the answers; a token follows
	sub   *nats.Subscription
	began time.Time

	mu       sync.Mutex
	some     sync.Cond // there is something to send, or it has ended
	room     sync.Cond // there is room to wait in, or it has ended
	waiting  []*outgoing
	underway int // how many don't wait any more, and aren't sent
	ended    bool
	cut      bool                // nothing is sent any more
	sent     map[uint64]*sending // the copies that aren't answered, by token

	// What the goroutine that sends has.
	token   uint64     // of the last copy
	batch   []*sending // those that are sent next
	space   [64]*queue
	owned   []*queue // the exclusive queues among those of one publication
	numbers []uint64 // and theirs
	paper   paper
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

	left  int   // copies that aren't answered; guarded by publisher.mu
	err   error // of one of them
	first sending
}

// sending is one copy of a message, for one store. What publisher.mu does not guard
// does not change once it is sent.
type sending struct {
	out   *outgoing
	queue *queue // one of those it is for
	token uint64 // names it in the answer
	id    string
	to    string        // numbers of exclusive queues
	since time.Duration // when it was first sent, since the publisher began

	at time.Duration // when it was last sent; guarded by publisher.mu
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
	p := &publisher{conn: c, inbox: nats.NewInbox() + ".", began: time.Now(), sent: make(map[uint64]*sending)}
	p.some.L, p.room.L = &p.mu, &p.mu
	return p
}

func (p *publisher) start() error {
	sub, err := p.conn.nc.Subscribe(p.inbox+"*", p.answer)
	if err != nil {
		return brokerError(err)
	}
	sub.SetPendingLimits(-1, -1) // bounded by what is sent
	p.sub = sub
	current := make(chan group)
	p.conn.running.Go(func() { p.run(current) })
	p.conn.running.Go(func() {
		for g := range current {
			p.send(g)
		}
	})
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

// group is publications that are routed by one table.
type group struct {
	all   []*outgoing
	table *routing.Table[*queue] // as of a moment after all of them came
}

// run takes what waits, until the end, and hands it on with a current table.
func (p *publisher) run(to chan<- group) {
	defer close(to)
	for {
		p.mu.Lock()
		for len(p.waiting) == 0 && !p.ended {
			p.some.Wait()
		}
		all := p.waiting
		p.waiting = make([]*outgoing, 0, len(all))
		p.underway += len(all)
		p.room.Broadcast()
		p.mu.Unlock()
		if len(all) == 0 {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		table, err := p.conn.topology.sync(ctx)
		cancel()
		if err == nil {
			to <- group{all, table}
			continue
		}
		for _, out := range all {
			out.finish(fmt.Errorf("%w: the message was not sent: %w", unconfirmedKind(err), err))
		}
		p.mu.Lock()
		p.underway -= len(all)
		p.mu.Unlock()
	}
}

// mostBatch is about how many copies are noted as sent at once.
const mostBatch = 256

// send routes a group of publications and sends them.
func (p *publisher) send(g group) {
	routed := 0
	for _, out := range g.all {
		routed++
		queues, err := out.route(g.table, p.space[:0])
		switch {
		case err != nil, len(queues) == 0:
			out.finish(err)
		default:
			p.copies(out, queues)
		}
		if len(p.batch) >= mostBatch {
			p.sendBatch(routed)
			routed = 0
		}
	}
	p.sendBatch(routed)
}

// sendBatch sends the copies of some publications.
func (p *publisher) sendBatch(publications int) {
	at := time.Since(p.began)
	p.mu.Lock()
	p.underway -= publications
	cut := p.cut
	for _, s := range p.batch {
		s.at, s.since = at, at
		s.out.left++
		p.sent[s.token] = s
	}
	p.mu.Unlock()
	for _, s := range p.batch {
		if cut {
			p.resolve(s.token, fmt.Errorf("%w: the message was not sent", errClosed))
			continue
		}
		p.transmitOn(&p.paper, s)
	}
	clear(p.batch)
	p.batch = p.batch[:0]
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

// copies makes one copy for each store of the queues.
func (p *publisher) copies(out *outgoing, queues []*queue) {
	owned := p.owned[:0]
	for _, q := range queues {
		if q.record.Owner == "" {
			p.copy(out, q, "")
		} else if len(queues) == 1 || q.refuses() {
			p.copy(out, q, strconv.Itoa(q.record.Number))
		} else {
			owned = append(owned, q)
		}
	}
	p.owned = owned
	slices.SortFunc(owned, func(a, b *queue) int {
		return cmp.Or(cmp.Compare(a.record.Owner, b.record.Owner), cmp.Compare(a.record.Number, b.record.Number))
	})
	for len(owned) > 0 {
		first := owned[0]
		numbers := p.numbers[:0]
		for len(owned) > 0 && owned[0].record.Owner == first.record.Owner {
			numbers = append(numbers, uint64(owned[0].record.Number))
			owned = owned[1:]
		}
		p.copy(out, first, formatRanges(numbers))
		p.numbers = numbers
	}
	clear(p.owned)
}

// copy makes one copy. To is the numbers of exclusive queues.
func (p *publisher) copy(out *outgoing, q *queue, to string) {
	s := &out.first
	if s.queue != nil {
		s = new(sending)
	}
	p.token++
	*s = sending{out: out, queue: q, token: p.token, to: to, id: out.id}
	switch {
	case s.id == "":
		s.id = messageID(p.conn.id, s.token)
	case to != "":
		s.id += "." + to // there may be more copies in this store
	}
	p.batch = append(p.batch, s)
}

// messageID is the id of a copy of a message, the same whenever it is sent.
func messageID(conn string, token uint64) string {
	b := make([]byte, 0, len(conn)+16)
	b = append(append(b, conn...), '.')
	return string(strconv.AppendUint(b, token, 36))
}

// transmit sends a copy to its store, or to the leader of a queue that may refuse it.
func (p *publisher) transmit(_ uint64, s *sending) { p.transmitOn(new(paper), s) }

func (p *publisher) transmitOn(on *paper, s *sending) {
	if s.queue.refuses() {
		p.conn.running.Go(func() { p.askAdmission(s.token, s) })
		return
	}
	p.conn.nc.PublishMsg(on.write(p, s)) // retry sends it again if it fails
}

// paper is space for a message of nats.go.
type paper struct {
	msg                  nats.Msg
	header, id, to, into [1]string
}

// write makes a copy's message. It is good until the next call.
func (on *paper) write(p *publisher, s *sending) *nats.Msg {
	m := &on.msg
	if m.Header == nil {
		m.Header = make(nats.Header, 4)
	}
	clear(m.Header)
	m.Subject, m.Data = s.queue.subject, s.out.body
	m.Reply = p.inbox + strconv.FormatUint(s.token, 36)
	setHeader(m.Header, s.out.header, &on.header)
	set := func(name string, space *[1]string, value string) {
		space[0] = value
		m.Header[name] = space[:]
	}
	set(idHeader, &on.id, s.id)
	if s.to != "" {
		set(toHeader, &on.to, s.to)
	}
	if s.queue.refuses() {
		set(admitHeader, &on.into, s.queue.record.Incarnation)
	}
	return m
}

// answer takes what a store says.
func (p *publisher) answer(m *nats.Msg) {
	token, err := strconv.ParseUint(m.Subject[len(p.inbox):], 36, 64)
	if err != nil {
		return
	}
	err = answerError(m)
	p.mu.Lock()
	s := p.sent[token]
	switch {
	case s == nil: // an answer to an attempt before
		p.mu.Unlock()
	case err == nil:
		p.answered(s, nil)
	default:
		p.mu.Unlock()
		if !p.later(token, s, err) {
			p.resolve(token, err)
		}
	}
}

var (
	errNobody  = errors.New("no stream stores it")
	errRefused = fmt.Errorf("%w: the queue is full", pubsub.ErrRefused)
	errorField = []byte(`"error"`)
)

// answerError is the error of a store's answer.
func answerError(m *nats.Msg) error {
	if len(m.Data) == 0 {
		if m.Header.Get("Status") == "503" {
			return errNobody
		}
		return nil
	}
	if m.Data[0] == '{' && !bytes.Contains(m.Data, errorField) {
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
	case transient(err), isCode(err, codeDuplicateInProcess):
		return true // retry sends it again
	}
	return false
}

// answered takes an answer to a copy that is among those sent, and confirms with the last
// one. The caller holds the lock, which it gives up.
func (p *publisher) answered(s *sending, err error) {
	out := s.out
	delete(p.sent, s.token)
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
	if !ok {
		p.mu.Unlock()
		return
	}
	p.answered(s, err)
}

// retryAfter is how long a copy may be without an answer until it is sent again. Its id
// keeps it from being stored twice.
const retryAfter = 2 * time.Second

// retry is called every second.
func (p *publisher) retry() {
	at := time.Since(p.began)
	p.mu.Lock()
	late := make(map[uint64]*sending)
	var given []uint64
	for token, s := range p.sent {
		switch {
		case at-s.since > dedupWindow*3/4:
			given = append(given, token) // later, it might be stored twice
		case at-s.at > retryAfter:
			s.at = at
			late[token] = s
		}
	}
	p.mu.Unlock()
	for token, s := range late {
		p.transmit(token, s)
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
		left := len(p.sent) + len(p.waiting) + p.underway
		p.mu.Unlock()
		if left == 0 {
			break
		}
	}
	p.mu.Lock()
	p.cut = true
	tokens := slices.Collect(maps.Keys(p.sent))
	p.mu.Unlock()
	for _, token := range tokens {
		p.resolve(token, fmt.Errorf("%w: the connection was closed before NATS answered", pubsub.ErrUnconfirmed))
	}
	if p.sub != nil {
		p.sub.Unsubscribe()
	}
}
