package rabbitmq

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/gobindery/bindery/pubsub"
)

// getter takes single messages. Each queue with unsettled ones has a channel
// for them: an error on it, which returns them to the queue, can only be about
// that queue.
type getter struct {
	mu    sync.Mutex
	bench map[string]*getChannel // by queue
}

// getChannel is the channel for one queue.
type getChannel struct {
	s  *session
	ch *amqp.Channel

	asking sync.Mutex // held during a basic.get: a channel has one answer at a time

	users int // calls of get under way and deliveries unsettled; guarded by getter.mu

	// gone is set when RabbitMQ closed the channel because there is no such
	// queue: what came from it is gone too, and settling it is ignored.
	gone atomic.Bool
}

// Get implements pubsub.Adapter.
func (c *Conn) Get(ctx context.Context, queue string, o pubsub.GetOptions) (pubsub.Got, error) {
	for {
		s, err := c.consuming.get(ctx)
		if err != nil {
			return pubsub.Got{}, err
		}
		got, err := within(ctx, &c.running, func() (pubsub.Got, error) {
			got, err := c.get(s, queue, o)
			if got.Settler != nil && ctx.Err() != nil {
				// Nobody waits for it any more.
				_ = got.Settler.Settle(context.Background(), 1, pubsub.Requeue, false)
			}
			return got, err
		})
		if err != nil && isLost(err) && !s.alive() && ctx.Err() == nil && !o.AutoAck {
			continue
		}
		if err != nil {
			return pubsub.Got{}, errorOf(err)
		}
		return got, nil
	}
}

func (c *Conn) get(s *session, queue string, o pubsub.GetOptions) (pubsub.Got, error) {
	g, err := c.gets.acquire(s, queue)
	if err != nil {
		return pubsub.Got{}, err
	}
	g.asking.Lock()
	d, ok, err := g.ch.Get(c.names.current(queue), o.AutoAck)
	g.asking.Unlock()
	if err != nil || !ok {
		if errors.Is(errorOf(err), pubsub.ErrNotFound) {
			g.gone.Store(true)
		}
		c.gets.release(queue, g)
		return pubsub.Got{}, err
	}
	got := pubsub.Got{Incoming: incoming(&d, &c.names), OK: true, Ready: int(d.MessageCount)}
	got.Tag = 1
	if o.AutoAck {
		c.gets.release(queue, g)
	} else {
		got.Settler = &gotSettler{c: c, queue: queue, g: g, tag: d.DeliveryTag}
	}
	return got, nil
}

// acquire returns the queue's channel, for one use.
func (gs *getter) acquire(s *session, queue string) (*getChannel, error) {
	gs.mu.Lock()
	defer gs.mu.Unlock()
	if g := gs.bench[queue]; g != nil && g.s == s && !g.ch.IsClosed() {
		g.users++
		return g, nil
	}
	// Opening it takes a moment; others may wait that long.
	ch, err := s.take()
	if err != nil {
		return nil, err
	}
	g := &getChannel{s: s, ch: ch, users: 1}
	if gs.bench == nil {
		gs.bench = make(map[string]*getChannel)
	}
	gs.bench[queue] = g
	return g, nil
}

// release ends a use.
func (gs *getter) release(queue string, g *getChannel) {
	gs.mu.Lock()
	g.users--
	unused := g.users == 0
	if unused && gs.bench[queue] == g {
		delete(gs.bench, queue)
	}
	gs.mu.Unlock()
	if unused {
		g.s.give(g.ch)
	}
}

// gotSettler settles one message.
type gotSettler struct {
	c     *Conn
	queue string
	g     *getChannel
	tag   uint64

	mu   sync.Mutex
	done bool
}

// Settle implements pubsub.Settler.
func (gs *gotSettler) Settle(_ context.Context, _ uint64, o pubsub.Outcome, _ bool) error {
	gs.mu.Lock()
	defer gs.mu.Unlock()
	if gs.done {
		return nil
	}
	gs.done = true
	var err error
	if o == pubsub.Ack {
		err = gs.g.ch.Ack(gs.tag, false)
	} else {
		err = gs.g.ch.Reject(gs.tag, o == pubsub.Requeue)
	}
	gs.c.gets.release(gs.queue, gs.g)
	if err != nil && !gs.g.gone.Load() {
		return deliveryLost(err)
	}
	return nil
}
