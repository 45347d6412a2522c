package memory

import (
	"context"

	"github.com/gobindery/bindery/pubsub"
)

// gotEntry is a message that Get handed out, and where it goes back.
type gotEntry struct {
	entry
	queue *queue
}

// Get takes the first ready message of a queue.
func (c *Conn) Get(_ context.Context, name string, o pubsub.GetOptions) (pubsub.Got, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return pubsub.Got{}, errClosed
	}
	q, err := c.vhost.queue(name, c)
	if err != nil {
		return pubsub.Got{}, err
	}
	defer c.vhost.sendDead()
	q.mu.Lock()
	defer q.mu.Unlock()
	q.touch()
	q.dropExpired()
	if q.count == 0 {
		return pubsub.Got{}, nil
	}
	e := q.pop()
	c.lastTag++
	got := pubsub.Got{
		OK:    true,
		Ready: q.count,
		Incoming: pubsub.Incoming{
			Envelope:    &e.pub.Envelope,
			Redelivered: e.redelivered(),
			Tag:         c.lastTag,
		},
	}
	if !o.AutoAck {
		q.unacked++
		c.got[c.lastTag] = gotEntry{e, q}
		got.Settler = getter{c}
	}
	q.dropExpired() // the head is another
	return got, nil
}

// getter settles what Get handed out.
type getter struct{ conn *Conn }

// Settle settles one message. Those of Get are settled one by one.
func (g getter) Settle(_ context.Context, tag uint64, o pubsub.Outcome, _ bool) error {
	c := g.conn
	c.mu.Lock()
	e, ok := c.got[tag]
	delete(c.got, tag)
	c.mu.Unlock()
	if !ok {
		return pubsub.ErrDeliveryLost // the connection was closed
	}
	e.settle(o)
	return nil
}

func (e gotEntry) settle(o pubsub.Outcome) {
	e.queue.mu.Lock()
	e.queue.settle(e.entry, o)
	e.queue.dispatch()
	e.queue.mu.Unlock()
	e.queue.vhost.sendDead()
}

// requeueGot returns messages to their queues.
func requeueGot(got map[uint64]gotEntry) {
	for _, e := range got {
		e.settle(pubsub.Requeue)
	}
}
