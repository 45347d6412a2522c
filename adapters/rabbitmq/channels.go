package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"sync"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/gobindery/bindery/pubsub"
)

// channels are AMQP channels that nobody uses at the moment. An operation has a
// channel for itself, so that operations don't wait for one another, and one
// that fails, which closes its channel, takes nothing else with it.
type channels struct {
	mu   sync.Mutex
	free []*amqp.Channel
}

// maxFree is how many unused channels are kept open.
const maxFree = 8

// take returns a free channel, or opens one.
func (s *session) take() (*amqp.Channel, error) {
	s.idle.mu.Lock()
	for len(s.idle.free) > 0 {
		last := len(s.idle.free) - 1
		ch := s.idle.free[last]
		s.idle.free = s.idle.free[:last]
		if !ch.IsClosed() {
			s.idle.mu.Unlock()
			return ch, nil
		}
	}
	s.idle.mu.Unlock()
	return s.channel()
}

// channel opens a channel.
func (s *session) channel() (*amqp.Channel, error) {
	ch, err := s.conn.Channel()
	if errors.Is(err, amqp.ErrChannelMax) {
		return nil, fmt.Errorf("%w: all %d channels of the connection are in use, one for each consumer and each queue with unsettled gets; close some", pubsub.ErrUnavailable, s.conn.Config.ChannelMax)
	}
	return ch, err
}

// give takes back a channel that works and has nothing unsettled.
func (s *session) give(ch *amqp.Channel) {
	if ch.IsClosed() {
		return
	}
	s.idle.mu.Lock()
	if len(s.idle.free) < maxFree {
		s.idle.free = append(s.idle.free, ch)
		ch = nil
	}
	s.idle.mu.Unlock()
	if ch != nil {
		_ = ch.Close() // an error means that it is closed
	}
}

// crew is goroutines that Close waits for.
type crew struct {
	mu     sync.Mutex
	closed bool
	wg     sync.WaitGroup
}

// start runs f in a goroutine, unless wait has begun.
func (c *crew) start(f func()) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	c.wg.Go(f)
	return true
}

// wait waits for all, and lets no more start.
func (c *crew) wait() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.wg.Wait()
}

// result is what a call returned.
type result[T any] struct {
	value T
	err   error
}

// within runs f, which doesn't know contexts, and returns when it does, or when
// ctx ends. Then f goes on, and what it returns is dropped. The connection's
// end ends f.
func within[T any](ctx context.Context, running *crew, f func() (T, error)) (T, error) {
	var none T
	if ctx.Done() == nil {
		return f()
	}
	if ctx.Err() != nil {
		return none, gaveUp(ctx, "not sent")
	}
	answer := make(chan result[T], 1)
	if !running.start(func() {
		v, err := f()
		answer <- result[T]{v, err}
	}) {
		return none, errClosed
	}
	select {
	case r := <-answer:
		return r.value, r.err
	case <-ctx.Done():
		return none, gaveUp(ctx, "no answer from the server; it may still be done")
	}
}

// operate runs op on a channel of the connection for topology and consuming.
// If the connection is lost meanwhile, op is run again on the next one if
// again is set, because doing it twice is as doing it once.
func operate[T any](ctx context.Context, c *Conn, again bool, op func(s *session, ch *amqp.Channel) (T, error)) (T, error) {
	for {
		var none T
		s, err := c.consuming.get(ctx)
		if err != nil {
			return none, err
		}
		v, err := within(ctx, &c.running, func() (T, error) {
			ch, err := s.take()
			if err != nil {
				return none, err
			}
			v, err := op(s, ch)
			s.give(ch) // closed by RabbitMQ if it had something against op
			return v, err
		})
		if err == nil {
			return v, nil
		}
		if again && isLost(err) && !s.alive() && ctx.Err() == nil {
			continue
		}
		return none, errorOf(err)
	}
}

// isLost reports whether err comes from amqp091-go and not from the server.
func isLost(err error) bool {
	e, ok := errors.AsType[*amqp.Error](err)
	return ok && (!e.Server || e.Code == amqp.ConnectionForced)
}
