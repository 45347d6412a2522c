package pubsub

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
)

// Publication is one publish on its way from a [Broker] to an [Adapter]: what
// to send, and who is told how it went.
type Publication struct {
	Exchange   string
	RoutingKey string

	// Mandatory asks for [ErrUnroutable] where no queue matches.
	Mandatory bool

	// Message was checked and normalized by the Broker. Its Body and Headers
	// belong to the publisher, who may change them once [Adapter.Publish] has
	// returned: an adapter that keeps them copies them first.
	Message Message

	flight *inflight // counts publications without an outcome; may be nil

	mu   sync.Mutex
	done chan struct{} // made by the first who waits; closed at the outcome
	err  error         // written before settled is set, never after

	settled atomic.Bool
}

// Confirm tells the outcome to whoever waits: nil when the broker has taken
// responsibility for the message, which includes dropping one that is
// unroutable and not mandatory; else an error that wraps [ErrUnroutable],
// [ErrRefused], [ErrUnconfirmed], [ErrNotFound], [ErrAccessRefused],
// [ErrPreconditionFailed], [ErrClosed] or [ErrUnavailable]. An adapter calls it
// exactly once for each publication, from any goroutine; a second call panics.
// It does not block.
func (p *Publication) Confirm(err error) {
	p.mu.Lock()
	if p.settled.Load() {
		p.mu.Unlock()
		panic("pubsub: adapter confirmed a publication twice")
	}
	if err != nil {
		p.err = opError(opPublish, exchangeName(p.Exchange), fmt.Errorf("with key %s: %w", quote(p.RoutingKey), err))
	}
	p.settled.Store(true)
	if p.done != nil {
		close(p.done)
	}
	p.mu.Unlock()
	if p.flight != nil {
		p.flight.release()
	}
}

// outcome returns a channel that is closed once there is an outcome.
func (p *Publication) outcome() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.done == nil {
		p.done = make(chan struct{})
		if p.settled.Load() {
			close(p.done)
		}
	}
	return p.done
}

func (p *Publication) wait(ctx context.Context) error {
	if p.settled.Load() {
		return p.err
	}
	select {
	case <-p.outcome():
		return p.err
	case <-ctx.Done():
		return opError(opPublish, exchangeName(p.Exchange), fmt.Errorf("with key %s: %w: stopped waiting for the confirm: %w", quote(p.RoutingKey), ErrUnconfirmed, context.Cause(ctx)))
	}
}

// exchangeName is how an exchange stands in an error.
func exchangeName(name string) string {
	if name == "" {
		return "the default exchange"
	}
	return "exchange " + quote(name)
}

// Confirmation is the outcome, now or later, of one [Broker.PublishAsync].
// Safe for concurrent use.
// See https://www.rabbitmq.com/docs/confirms#publisher-confirms.
type Confirmation struct{ p *Publication }

// Done returns a channel that is closed once the outcome is known.
func (c Confirmation) Done() <-chan struct{} { return c.p.outcome() }

// Err returns the outcome: nil if the broker took the message, or while there
// is no outcome yet. Look at it after Done.
func (c Confirmation) Err() error {
	if !c.p.settled.Load() {
		return nil
	}
	return c.p.err
}

// Wait returns the outcome once it is known: nil if the broker took the
// message, else as [Broker.Publish]. It returns an error that wraps
// [ErrUnconfirmed] and the context's if ctx ends first; the message may still
// arrive then, and Wait may be called again.
func (c Confirmation) Wait(ctx context.Context) error { return c.p.wait(ctx) }

// PublishOption changes how one message is published.
type PublishOption uint8

// Mandatory makes Publish fail with [ErrUnroutable] where no queue matches.
// An alternate exchange that takes the message counts as a match. See the AMQP
// 0-9-1 reference, basic.publish.mandatory.
const Mandatory PublishOption = 1
