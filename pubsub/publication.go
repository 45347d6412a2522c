package pubsub

import (
	"context"
	"fmt"
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
// an adapter that keeps them copies them first, unless Immutable is set.
type Publication struct {
	Envelope

	// MoreKeys are the further routing keys of the headers CC and BCC, for
	// adapters that route by themselves. They also take the header BCC away.
	// See https://www.rabbitmq.com/docs/sender-selected.
	MoreKeys []string

	// Mandatory asks for [ErrUnroutable] where no queue matches.
	Mandatory bool

	// Immutable says that nobody changes the Message any more: it may be kept
	// as it is, but an adapter must not change it either.
	Immutable bool

	// Confirmed, if not nil, is called by Confirm with the adapter's error, on
	// the same goroutine. It must not block. A Broker sets it; who calls an
	// adapter without a Broker learns the outcome by it.
	Confirmed func(error)

	// result is nil until there is an outcome or somebody waits for it.
	result atomic.Pointer[result]
}

// result is what is known of how a publication went. One pointer to it, and
// not its fields, stands in a Publication, which is so much smaller.
type result struct {
	known bool
	err   error
	done  chan struct{} // for one that is not known: closed once another is

	// traced, if not nil, is called with the error of the one that is known
	// instead, before anybody can see that.
	traced func(error)
}

// taken is the result of a publication that went well.
var taken = &result{known: true}

// always is a channel that is closed.
var always = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

// Confirm tells the outcome to whoever waits: nil when the broker has taken
// responsibility for the message, which includes dropping one that is
// unroutable and not mandatory; else an error that wraps [ErrUnroutable],
// [ErrRefused], [ErrUnconfirmed], [ErrNotFound], [ErrAccessRefused],
// [ErrPreconditionFailed], [ErrClosed] or [ErrUnavailable]. An adapter calls
// it exactly once for each publication, from any goroutine; a second call
// panics. It does not block.
func (p *Publication) Confirm(err error) {
	r := taken
	if err != nil {
		keyed := fmt.Errorf("with key %s: %w", quote(p.RoutingKey), err)
		r = &result{known: true, err: opError(opPublish, exchangeName(p.Exchange), keyed)}
	}
	for {
		before := p.result.Load()
		if before != nil && before.known {
			panic(confirmedTwice)
		}
		if before != nil && before.traced != nil {
			before.traced(r.err)
		}
		if !p.result.CompareAndSwap(before, r) {
			continue // somebody began to wait, just now
		}
		if before != nil {
			close(before.done)
		}
		break
	}
	if p.Confirmed != nil {
		p.Confirmed(err)
	}
}

const confirmedTwice = "pubsub: adapter confirmed a publication twice"

// outcome returns a channel that is closed once there is an outcome.
func (p *Publication) outcome() <-chan struct{} {
	r := p.result.Load()
	if r == nil {
		waiting := &result{done: make(chan struct{})}
		if p.result.CompareAndSwap(nil, waiting) {
			return waiting.done
		}
		r = p.result.Load() // another waits, or the outcome came just now
	}
	if r.known {
		return always
	}
	return r.done
}

// settled returns the outcome, if there is one.
func (p *Publication) settled() (known bool, err error) {
	r := p.result.Load()
	if r == nil || !r.known {
		return false, nil
	}
	return true, r.err
}

func (p *Publication) wait(ctx context.Context) error {
	if known, err := p.settled(); known {
		return err
	}
	select {
	case <-p.outcome():
	case <-ctx.Done():
	}
	known, err := p.settled()
	if !known { // or else both came, and select chose
		err = opError(opPublish, exchangeName(p.Exchange), fmt.Errorf("with key %s: %w: stopped waiting for the confirm: %w", quote(p.RoutingKey), ErrUnconfirmed, context.Cause(ctx)))
	}
	return err
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
	_, err := c.p.settled()
	return err
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

// Immutable promises that nobody changes the message's body, headers and
// expiration any more, not even after it was delivered. An adapter that keeps
// them in this process, as memory does, then needs no copy; to others it makes
// no difference.
const Immutable PublishOption = 2
