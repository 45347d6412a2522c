package memory

import (
	"context"
	"slices"
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
// there is none, wake gives the consumer its turn.
func (s *share) take(c *consumer) bool {
	if !s.limited() {
		s.hold(c)
		return true
	}
	if c.itsTurn {
		c.itsTurn = false
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	// Room that others wait for is theirs. Under the lock, because who makes
	// room calls wake after that: it either made it before this look, or finds
	// this consumer among the starved.
	if s.hasRoom() && len(s.starved) == 0 {
		s.hold(c)
		return true
	}
	if !c.inStarved {
		c.inStarved = true
		s.starved = append(s.starved, c)
	}
	return false
}

// hasRoom reports whether there is room for one more delivery.
func (s *share) hasRoom() bool {
	limit := s.limit.Load()
	return limit == 0 || s.held.Load() < limit
}

// hold counts one more delivery to a consumer.
func (s *share) hold(c *consumer) {
	if !c.autoAck {
		s.held.Add(1)
	}
}

// letGo counts one less. The caller calls wake once it holds no lock.
func (s *share) letGo(c *consumer) {
	if !c.autoAck {
		s.held.Add(-1)
	}
}

// wake gives one delivery to each starved consumer in turn, while there is room.
// It is called without locks after room was made.
func (s *share) wake() {
	for c := s.nextStarved(); c != nil; c = s.nextStarved() {
		q := c.queue
		q.mu.Lock()
		c.itsTurn = true
		if !q.deleted {
			q.lineUp(c)
			q.dispatch()
		}
		if c.itsTurn { // there was nothing for it
			c.itsTurn = false
			s.letGo(c)
		}
		q.mu.Unlock()
	}
	s.conn.vhost.sendDead()
}

// nextStarved takes the consumer that starves longest, with room for one
// delivery, or returns nil.
func (s *share) nextStarved() *consumer {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.starved) == 0 || !s.hasRoom() {
		return nil
	}
	c := s.starved[0]
	s.starved = slices.Delete(s.starved, 0, 1)
	c.inStarved = false
	s.hold(c)
	return c
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
