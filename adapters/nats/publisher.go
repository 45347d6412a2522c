package nats

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

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
	lanes    map[string]*lane    // by the stores' subjects

	// What the goroutine that sends has.
	token   uint64     // of the last copy
	batch   []*sending // those that are noted next
	going   []*sending // and of them, those that need not wait
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

	at    time.Duration // when it was last sent; guarded by publisher.mu
	waits bool          // in its lane; guarded by publisher.mu
}

// mostWaiting is how many publications may wait until one that comes waits too.
const mostWaiting = 8192

// headerReserve is how many bytes of a message are kept for the headers that are added on its
// way.
const headerReserve = 4096

func newPublisher(c *Conn) *publisher {
	p := &publisher{conn: c, inbox: nats.NewInbox() + ".", began: time.Now(), sent: make(map[uint64]*sending), lanes: make(map[string]*lane)}
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
		if !cut && p.enter(s) {
			p.going = append(p.going, s)
		}
	}
	p.mu.Unlock()
	for _, s := range p.going {
		p.transmitOn(&p.paper, s)
	}
	if cut {
		for _, s := range p.batch {
			p.resolve(s.token, fmt.Errorf("%w: the message was not sent", errClosed))
		}
	}
	clear(p.batch)
	clear(p.going)
	p.batch, p.going = p.batch[:0], p.going[:0]
}

// unconfirmedKind is what a publish fails with that was not sent.
func unconfirmedKind(err error) error {
	if errors.Is(err, pubsub.ErrClosed) {
		return pubsub.ErrClosed
	}
	return pubsub.ErrUnavailable
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
