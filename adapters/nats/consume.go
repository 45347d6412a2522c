package nats

import (
	"context"

	"github.com/gobindery/bindery/pubsub"
)

// remoteWindow is how many deliveries with automatic acknowledgement may be on their
// way from a leader at another connection.
const remoteWindow = 4096

// Consume starts a consumer.
func (c *Conn) Consume(ctx context.Context, name string, o pubsub.ConsumeOptions) (pubsub.Subscription, error) {
	q, err := c.find(ctx, name)
	if err != nil {
		return nil, err
	}
	s := newSubscription(c, q, o, false)
	if err := s.attach(ctx); err != nil {
		c.forgetSubscription(s)
		return nil, err
	}
	if c.closing.Load() {
		s.Close()
		return nil, errClosed
	}
	return s, nil
}

// Get takes the first ready message of a queue.
func (c *Conn) Get(ctx context.Context, name string, o pubsub.GetOptions) (pubsub.Got, error) {
	q, err := c.find(ctx, name)
	if err != nil {
		return pubsub.Got{}, err
	}
	for {
		got, err := c.get(ctx, q, o)
		if again, err := c.retryLeader(ctx, q, err); !again {
			return got, err
		}
	}
}

// get asks the queue's leader once.
func (c *Conn) get(ctx context.Context, q *queue, o pubsub.GetOptions) (pubsub.Got, error) {
	s := c.getter(q)
	if err := s.attach(ctx); err != nil {
		return pubsub.Got{}, err
	}
	s.mu.Lock()
	l, remote := s.local, s.remote
	s.mu.Unlock()
	if l == nil {
		if remote == "" {
			return pubsub.Got{}, errNotLeader
		}
		got, err := c.control.askGet(ctx, remote, s, o.AutoAck)
		if err != nil {
			s.detach(remote, false)
		}
		return got, err
	}
	d, ok, ready, err := l.get(ctx, s.member(), o.AutoAck)
	if err != nil || !ok {
		return pubsub.Got{}, err
	}
	in := pubsub.Incoming{Envelope: &d.Message.Envelope, Redelivered: d.Redelivered, Tag: d.Tag}
	got := pubsub.Got{Incoming: in, OK: true, Ready: ready}
	if !o.AutoAck {
		s.push(in, nil)
		got.Settler = s
	}
	return got, nil
}

// getter returns what holds the messages that Get hands out of a queue.
func (c *Conn) getter(q *queue) *subscription {
	incarnation := q.record.Incarnation
	c.mu.Lock()
	s := c.getters[incarnation]
	c.mu.Unlock()
	if s != nil {
		return s
	}
	s = newSubscription(c, q, pubsub.ConsumeOptions{}, true)
	c.mu.Lock()
	defer c.mu.Unlock()
	if is := c.getters[incarnation]; is != nil {
		delete(c.subs, s.id)
		return is
	}
	c.getters[incarnation] = s
	return s
}
