// Package queue is a queue as RabbitMQ runs it: order, consumers, limits and
// times, without storage, clocks, goroutines or locks. What to do about a
// message is told by [Queue.Effects].
//
// Times are unix nanoseconds, and its owner brings them: the argument now of
// each method that may do something about time. After each call of a method
// either no message is ready, or no consumer can take one; the exceptions,
// which leave that to a call of [Queue.Dispatch], say so.
//
// A Queue and its consumers are not safe for concurrent use: their owner has a
// lock.
package queue

import "github.com/gobindery/bindery/pubsub"

// Queue holds messages and hands them to its consumers.
type Queue struct {
	settings pubsub.Queue // does not change
	vhost    string       // for errors

	levels []ready // the ready messages by priority; one level without priorities
	top    int     // no level above it has any
	count  int     // of ready messages
	bytes  int     // of their bodies

	consumers []*Consumer // all of them, in the order in which they came
	line      line        // who is served next
	active    *Consumer   // the one that is served, with a single active consumer
	exclusive bool        // its one consumer keeps others away
	credit    int64       // of all consumers
	unacked   int         // messages that consumers and holders hold

	lastUsed int64 // by a declare, get, or consumer; Never before the first

	deliveries effects[Delivery]
	gone       effects[Gone]
}

// New returns an empty queue of a vhost. The time of an x-expires queue begins
// with the first [Queue.Touch].
func New(s pubsub.Queue, vhost string) *Queue {
	return &Queue{
		settings: s,
		vhost:    vhost,
		levels:   make([]ready, int(s.MaxPriority)+1),
		lastUsed: Never,
	}
}

// Add takes a message in. It goes to a consumer at once if it can, expired or
// not: that is RabbitMQ's TTL 0. Seq is expected to ascend; one that
// comes late goes to its place among the ready ones.
func (q *Queue) Add(e Entry, now int64) {
	q.dropExpired(now)
	if q.count == 0 {
		if c := q.next(); c != nil {
			q.hand(c, e)
			return
		}
	}
	q.Recover(e)
	q.Dispatch(now) // there may be too many, or it may have expired
}

// Recover puts in a message that was ready before this queue was made. Unlike one
// that is new it goes to nobody if it has expired. The caller calls Dispatch when
// all are in, and what consumers hold is Restored: so none gets more than its
// prefetch.
func (q *Queue) Recover(e Entry) {
	q.level(&e).add(e)
	q.grew(&e)
}

// Dispatch drops what is too much or has expired from the head, and hands
// ready messages to consumers while there are both.
func (q *Queue) Dispatch(now int64) {
	q.dropOverflow()
	for {
		q.dropExpired(now)
		if q.count == 0 {
			return
		}
		c := q.next()
		if c == nil {
			return
		}
		q.hand(c, q.pop())
	}
}

// Get takes the first ready message for a holder; without one (nil) it is
// settled at once, and among the Gone as Acked. The delivery is returned only, it
// is not among the effects. It counts as a use.
func (q *Queue) Get(h *Consumer, now int64) (d Delivery, ok bool) {
	q.Touch(now)
	q.dropExpired(now)
	if q.count == 0 {
		return Delivery{}, false
	}
	d = Delivery{To: h, Entry: q.pop()}
	if h == nil {
		q.done(d.Entry, Acked)
	} else {
		h.lastTag++
		d.Tag = h.lastTag
		h.hold(d.Tag, d.Entry)
	}
	q.dropExpired(now) // the head is another
	return d, true
}

// Purge drops the ready messages, and tells how many. Expired ones count among
// them: the owner calls Tick first if [Queue.Due] has come.
func (q *Queue) Purge() (n int) {
	n = q.count
	for q.count > 0 {
		q.done(q.pop(), Purged)
	}
	return n
}

// next returns the consumer that gets the next message, or nil: the caller
// hands it one.
func (q *Queue) next() *Consumer {
	if !q.settings.SingleActiveConsumer {
		return q.line.next()
	}
	if q.active == nil || !q.active.hasCredit() {
		return nil
	}
	return q.active
}

// hand gives a message to a consumer.
func (q *Queue) hand(c *Consumer, e Entry) {
	c.lastTag++
	q.deliveries.add(Delivery{To: c, Tag: c.lastTag, Entry: e})
	if c.autoAck {
		q.done(e, Acked)
		return
	}
	c.hold(c.lastTag, e)
}

// done is for a message that the queue is done with.
func (q *Queue) done(e Entry, why Reason) { q.gone.add(Gone{Entry: e, Reason: why}) }

// pop takes the first message of a queue that has messages.
func (q *Queue) pop() Entry {
	e := q.firstLevel().pop()
	q.count--
	q.bytes -= e.size()
	return e
}

// putBack returns a message that was handed out to its place.
func (q *Queue) putBack(e Entry) {
	e.Redelivered = true
	q.level(&e).putBack(e)
	q.grew(&e)
}

// grew counts a message that is ready now.
func (q *Queue) grew(e *Entry) {
	q.count++
	q.bytes += e.size()
}

// level returns where a message waits, by its priority; it is about to.
func (q *Queue) level(e *Entry) *ready {
	i := min(int(e.Message.Priority), len(q.levels)-1)
	q.top = max(q.top, i)
	return &q.levels[i]
}

// firstLevel returns the level that is served next, of a queue that has messages.
func (q *Queue) firstLevel() *ready {
	for q.levels[q.top].len() == 0 {
		q.top--
	}
	return &q.levels[q.top]
}

// Ready counts the messages that wait for a consumer.
func (q *Queue) Ready() int { return q.count }

// Bytes counts the bytes of the ready messages' bodies.
func (q *Queue) Bytes() int { return q.bytes }

// Unacked counts the messages that consumers and holders have not settled.
func (q *Queue) Unacked() int { return q.unacked }

// Consumers counts the consumers, without holders.
func (q *Queue) Consumers() int { return len(q.consumers) }
