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

// OrderMatters reports whether it makes a difference if the consumer settles
// something now, or after messages that are about to come are added. It makes none while
// others wait that are served before those, or while the consumer may take more
// anyway.
func (c *Consumer) OrderMatters(o pubsub.Outcome, now int64) bool {
	q := c.queue
	q.dropExpired(now)
	if q.count > 0 && !q.choosy() {
		return false
	}
	return o == pubsub.Requeue || c.prefetch > 0 && !c.hasCredit()
}

// choosy reports whether a message that comes may be served before those that
// wait, or push one of them out.
func (q *Queue) choosy() bool {
	s := &q.settings
	return s.MaxPriority > 0 || s.MaxLength != nil || s.MaxBytes != nil
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
