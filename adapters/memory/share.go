package memory

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/gobindery/bindery/pubsub"
)

// share is a prefetch that consumers of one connection share.
type share struct {
	conn *Conn

	limit atomic.Int64 // zero is none
	held  atomic.Int64 // what its consumers have not settled, gathered acks included

	mu      sync.Mutex             // last in the lock order, see vhost
	members map[*consumer]struct{} // until they are closed
	starved []*consumer            // passed over because the share was full
}

var (
	_ pubsub.SharedPrefetcher = (*Conn)(nil)
	_ pubsub.SharedPrefetch   = (*share)(nil)
)

// NewSharedPrefetch returns a prefetch that consumers can share.
func (c *Conn) NewSharedPrefetch() pubsub.SharedPrefetch {
	return &share{conn: c, members: make(map[*consumer]struct{})}
}

// Consume starts a consumer under the share's limit.
func (s *share) Consume(_ context.Context, queueName string, o pubsub.ConsumeOptions) (pubsub.Subscription, error) {
	return s.conn.consume(queueName, o, s)
}

// SetLimit changes the limit.
func (s *share) SetLimit(n int) {
	s.limit.Store(int64(max(n, 0)))
	s.mu.Lock()
	members := make([]*consumer, 0, len(s.members))
	for c := range s.members {
		members = append(members, c)
	}
	s.mu.Unlock()
	// Acks that were gathered while there was no limit: one that comes now
	// sees the limit, and is applied by who brings it.
	for _, c := range members {
		q := c.queue
		q.mu.Lock()
		c.settleAcks()
		q.mu.Unlock()
	}
	s.wake()
}

// limited reports whether there is a limit.
func (s *share) limited() bool { return s.limit.Load() > 0 }

// take takes room for one more delivery to a consumer, whose queue is locked. If
// there is none, wake will look at the consumer.
func (s *share) take(c *consumer) bool {
	if s.tryTake(c) {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	// Again, with the lock: who made room meanwhile may have looked for starved
	// consumers before this one is among them.
	if s.tryTake(c) {
		return true
	}
	if !c.starvedByShare {
		c.starvedByShare = true
		s.starved = append(s.starved, c)
	}
	return false
}

func (s *share) tryTake(c *consumer) bool {
	for {
		held, limit := s.held.Load(), s.limit.Load()
		if limit > 0 && held >= limit {
			return false
		}
		if c.autoAck || s.held.CompareAndSwap(held, held+1) {
			return true
		}
	}
}

// wake lets the queues of starved consumers look again. It is called without
// locks when there is room.
func (s *share) wake() {
	s.mu.Lock()
	starved := s.starved
	s.starved = nil
	for _, c := range starved {
		c.starvedByShare = false
	}
	s.mu.Unlock()
	for _, c := range starved {
		q := c.queue
		q.mu.Lock()
		if !q.deleted {
			q.lineUp(c)
			q.dispatch()
		}
		q.mu.Unlock()
	}
	s.conn.vhost.sendDead()
}

// add makes a consumer a member until remove.
func (s *share) add(c *consumer) {
	s.mu.Lock()
	s.members[c] = struct{}{}
	s.mu.Unlock()
}

// remove takes out a consumer that has given all back.
func (s *share) remove(c *consumer) {
	s.mu.Lock()
	delete(s.members, c)
	s.mu.Unlock()
}
