package memory

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync/atomic"

	"github.com/gobindery/bindery/pubsub"
)

// consumer is a subscription to a queue. Its fields are guarded by the queue's
// mutex, but for acks.
type consumer struct {
	queue     *queue
	conn      *Conn
	prefetch  int
	autoAck   bool
	exclusive bool
	priority  int32
	share     *share // the prefetch that it shares with others, or nil

	// out holds what the queue gave to this consumer and isn't settled. Tags are
	// consecutive, so that a tag is an index: that of out's head is base.
	// Settled ones in the middle are zero until those before them are settled. Those after
	// handed wait for Receive.
	out    ring
	base   uint64
	handed uint64 // the last tag that Receive handed over
	held   int    // how many are not settled: what counts against the prefetch

	inLine bool  // in queue.line
	left   bool  // gets nothing any more
	end    error // why Receive ends, once out is handed over

	waiting bool // Receive is about to wait for wake
	wake    chan struct{}

	// starved says that the queue passed this consumer over for want of
	// credit: an ack must reach the queue at once.
	starved atomic.Bool

	// What each ack writes to is kept apart from what each publish looks at,
	// or two processors would take the same memory from one another.
	_    cacheLine
	acks acks
	_    cacheLine

	itsTurn   bool // wake has taken room in the share for it
	inStarved bool // in share.starved; guarded by share.mu
}

// cacheLine is as large as what processors exchange at once.
type cacheLine [64]byte

var _ pubsub.Subscription = (*consumer)(nil)

// Consume starts a consumer.
func (c *Conn) Consume(_ context.Context, queueName string, o pubsub.ConsumeOptions) (pubsub.Subscription, error) {
	return c.consume(queueName, o, nil)
}

func (c *Conn) consume(queueName string, o pubsub.ConsumeOptions, with *share) (pubsub.Subscription, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, errClosed
	}
	v := c.vhost
	v.mu.Lock()
	q, err := v.queue(queueName, c)
	if err != nil {
		v.mu.Unlock()
		return nil, err
	}
	q.mu.Lock()
	err = q.mayConsume(o)
	var s *consumer
	if err == nil {
		s = &consumer{
			queue: q, conn: c, prefetch: o.Prefetch, autoAck: o.AutoAck, exclusive: o.Exclusive, priority: o.Priority,
			share: with, base: 1, wake: make(chan struct{}, 1),
		}
		if with != nil {
			with.add(s)
		}
		q.join(s)
	}
	q.mu.Unlock()
	v.mu.Unlock()
	v.sendDead()
	if err != nil {
		return nil, err
	}
	c.consumers[s] = struct{}{}
	return s, nil
}

// mayConsume says why there can't be one more consumer.
func (q *queue) mayConsume(o pubsub.ConsumeOptions) error {
	if q.exclusive || o.Exclusive && (len(q.consumers) > 0 || q.settings.SingleActiveConsumer) {
		return fmt.Errorf("%w: queue '%s' in vhost '%s' in exclusive use", pubsub.ErrAccessRefused, q.name, q.vhost.name)
	}
	return nil
}

// join adds a consumer and gives it what is ready.
func (q *queue) join(c *consumer) {
	q.consumers = append(q.consumers, c)
	q.exclusive = c.exclusive
	if q.active == nil {
		q.active = c
	}
	q.lineUp(c)
	q.touch()
	q.dispatch()
}

// leave takes a consumer off the queue, and reports whether it was the last.
// The caller dispatches.
func (q *queue) leave(c *consumer) (last bool) {
	if c.left {
		return false
	}
	c.left = true
	same := func(other *consumer) bool { return other == c }
	q.consumers = slices.DeleteFunc(q.consumers, same)
	q.line = slices.DeleteFunc(q.line, same)
	c.inLine = false
	if c.exclusive {
		q.exclusive = false
	}
	if q.active == c {
		q.active = nil
		if len(q.consumers) > 0 {
			q.active = q.consumers[0]
		}
	}
	q.touch()
	return len(q.consumers) == 0
}

