package nats

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/gobindery/bindery/pubsub"
)

// Who leads a queue is said by the consumer of the queue's stream: a work queue
// has one at most, and its name tells the connection. To lead is to have made it. If
// that connection is gone, whoever needs the queue deletes its consumer, by name, and
// makes another: of two who try, JetStream lets one. A leader that was only cut off finds
// its consumer gone when it is back, and joins the new one with the rest.

// claims lets one goroutine at a time look for the leader of a queue.
type claims struct {
	mu   sync.Mutex
	busy map[string]chan struct{} // by incarnation; closed when it is free
}

func (c *claims) lock(incarnation string) (unlock func()) {
	for {
		c.mu.Lock()
		if c.busy == nil {
			c.busy = make(map[string]chan struct{})
		}
		wait, ok := c.busy[incarnation]
		if !ok {
			free := make(chan struct{})
			c.busy[incarnation] = free
			c.mu.Unlock()
			return func() {
				c.mu.Lock()
				delete(c.busy, incarnation)
				c.mu.Unlock()
				close(free)
			}
		}
		c.mu.Unlock()
		<-wait
	}
}

// noQueue is the error for a queue that isn't there.
func (c *Conn) noQueue(name string) error {
	return fmt.Errorf("%w: no queue '%s' in vhost '%s'", pubsub.ErrNotFound, name, c.names.vhost)
}

// findLeader returns who leads a queue: here, or the id of another connection. If nobody
// does, this one takes it, if claim says so.
func (c *Conn) findLeader(ctx context.Context, q *queue, claim bool) (l *leader, remote string, err error) {
	incarnation := q.record.Incarnation
	defer c.claims.lock(incarnation)()
	var before predecessor
	for {
		c.mu.Lock()
		l, remote := c.leaders[incarnation], c.remotes[incarnation]
		c.mu.Unlock()
		switch {
		case l != nil:
			return l, "", nil
		case c.ended.Load():
			return nil, "", errClosed
		case q.record.Owner == c.id:
			return nil, "", c.noQueue(q.name()) // deleted
		case q.record.Owner != "":
			return nil, q.record.Owner, nil
		case remote != "":
			return nil, remote, nil
		}
		name, err := c.streamConsumer(ctx, q.stream)
		if isCode(err, codeStreamNotFound) {
			if err := c.makeStream(ctx, q); err != nil {
				return nil, "", err
			}
			continue
		}
		if err != nil {
			return nil, "", err
		}
		owner, _ := consumerOwner(name)
		switch {
		case name == "" && !claim:
			return nil, "", nil
		case name == "":
			l, err := c.lead(ctx, q, &before)
			if isCode(err, codeConsumerNotUnique, codeConsumerOverlaps, codeStreamNotFound) {
				continue // somebody else was faster
			}
			return l, "", err
		case owner != c.id:
			alive, err := c.lives(ctx, owner)
			if err != nil {
				return nil, "", err
			}
			if alive {
				c.mu.Lock()
				c.remotes[incarnation] = owner
				c.mu.Unlock()
				return nil, owner, nil
			}
		}
		before = c.predecessor(ctx, q, name, owner)
		if err := c.removeConsumer(ctx, q.stream, name); err != nil {
			return nil, "", err
		}
	}
}

// forgetRemote lets the leader of a queue be looked for anew.
func (c *Conn) forgetRemote(q *queue) {
	c.mu.Lock()
	delete(c.remotes, q.record.Incarnation)
	c.mu.Unlock()
	time.Sleep(2 * time.Millisecond) // it is about to be another: don't ask without a pause
}

// streamConsumer returns the name of a stream's consumer, or nothing.
func (c *Conn) streamConsumer(ctx context.Context, stream string) (string, error) {
	var names struct {
		Consumers []string `json:"consumers"`
	}
	err := c.try(ctx, "ask who leads the queue of the stream "+stream, func(ctx context.Context) error {
		return c.request(ctx, "CONSUMER.NAMES."+stream, nil, &names)
	})
	if err != nil || len(names.Consumers) == 0 {
		return "", err
	}
	return names.Consumers[0], nil
}

