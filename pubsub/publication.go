package pubsub

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
)

// Envelope is a message and where it was published: what a broker keeps of a
// publish, and what a delivery shows.
type Envelope struct {
	Message

	// Exchange and RoutingKey are those that the message was published with,
	// whatever bindings it went through since.
	Exchange   string
	RoutingKey string
}

// Publication is one publish on its way from a [Broker] to an [Adapter]: what
// to send, and who is told how it went. The Message was checked and normalized
// by the Broker. Its Body and Headers, and what Expiration points to, belong
// to the publisher, who may change them once [Adapter.Publish] has returned:
// an adapter that keeps them copies them first.
type Publication struct {
	Envelope

	// MoreKeys are the further routing keys of the headers CC and BCC, for
	// adapters that route by themselves. They also take the header BCC away.
	// See https://www.rabbitmq.com/docs/sender-selected.
	MoreKeys []string

	// Mandatory asks for [ErrUnroutable] where no queue matches.
	Mandatory bool

	flight *inflight // counts publications without an outcome; may be nil

	state atomic.Uint32 // pending, awaited or settled
	err   error         // written before settled is stored, never after

	mu   sync.Mutex    // of those who wait
	done chan struct{} // made by the first who waits; closed at the outcome
}

// The states of a publication.
const (
	pending = iota // no outcome, and nobody waits
	awaited        // done is to be closed at the outcome
	settled
)

// Confirm tells the outcome to whoever waits: nil when the broker has taken
// responsibility for the message, which includes dropping one that is
// unroutable and not mandatory; else an error that wraps [ErrUnroutable],
// [ErrRefused], [ErrUnconfirmed], [ErrNotFound], [ErrAccessRefused],
// [ErrPreconditionFailed], [ErrClosed] or [ErrUnavailable]. An adapter calls
// it exactly once for each publication, from any goroutine; a second call
// panics. It does not block.
func (p *Publication) Confirm(err error) {
	if p.state.Load() == settled {
		panic(confirmedTwice)
	}
	if err != nil {
		p.err = opError(opPublish, exchangeName(p.Exchange), fmt.Errorf("with key %s: %w", quote(p.RoutingKey), err))
	}
	// Whoever waits has made done before it moves pending to awaited; if this
	// comes first, it sees settled and does not wait.
	switch p.state.Swap(settled) {
	case awaited:
		close(p.done)
	case settled: // by another goroutine, just now
		panic(confirmedTwice)
	}
	if p.flight != nil {
		p.flight.release()
	}
}

const confirmedTwice = "pubsub: adapter confirmed a publication twice"

// outcome returns a channel that is closed once there is an outcome.
func (p *Publication) outcome() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.done == nil {
		p.done = make(chan struct{})
		if !p.state.CompareAndSwap(pending, awaited) {
			close(p.done)
		}
	}
	return p.done
}

func (p *Publication) wait(ctx context.Context) error {
	if p.state.Load() == settled {
		return p.err
	}
	select {
	case <-p.outcome():
		return p.err
	case <-ctx.Done():
		if p.state.Load() == settled {
			return p.err // both came, and select chose
		}
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
	if c.p.state.Load() != settled {
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
