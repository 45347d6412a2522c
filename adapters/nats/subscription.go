package nats

import (
	"context"
	"errors"
	"fmt"
	"sync"

	engine "github.com/gobindery/bindery/adapters/nats/internal/queue"
	"github.com/gobindery/bindery/pubsub"
)

// A subscription is a consumer of this connection, or, as a holder, what Get
// handed out of one queue. The queue's leader may be here or at another connection,
// and may change: then the subscription joins the next one, and tells it what
// it holds.
type subscription struct {
	conn   *Conn
	id     uint64
	holder bool
	opts   pubsub.ConsumeOptions

	joining sync.Mutex // held while it joins a leader, first of its locks

	mu     sync.Mutex
	queue  *queue
	in     []pubsub.Incoming // what Receive has not handed over
	first  int               // where that begins in in
	wake   chan struct{}
	end    error           // why Receive ends, once in is handed over
	left   bool            // cancelled: nothing more is taken
	gone   bool            // cancelled, and the leader knows: it holds what it has, no more
	closed bool            // what it had is back
	handed uint64          // the last tag that was handed over
	last   uint64          // the last tag that came
	lostTo uint64          // what came up to this tag is lost
	lost   map[uint64]bool // and these

	// One of these two leads. Neither does for the moment while it changes.
	local  *leader
	remote string // the connection's id

	// What it holds from a leader at another connection: a local one knows that.
	held   map[uint64]heldItem // by tag
	unsent settlements
}

func newSubscription(c *Conn, q *queue, o pubsub.ConsumeOptions, holder bool) *subscription {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lastID++
	s := &subscription{
		conn: c, id: c.lastID, holder: holder, opts: o, queue: q,
		wake: make(chan struct{}, 1), held: make(map[uint64]heldItem),
	}
	c.subs[s.id] = s
	return s
}

func (s *subscription) member() member { return member{s.conn.id, s.id} }

// queueGone ends the consumer because its queue is deleted.
func (s *subscription) queueGone() {
	s.finish(fmt.Errorf("%w: queue '%s' in vhost '%s' was deleted", pubsub.ErrConsumerCanceled, s.queue.name(), s.conn.names.vhost))
}

// finish lets Receive end, after what there is.
func (s *subscription) finish(err error) {
	s.mu.Lock()
	if s.end == nil {
		s.end = err
	}
	s.mu.Unlock()
	s.wakeUp()
}

func (s *subscription) wakeUp() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// deliver takes a delivery of a leader here. It is called under the leader's lock.
func (s *subscription) deliver(d *engine.Delivery) {
	s.push(pubsub.Incoming{Envelope: &d.Message.Envelope, Redelivered: d.Redelivered, Tag: d.Tag}, nil)
}

// push takes a delivery. From a leader elsewhere, it is noted as held.
func (s *subscription) push(d pubsub.Incoming, h *heldItem) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.left && !s.opts.AutoAck {
		return // it goes back, if it has not already
	}
	if h != nil && d.Tag > s.last+1 {
		// Some were lost on their way. Who joins again says what it has.
		s.conn.running.Go(func() { s.rejoin("") })
	}
	s.last = max(s.last, d.Tag)
	if h != nil {
		s.held[d.Tag] = *h
	}
	if s.holder {
		s.handed = s.last
		return
	}
	if s.first > 0 && len(s.in) == cap(s.in) {
		n := copy(s.in, s.in[s.first:])
		clear(s.in[n:])
		s.in, s.first = s.in[:n], 0
	}
	s.in = append(s.in, d)
	s.wakeUp()
}

