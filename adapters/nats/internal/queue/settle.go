package queue

import "github.com/gobindery/bindery/pubsub"

// Settle settles a delivery, or with multiple all up to it, and hands out what there
// is credit for. Any reports whether one of them was unsettled. What is rejected is
// among the Gone; what is requeued goes back to its place, and may be delivered
// at once, or dropped if the queue is full.
func (c *Consumer) Settle(tag uint64, o pubsub.Outcome, multiple bool, now int64) (any bool) {
	if multiple {
		for c.held.count > 0 && c.held.first() <= tag {
			any = c.settle(c.held.first(), o) || any
		}
	} else {
		any = c.settle(tag, o)
	}
	c.queue.line.add(c)
	c.queue.Dispatch(now)
	return any
}

// settle settles one delivery, if it is not settled.
func (c *Consumer) settle(tag uint64, o pubsub.Outcome) bool {
	q := c.queue
	before := c.credit()
	e, ok := c.held.take(tag)
	if !ok {
		return false
	}
	q.credit += c.credit() - before
	q.unacked--
	switch o {
	case pubsub.Requeue:
		q.putBack(e)
	case pubsub.Reject:
		q.done(e, Rejected)
	default:
		q.done(e, Acked)
	}
	return true
}

// Return requeues what is unsettled from a tag on. The caller calls Dispatch.
func (c *Consumer) Return(from uint64) {
	for c.held.count > 0 && c.held.last() >= from {
		c.settle(c.held.last(), pubsub.Requeue)
	}
	c.queue.line.add(c)
}

// Restore says that a consumer or holder holds an entry under a tag since
// before this queue was made. It counts as unacknowledged. Tags of later deliveries go on
// after the highest one. It is quickest with ascending tags. See [Queue.Recover].
func (q *Queue) Restore(c *Consumer, tag uint64, e Entry) {
	c.lastTag = max(c.lastTag, tag)
	c.hold(tag, e)
}

// hold notes that the consumer has a message.
func (c *Consumer) hold(tag uint64, e Entry) {
	before := c.credit()
	c.held.add(tag, e)
	c.queue.credit += c.credit() - before
	c.queue.unacked++
}
