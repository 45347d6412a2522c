package memory

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/gobindery/bindery/pubsub"
	"github.com/gobindery/bindery/pubsub/routing"
)

// maxBody is RabbitMQ's default limit of a message's size.
// See https://www.rabbitmq.com/docs/configure#config-items, max_message_size.
const maxBody = 128 << 20

// Publish routes a message and puts it into the queues. Its confirm comes
// before it returns.
func (c *Conn) Publish(_ context.Context, p *pubsub.Publication) {
	p.Confirm(c.publish(p))
}

func (c *Conn) publish(p *pubsub.Publication) error {
	if c.ended.Load() {
		return errClosed
	}
	m := &p.Message
	if m.UserID != "" && m.UserID != c.user {
		return fmt.Errorf("%w: user_id property set to '%s' but authenticated user was '%s'", pubsub.ErrPreconditionFailed, m.UserID, c.user)
	}
	if len(m.Body) > maxBody {
		return fmt.Errorf("%w: message size %d is larger than configured max size %d", pubsub.ErrPreconditionFailed, len(m.Body), maxBody)
	}
	r := request(p)
	space := routeSpace.Get().(*[routeMost]*queue)
	defer routeSpace.Put(space)
	queues, err := c.vhost.table.Load().Route(&r, space[:0])
	if err != nil {
		return err
	}
	if len(queues) == 0 {
		if p.Mandatory {
			return fmt.Errorf("%w: NO_ROUTE: no queue matches", pubsub.ErrUnroutable)
		}
		return nil
	}
	own(p)
	refused := 0
	for _, q := range queues {
		if !q.enqueue(p) {
			refused++
		}
	}
	c.vhost.sendDead()
	if refused > 0 {
		return fmt.Errorf("%w: %d of %d queues are full", pubsub.ErrRefused, refused, len(queues))
	}
	return nil
}

// routeSpace holds what Route writes queues into, where it has no route to show
// that is made already.
var routeSpace = sync.Pool{New: func() any { return new([routeMost]*queue) }}

// routeMost is how many queues fit; more are allocated.
const routeMost = 64

// own gives a message a body and properties that its publisher can't change. One
// copy serves all queues.
func own(p *pubsub.Publication) {
	m := &p.Message
	if p.Immutable {
		m.Body = slices.Clip(m.Body)
		if _, ok := m.Headers["BCC"]; !ok {
			return
		}
	} else if m.Body != nil {
		body := make([]byte, len(m.Body)) // no capacity beyond: a receiver's append copies
		copy(body, m.Body)
		m.Body = body
	}
	if m.Expiration != nil {
		m.Expiration = new(*m.Expiration)
	}
	if m.Headers != nil { // an empty one is its publisher's too
		m.Headers = m.Headers.Clone()
		delete(m.Headers, "BCC")
	}
}

// request is what routes a message.
func request(p *pubsub.Publication) routing.Request {
	return routing.Request{Exchange: p.Exchange, Key: p.RoutingKey, MoreKeys: p.MoreKeys, Headers: p.Headers}
}
