package memory

import (
	"slices"
	"sync"

	"github.com/gobindery/bindery/pubsub"
	"github.com/gobindery/bindery/pubsub/classic"
)

// queue holds messages and hands them to its consumers. Either no message is
// ready, or no consumer can take one: every change ends in dispatch.
type queue struct {
	vhost    *vhost
	name     string
	settings pubsub.Queue // as declared; does not change
	owner    *Conn        // whose exclusive queue it is; nil for a shared one

	// What each publish looks at stands together.
	mu           sync.Mutex
	deleted      bool
	plain        bool  // settings have no TTL and no limit: does not change
	count        int   // of ready messages
	headDue      int64 // when headTimer runs; never if it does not run
	nextPosition uint64
	unacked      int         // messages that a consumer or a get holds
	line         []*consumer // who is served next: by priority, then in turn; who has no credit is not in it
	levels       []ready     // the ready messages by priority; one level without priorities
	bytes        int         // of the bodies of the ready messages

	consumers []*consumer // all of them, in the order in which they came
	active    *consumer   // the one that is served, with a single active consumer
	exclusive bool        // its one consumer keeps others away

	headTimer timer // runs at the time when the head expires
	idleTimer timer // looks whether an x-expires queue is unused
	lastUsed  int64 // by a declare, get, or consumer
}

func newQueue(v *vhost, settings pubsub.Queue, owner *Conn) *queue {
	q := &queue{vhost: v, name: settings.Name, settings: settings, owner: owner, headDue: never}
	q.levels = make([]ready, int(settings.MaxPriority)+1)
	q.plain = settings.MessageTTL == nil && settings.MaxLength == nil && settings.MaxBytes == nil
	q.touch()
	return q
}

// enqueue takes a message in. It reports false if the queue refuses it because it is full.
func (q *queue) enqueue(pub *pubsub.Publication) (taken bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.deleted {
		return true // it was there when the message was routed: as if it went just after
	}
	if q.headDue != never {
		q.dropExpired()
	}
	if !q.plain && q.refuses(pub) {
		if q.settings.Overflow == pubsub.RejectPublishDLX {
			q.giveUp(newEntry(pub, 0, never), classic.MaxLen)
		}
		return false
	}
	e := newEntry(pub, q.nextPosition, never)
	if !q.plain || pub.Expiration != nil {
		e.expires = q.expiry(&pub.Message)
	}
	q.nextPosition++
	if q.count == 0 {
		if c := q.next(); c != nil {
			q.handTo(c, e)
			return true
		}
	}
	q.level(&e).add(e)
	q.count++
	q.bytes += e.size()
	if dropped := q.dropOverflow(); dropped || e.expires != never {
		q.dropExpired() // the head may be another
	}
	return true
}

// refuses reports whether the queue refuses a message rather than drop another.
func (q *queue) refuses(pub *pubsub.Publication) bool {
	return !q.dropsHead() && q.over(q.count+1, q.bytes+len(pub.Body))
}

// dropsHead reports whether the queue makes room by dropping its head.
func (q *queue) dropsHead() bool {
	return q.settings.Overflow == "" || q.settings.Overflow == pubsub.DropHead
}

// over reports whether so many messages and bytes are too much.
func (q *queue) over(count, bytes int) bool {
	s := &q.settings
	return s.MaxLength != nil && count > *s.MaxLength || s.MaxBytes != nil && bytes > *s.MaxBytes
}

// dropOverflow drops messages from the head while there are too many. A queue
// that refuses instead may have too many after a requeue, and keeps them.
func (q *queue) dropOverflow() (dropped bool) {
	if !q.dropsHead() {
		return false
	}
	for q.count > 0 && q.over(q.count, q.bytes) {
		q.giveUp(q.pop(), classic.MaxLen)
		dropped = true
	}
	return dropped
}

// level returns where a message waits, by its priority.
func (q *queue) level(e *entry) *ready {
	if len(q.levels) == 1 {
		return &q.levels[0]
	}
	return &q.levels[min(int(e.pub.Priority), len(q.levels)-1)]
}

// firstLevel returns the level that is served next, of a queue that has messages.
func (q *queue) firstLevel() *ready {
	for i := len(q.levels) - 1; i > 0; i-- {
		if q.levels[i].len() > 0 {
			return &q.levels[i]
		}
	}
	return &q.levels[0]
}

// pop takes the first message of a queue that has messages.
func (q *queue) pop() entry {
	e := q.firstLevel().pop()
	q.count--
	q.bytes -= e.size()
	return e
}

// putBack returns a message that was handed out to its place. The caller
// dispatches.
func (q *queue) putBack(e entry) {
	q.unacked--
	e.markRedelivered()
	q.level(&e).putBack(e)
	q.count++
	q.bytes += e.size()
}

// settle does what an outcome says with a message that was handed out, and gives the next
// ones out.
func (q *queue) settle(e entry, o pubsub.Outcome) {
	switch {
	case q.deleted:
	case o == pubsub.Requeue:
		q.putBack(e)
		q.dropOverflow()
	case o == pubsub.Reject:
		q.unacked--
		q.giveUp(e, classic.Rejected)
	default:
		q.unacked--
	}
}

// dispatch hands ready messages to consumers while there are both.
func (q *queue) dispatch() {
	for q.count > 0 {
		q.dropExpired()
		if q.count == 0 {
			return
		}
		c := q.next()
		if c == nil {
			return
		}
		q.handTo(c, q.pop())
	}
}

// next returns the consumer that gets the next message, or nil: the caller hands
// it one. One without credit leaves the line until it has some.
func (q *queue) next() *consumer {
	if q.settings.SingleActiveConsumer {
		if q.active == nil || !q.active.takeCredit() {
			return nil
		}
		return q.active
	}
	for len(q.line) > 0 {
		c := q.line[0]
		if !c.takeCredit() {
			q.line = slices.Delete(q.line, 0, 1)
			c.inLine = false
			continue
		}
		if len(q.line) > 1 {
			// Behind those of the same priority: that is round robin.
			last := 0
			for last+1 < len(q.line) && q.line[last+1].priority == c.priority {
				last++
			}
			copy(q.line, q.line[1:last+1])
			q.line[last] = c
		}
		return c
	}
	return nil
}

// lineUp puts a consumer that has credit into the line.
func (q *queue) lineUp(c *consumer) {
	if c.inLine || c.left {
		return
	}
	i := len(q.line)
	for i > 0 && q.line[i-1].priority < c.priority {
		i--
	}
	q.line = slices.Insert(q.line, i, c)
	c.inLine = true
}

// handTo gives a message to a consumer.
func (q *queue) handTo(c *consumer, e entry) {
	c.out.push(e)
	if !c.autoAck {
		c.held++
		q.unacked++
	}
	if c.waiting {
		c.wakeUp()
	}
}

// info tells the counts.
func (q *queue) info() pubsub.QueueInfo {
	return pubsub.QueueInfo{Name: q.name, Ready: q.count, Consumers: len(q.consumers)}
}