// Receive hands over what has come.
func (s *subscription) Receive(ctx context.Context, buf []pubsub.Incoming) (int, error) {
	for {
		s.mu.Lock()
		n := copy(buf, s.in[s.first:])
		clear(s.in[s.first : s.first+n])
		s.first += n
		if s.first == len(s.in) {
			s.in, s.first = s.in[:0], 0
		}
		if n > 0 {
			s.handed = buf[n-1].Tag
		}
		end := s.end
		s.mu.Unlock()
		if n > 0 {
			return n, nil
		}
		if end != nil {
			return 0, end
		}
		select {
		case <-s.wake:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

// Settle settles one delivery, or with multiple all up to it.
func (s *subscription) Settle(_ context.Context, tag uint64, o pubsub.Outcome, multiple bool) error {
	s.mu.Lock()
	if s.lostLocked(tag) {
		s.mu.Unlock()
		return pubsub.ErrDeliveryLost
	}
	local := s.local
	if local == nil {
		s.unsent.add(settlement{tag, o, multiple})
		idle := !s.unsent.sending
		s.mu.Unlock()
		if idle {
			s.conn.running.Go(s.sendSettlements)
		}
		return nil
	}
	s.mu.Unlock()
	if err := local.settle(s.member(), settlement{tag, o, multiple}); err != nil {
		if errors.Is(err, errNotLeader) && s.conn.queueDeleted(s.queue) {
			return nil // as in RabbitMQ: there is nothing to settle any more
		}
		return pubsub.ErrDeliveryLost
	}
	return nil
}

// Lost implements pubsub.LossTeller.
func (s *subscription) Lost(tag uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lostLocked(tag)
}

func (s *subscription) lostLocked(tag uint64) bool {
	return s.closed || tag <= s.lostTo || s.lost[tag]
}

// settleHeld forgets what is settled, once the leader knows. The caller holds the lock.
func (s *subscription) settleHeld(tag uint64, multiple bool) {
	if !multiple {
		delete(s.held, tag)
		return
	}
	for t := range s.held {
		if t <= tag {
			delete(s.held, t)
		}
	}
}

// Cancel stops deliveries, and returns what was not handed over.
func (s *subscription) Cancel(ctx context.Context) error {
	s.stopTaking()
	err := s.tell(ctx, func(l *leader, from uint64) error {
		last, err := l.cancel(s.member(), from)
		if last { // at once: what is requeued after this must not be dead-lettered
			l.deleteQueue(ctx, deleteAuto)
		}
		return err
	},
		func(remote string, from uint64) error {
			return s.conn.control.cancel(ctx, remote, s.queue, s.id, from)
		})
	s.mu.Lock()
	s.gone = err == nil
	s.mu.Unlock()
	return err
}

// Close stops deliveries and returns what is unsettled.
func (s *subscription) Close() error {
	s.stopTaking()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	err := s.tell(ctx, func(l *leader, _ uint64) error { return l.leaveNow(s.member()) },
		func(remote string, _ uint64) error { return s.conn.control.leave(ctx, remote, s.queue, s.id) })
	s.conn.forgetSubscription(s)
	return err
}

// stopTaking takes nothing more.
func (s *subscription) stopTaking() {
	s.mu.Lock()
	s.left = true
	if !s.opts.AutoAck {
		s.in, s.first = nil, 0
		for t := range s.held {
			if t > s.handed {
				delete(s.held, t)
			}
		}
	}
	s.mu.Unlock()
	s.finish(errClosed)
}

// shut marks the subscription closed, and returns its leader if that is here.
func (s *subscription) shut() (l *leader, remote string) {
	s.stopTaking()
	s.sendSettlements()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	l, remote = s.local, s.remote
	s.local, s.remote = nil, ""
	return l, remote
}

// forgetSubscription is for one that has given all back.
func (c *Conn) forgetSubscription(s *subscription) {
	s.mu.Lock()
	s.closed = true
	s.local, s.remote = nil, ""
	s.mu.Unlock()
	c.mu.Lock()
	delete(c.subs, s.id)
	c.mu.Unlock()
}

// queueDeleted reports whether a queue is no more, as far as this connection knows.
func (c *Conn) queueDeleted(q *queue) bool {
	is, ok := c.topology.table.Load().Queue(q.name())
	return !ok || is.record.Incarnation != q.record.Incarnation
}
