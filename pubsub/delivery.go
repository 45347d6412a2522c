package pubsub

import (
	"context"
	"fmt"
)

// Delivery is a message as a consumer gets it. It must be settled once, by
// Ack, Requeue or Reject (unless its consumer has AutoAck); until then it
// counts against the prefetch, and it returns to its queue when its Consumer
// or Broker is closed. A Delivery may be copied; its methods are safe for
// concurrent use.
type Delivery struct {
	// Envelope is the message and where it was published. It is shared: its
	// Body and Headers must not be changed.
	*Envelope

	// Redelivered says that the message was handed out before, to anyone, and
	// came back.
	Redelivered bool

	index uint32 // its bit in window

	// Ready is how many messages were left in the queue, for a delivery of
	// [Broker.Get]; else zero.
	Ready int

	// A Delivery is copied more than once on its way: it is kept small.
	tag    uint64
	window *window // knows whether it is settled; nil if there is no message
}

// noMessage stands in a Delivery that comes with an error, so that a program
// that looks at its Body before the error sees none.
var noMessage = &Envelope{}

// Queue returns the name of the queue that d came from; it is empty if d came
// with an error.
func (d Delivery) Queue() string {
	if d.window == nil {
		return ""
	}
	return d.window.origin.queue
}

// Process calls h and returns its error. A [Trace] sees it as the call of a
// handler: it is for programs that get deliveries by Receive, All or Get
// instead of Handle. It settles nothing; to have that traced as a part of it,
// settle d in h, with h's context.
func (d Delivery) Process(ctx context.Context, h func(context.Context) error) error {
	if d.window == nil || d.window.origin.trace == nil {
		return h(ctx)
	}
	return d.window.origin.trace.process(ctx, d, h)
}

// Ack tells the broker that the message is done with. It returns once that is
// on its way.
//
// All four ways to settle return [ErrSettled] if the delivery was settled
// before, and [ErrDeliveryLost] if it is back in its queue, because its
// Consumer or Broker was closed or the connection that it came by is gone: it
// comes again. Any other error, as the context's, leaves open whether the
// broker knows; the delivery can't be settled again, and if the broker doesn't
// know, it returns to its queue when its Consumer is closed.
func (d Delivery) Ack(ctx context.Context) error { return d.settle(ctx, Ack) }

// Requeue puts the message back into its place in the queue, marked as
// redelivered. It may come again at once, to this consumer or another.
func (d Delivery) Requeue(ctx context.Context) error { return d.settle(ctx, Requeue) }

// Reject drops the message, or dead-letters it if its queue has a
// dead-letter exchange.
func (d Delivery) Reject(ctx context.Context) error { return d.settle(ctx, Reject) }

// AckThrough acknowledges this delivery and every unsettled one that its
// consumer got before it; of [Broker.Get], this one alone. It returns
// [ErrSettled] if there is none. Don't settle one of them at the same time in
// another way: which outcome counts is left open then.
// See the AMQP 0-9-1 reference, basic.ack.multiple.
func (d Delivery) AckThrough(ctx context.Context) error {
	if !d.settleable() {
		return d.unsettleable(Ack)
	}
	return d.opError(Ack, d.window.origin.ackThrough(ctx, &d))
}

func (d *Delivery) settle(ctx context.Context, o Outcome) error {
	if !d.settleable() {
		return d.unsettleable(o)
	}
	return d.opError(o, d.window.origin.settle(ctx, d, o))
}

// settleable reports whether there is something to settle, now or before.
func (d *Delivery) settleable() bool { return d.window != nil && !d.window.origin.autoAck }

// unsettleable is why a delivery can't be settled at all.
func (d *Delivery) unsettleable(o Outcome) error {
	if d.window == nil {
		return opError(o.String()+" delivery", "", fmt.Errorf("%w: it came with an error and holds no message; look at the error first", ErrInvalid))
	}
	return d.opError(o, fmt.Errorf("%w: its consumer has AutoAck", ErrSettled))
}

func (d *Delivery) opError(o Outcome, err error) error {
	if err == nil {
		return nil // without building the name
	}
	return opError(o.String()+" delivery from", "queue "+quote(d.window.origin.queue), err)
}