// lead takes the leadership of a queue that nobody leads.
func (c *Conn) lead(ctx context.Context, q *queue, before *predecessor) (*leader, error) {
	l := newLeader(c, q)
	l.feed = newFeed(c, q.stream, l.take, l.room, func() { c.demote(l) })
	if err := l.feed.claim(ctx); err != nil {
		return nil, err
	}
	var err error
	if l.begun, err = c.streamState(ctx, q.stream); err != nil {
		l.feed.end(ctx)
		return nil, err
	}
	incarnation := q.record.Incarnation
	// The consumer is made: what a leader that has left says was written before.
	left, err := c.topology.left(ctx, incarnation)
	if err != nil {
		l.feed.end(ctx)
		return nil, err
	}
	if left.says() {
		l.done = done{parseSpans(left.Done), left.Stored} // it holds whoever led since
		if before.conn == "" || before.conn == left.Leader {
			before = &predecessor{conn: left.Leader, handed: left.Handed, left: left}
		}
	}
	if before.conn != "" {
		l.gather(before) // before anybody can join
	}
	c.mu.Lock()
	delete(c.remotes, incarnation)
	c.leaders[incarnation] = l
	c.mu.Unlock()
	c.control.tell(&notice{Leader: c.id, Queue: incarnation, Before: before.conn})
	l.touch() // to become the leader took its time
	if err := l.feed.start(); err != nil {
		return nil, err
	}
	// Closed or deleted meanwhile: nobody else would end it.
	if c.ended.Load() || c.queueDeleted(q) && c.syncedDeleted(ctx, q) {
		l.queueGone()
	}
	return l, nil
}

// syncedDeleted reports whether a queue is deleted, as of now.
func (c *Conn) syncedDeleted(ctx context.Context, q *queue) bool {
	_, err := c.topology.sync(ctx)
	return err == nil && c.queueDeleted(q)
}

// demote ends a leadership that another connection has taken.
func (c *Conn) demote(l *leader) {
	c.forget(l)
	l.stop()
	l.feed.stop()
	if c.ended.Load() {
		return
	}
	c.log.Warn("another connection leads the queue now", "vhost", c.names.vhost, "queue", l.queue.name())
	for _, s := range c.subscriptions(l.queue.record.Incarnation) {
		s.detach(c.id, true)
	}
}

// forget takes a leader out of the connection's books.
func (c *Conn) forget(l *leader) {
	c.mu.Lock()
	defer c.mu.Unlock()
	incarnation := l.queue.record.Incarnation
	if c.leaders[incarnation] == l {
		delete(c.leaders, incarnation)
	}
	if n := l.queue.record.Number; l.queue.record.Owner != "" && c.owned[n] == l {
		delete(c.owned, n)
	}
}

// subscriptions returns those to one queue.
func (c *Conn) subscriptions(incarnation string) []*subscription {
	c.mu.Lock()
	defer c.mu.Unlock()
	var subs []*subscription
	for _, s := range c.subs {
		if s.queue.record.Incarnation == incarnation {
			subs = append(subs, s)
		}
	}
	return subs
}

// leaderChanged is told that a queue is led by another connection now, or by none.
func (c *Conn) leaderChanged(n *notice) {
	if n.Gone {
		if len(c.subscriptions(n.Queue)) > 0 {
			c.spawn(func(ctx context.Context) { c.topology.sync(ctx) }) // or sweep does it
		}
		return
	}
	c.mu.Lock()
	l := c.leaders[n.Queue]
	if n.Leader == "" {
		delete(c.remotes, n.Queue)
	} else {
		c.remotes[n.Queue] = n.Leader
	}
	c.mu.Unlock()
	if l != nil {
		l.feed.check(false) // whose is the consumer?
		return
	}
	for _, s := range c.subscriptions(n.Queue) {
		s.mu.Lock()
		remote := s.remote
		s.mu.Unlock()
		if remote != "" && (remote != n.Leader || n.Again) {
			s.detach(remote, false)
		}
	}
	if n.Leader == "" && n.Needed {
		c.spawn(func(ctx context.Context) {
			select {
			case <-time.After(rand.N(500 * time.Millisecond)): // not all at once
			case <-ctx.Done():
				return
			}
			c.leadIfNeeded(ctx, n.Queue)
		})
	}
}

// leadIfNeeded finds a leader for a queue that needs one.
func (c *Conn) leadIfNeeded(ctx context.Context, incarnation string) {
	for _, q := range c.topology.table.Load().Queues() {
		if q.record.Incarnation != incarnation {
			continue
		}
		if _, _, err := c.findLeader(ctx, q, true); err != nil && !errors.Is(err, pubsub.ErrClosed) && !errors.Is(err, pubsub.ErrNotFound) {
			c.warn("a queue has no leader", err, "queue", q.name())
		}
	}
}