// takeCredit reports whether a consumer may get one more message, and takes
// room in its share for that: the caller hands it one.
func (c *consumer) takeCredit() bool {
	return c.hasCredit() && (c.share == nil || c.share.take(c))
}

// hasCredit reports whether a consumer's own prefetch has room.
func (c *consumer) hasCredit() bool {
	if c.autoAck || c.held < c.prefetch {
		return true
	}
	// An ack that is gathered but not applied counts. One that comes between
	// take and the return of this function sees starved, and applies itself.
	c.starved.Store(true)
	c.applyAcks()
	if c.held < c.prefetch {
		c.starved.Store(false)
		return true
	}
	return false
}

// wakeUp lets Receive look again.
func (c *consumer) wakeUp() {
	c.waiting = false
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// Receive hands over what the queue has given to the consumer.
func (c *consumer) Receive(ctx context.Context, buf []pubsub.Incoming) (int, error) {
	q := c.queue
	for yielded := false; ; {
		q.mu.Lock()
		c.settleAcks()
		n := c.take(buf)
		end := c.end
		c.waiting = n == 0 && end == nil && yielded
		waiting := c.waiting
		q.mu.Unlock()
		q.vhost.sendDead()
		switch {
		case n > 0:
			return n, nil
		case end != nil:
			return 0, end
		case !waiting:
			// A publisher that is about to run gets to do so: to be woken for
			// each message costs more than the message.
			yielded = true
			runtime.Gosched()
			continue
		}
		if ctx.Done() == nil {
			<-c.wake // cheaper than a select
			continue
		}
		select {
		case <-c.wake:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

// take fills buf with what was not handed over yet.
func (c *consumer) take(buf []pubsub.Incoming) (n int) {
	for n < len(buf) {
		i := int(c.handed + 1 - c.base)
		if i >= c.out.n {
			break
		}
		e := c.out.at(i)
		c.handed++
		buf[n] = pubsub.Incoming{
			Envelope:    &e.pub.Envelope,
			Redelivered: e.redelivered(),
			Tag:         c.handed,
		}
		n++
		if c.autoAck {
			c.out.pop()
			c.base++
		}
	}
	return n
}

// Cancel stops deliveries.
func (c *consumer) Cancel(context.Context) error {
	c.finish(false)
	return nil
}

// Close stops deliveries and returns what is unsettled.
func (c *consumer) Close() error {
	c.conn.mu.Lock()
	delete(c.conn.consumers, c)
	c.conn.mu.Unlock()
	c.finish(true)
	return nil
}

// finish takes the consumer off its queue and returns to that what Receive has
// not handed over; with all, everything that is not settled.
func (c *consumer) finish(all bool) {
	// It leaves first, so that what goes back does not come to it again.
	c.leave()
	q := c.queue
	q.mu.Lock()
	if !c.autoAck {
		first := c.handed + 1
		if all {
			c.acks.close()
			c.applyAcks() // those that came since it left: they were told that they count
			first = c.base
		}
		c.giveBack(first)
	}
	if !q.deleted {
		q.dispatch()
	}
	q.mu.Unlock()
	q.vhost.sendDead()
	if c.share != nil {
		if all {
			c.share.remove(c)
		}
		c.share.wake()
	}
}

// leave ends what the queue gives to the consumer. If that deletes the queue,
// nothing goes back, and so nothing is dead-lettered for want of room.
func (c *consumer) leave() {
	q, v := c.queue, c.queue.vhost
	v.mu.Lock()
	defer v.mu.Unlock()
	q.mu.Lock()
	defer q.mu.Unlock()
	c.applyAcks()
	if c.end == nil {
		c.end = errClosed
	}
	c.wakeUp()
	if last := q.leave(c); last && q.settings.AutoDelete && !q.deleted {
		v.deleteLocked(q)
	}
}

// giveBack requeues what is not settled from the tag first on.
func (c *consumer) giveBack(first uint64) {
	for t := first; t < c.base+uint64(c.out.n); t++ {
		if e, ok := c.release(t); ok {
			c.queue.settle(e, pubsub.Requeue)
		}
	}
	c.out.truncate(int(c.handed + 1 - c.base))
	c.trim()
}
