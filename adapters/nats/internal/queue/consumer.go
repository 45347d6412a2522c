package queue

import (
	"fmt"
	"slices"

	"github.com/gobindery/bindery/pubsub"
)

// Consumer is who messages are handed to: a consumer of the queue, or a holder.
type Consumer struct {
	// Owner is the caller's, who may change it. The queue doesn't look at it.
	Owner any

	queue     *Queue
	autoAck   bool
	exclusive bool
	priority  int32
	prefetch  int // zero for a holder, and once the consumer has left

	lastTag uint64
	held    held // what it has not settled
	inLine  bool // in queue.line
}

// MaxCredit is the most that [Queue.Credit] tells, and that an unlimited
// consumer counts there.
const MaxCredit = 1 << 20

// Join adds a consumer, and hands it what is ready. While there is one, the queue
// is in use. An exclusive use that is in the way is an error that wraps
// [pubsub.ErrAccessRefused], in RabbitMQ's words.
func (q *Queue) Join(o pubsub.ConsumeOptions, now int64) (*Consumer, error) {
	return q.Rejoin(o, 0, now)
}

// Rejoin is Join for a consumer that was one before this queue was made. Last is the
// tag of its last delivery then: those of later ones go on after it.
func (q *Queue) Rejoin(o pubsub.ConsumeOptions, last uint64, now int64) (*Consumer, error) {
	if q.exclusive || o.Exclusive && (len(q.consumers) > 0 || q.settings.SingleActiveConsumer) {
		return nil, fmt.Errorf("%w: queue '%s' in vhost '%s' in exclusive use", pubsub.ErrAccessRefused, q.settings.Name, q.vhost)
	}
	c := &Consumer{queue: q, autoAck: o.AutoAck, exclusive: o.Exclusive, priority: o.Priority, prefetch: o.Prefetch, lastTag: last}
	if c.autoAck {
		c.prefetch = pubsub.Unlimited
	}
	q.consumers = append(q.consumers, c)
	q.exclusive = c.exclusive
	q.credit += c.credit()
	if q.active == nil {
		q.active = c
	}
	q.line.add(c)
	q.Dispatch(now)
	return c, nil
}

// Holder returns who can hold and settle what Get hands out. It isn't counted as a
// consumer, and gets nothing by itself. Last is as for Rejoin; zero for a new one.
func (q *Queue) Holder(last uint64) *Consumer { return &Consumer{queue: q, lastTag: last} }

// Leave takes a consumer off the queue: it gets nothing any more. What it holds
// it may still settle, or Return. Last reports that it was the last consumer of
// the queue. It counts as a use; a second call does nothing. The caller calls
// Dispatch, for what was given back: of several that leave at once, all leave
// first, so that nothing goes from one to the other.
func (q *Queue) Leave(c *Consumer, now int64) (last bool) {
	i := slices.Index(q.consumers, c)
	if i < 0 {
		return false
	}
	q.consumers = slices.Delete(q.consumers, i, i+1)
	q.line.remove(c)
	q.credit -= c.credit()
	c.prefetch = 0
	if c.exclusive {
		q.exclusive = false
	}
	if q.active == c {
		q.active = nil
		if len(q.consumers) > 0 {
			q.active = q.consumers[0]
		}
	}
	q.Touch(now)
	return len(q.consumers) == 0
}

// Credit is how many messages the consumers would take that may be served now,
// at most MaxCredit.
func (q *Queue) Credit() int {
	credit := q.credit
	if q.settings.SingleActiveConsumer {
		credit = 0
		if q.active != nil {
			credit = q.active.credit()
		}
	}
	return int(min(credit, MaxCredit))
}

// hasCredit reports whether a consumer may get one more message.
func (c *Consumer) hasCredit() bool { return c.held.count < c.prefetch }

// credit is how many more messages a consumer may get, at most MaxCredit.
func (c *Consumer) credit() int64 {
	return int64(min(max(c.prefetch-c.held.count, 0), MaxCredit))
}
