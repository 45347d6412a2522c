package memory

import (
	"context"

	"github.com/gobindery/bindery/pubsub"
)

// Settle settles one delivery, or with multiple all up to it.
func (c *consumer) Settle(_ context.Context, tag uint64, o pubsub.Outcome, multiple bool) error {
	gathered := o == pubsub.Ack && !multiple
	if gathered {
		apply, err := c.acks.add(tag)
		// Looked at after add: who starves, or sets a limit, takes what was
		// gathered before.
		if err != nil || !apply && !c.starved.Load() && (c.share == nil || !c.share.limited()) {
			return err
		}
	}
	q := c.queue
	q.mu.Lock()
	err := c.settleLocked(tag, o, multiple)
	q.mu.Unlock()
	q.vhost.sendDead()
	if c.share != nil && c.share.limited() {
		c.share.wake()
	}
	if gathered {
		return nil // it counts: who closed the consumer since has applied it
	}
	return err
}

func (c *consumer) settleLocked(tag uint64, o pubsub.Outcome, multiple bool) error {
	if c.acks.isClosed() {
		return pubsub.ErrDeliveryLost
	}
	c.applyAcks() // the one of an Ack among them
	first := tag
	if multiple {
		first = c.base
	}
	if multiple || o != pubsub.Ack {
		for t := first; t <= min(tag, c.handed); t++ {
			if e, ok := c.release(t); ok {
				c.queue.settle(e, o)
			}
		}
		c.trim()
	}
	c.regainCredit()
	return nil
}

// settleAcks settles the gathered acks and gets what the credit is good for.
func (c *consumer) settleAcks() {
	if c.applyAcks() {
		c.regainCredit()
	}
}

// applyAcks settles the gathered acks. It reports whether there were any.
func (c *consumer) applyAcks() bool {
	runs := c.acks.take()
	for _, r := range runs {
		for t := r.first; t <= r.last; t++ {
			if t == c.base && c.out.n > 0 { // the oldest first, as usual
				if c.out.pop().pub != nil {
					c.letGo()
					c.queue.unacked--
				}
				c.base++
				continue
			}
			if _, ok := c.release(t); ok {
				c.queue.unacked--
			}
		}
	}
	c.trim()
	return len(runs) > 0
}

// release takes one delivery out, if it is not settled.
func (c *consumer) release(tag uint64) (entry, bool) {
	if tag < c.base || tag >= c.base+uint64(c.out.n) {
		return entry{}, false
	}
	p := c.out.at(int(tag - c.base))
	if p.pub == nil {
		return entry{}, false
	}
	e := *p
	*p = entry{}
	c.letGo()
	return e, true
}

// letGo counts one delivery less.
func (c *consumer) letGo() {
	c.held--
	if c.share != nil {
		c.share.letGo(c)
	}
}

// trim takes settled deliveries off the head of out.
func (c *consumer) trim() {
	for c.out.n > 0 && c.out.at(0).pub == nil {
		c.out.pop()
		c.base++
	}
}

// regainCredit puts a consumer that the queue passed over back into the line,
// and lets the queue give out messages.
func (c *consumer) regainCredit() {
	if c.held < c.prefetch && c.starved.Load() {
		c.starved.Store(false)
		c.queue.lineUp(c)
	}
	c.queue.dispatch()
}
