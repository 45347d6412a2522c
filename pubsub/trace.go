package pubsub

import (
	"context"
	"maps"
	"time"
)

// Trace are functions that a [Broker] calls as messages pass, for traces,
// metrics and logs: see [Options]. A nil one is not called; without a Trace
// nothing is spent on it. Package pubsubotel has one for OpenTelemetry;
// [MultiTrace] joins several.
//
// Where there is a pair, the context that Start returns is that for all within:
// it must be Start's own or derived from it. It is handed to End, and so
// carries what End needs to know of Start. Each call of Start is followed by
// one of End, with the same data.
//
// All are called by several goroutines at once. They hold up the message, and
// those called by an adapter's goroutine all messages: they must not block,
// and call nothing of the Broker but Endpoint and InFlight. The data are theirs to read until they return.
type Trace struct {
	// Opened is called by [New], before anything else is.
	Opened func(b *Broker)

	// Closed is called once, when the Broker has ended.
	Closed func(b *Broker)

	// PublishStart is called by Publish and PublishAsync on the publisher's
	// goroutine, before the message is looked at, so that also one that is
	// refused at once is traced. It may add headers by
	// [PublishTrace.SetHeader]. Its context is the adapter's.
	PublishStart func(ctx context.Context, p *PublishTrace) context.Context

	// PublishEnd is called when the outcome is known and before the publisher
	// learns it, on the goroutine that has it: the publisher's, or one of the
	// adapter. A publisher whose own context has ended may have gone on since.
	PublishEnd func(ctx context.Context, p *PublishTrace)

	// Received is called when a delivery is handed to the program, by Receive,
	// All, Get or Handle, on the goroutine that gets it.
	Received func(ctx context.Context, r *ReceiveTrace)

	// HandleStart is called by Handle before each call of the handler, on the
	// same goroutine, and by [Delivery.Process]. Its context is the handler's,
	// and that with which Handle settles the delivery.
	HandleStart func(ctx context.Context, h *HandleTrace) context.Context

	// HandleEnd is called when the handler has returned, panicked or ended its
	// goroutine, before Handle settles the delivery, on the same goroutine.
	HandleEnd func(ctx context.Context, h *HandleTrace)

	// SettleStart is called before an adapter is told what becomes of a
	// delivery, on the goroutine that settles it. It is not called for a
	// delivery that is settled or lost already, nor with AutoAck.
	SettleStart func(ctx context.Context, s *SettleTrace) context.Context

	// SettleEnd is called when the adapter has been told, on the same
	// goroutine.
	SettleEnd func(ctx context.Context, s *SettleTrace)
}

// PublishTrace is one publish.
type PublishTrace struct {
	Broker *Broker

	// Envelope is what is published, which must not be changed. Its Body and
	// Headers are for PublishStart only: they belong to the publisher again
	// when PublishEnd is called.
	*Envelope
	Mandatory bool

	// Sent says, in PublishEnd, that the adapter got the message: it was not
	// refused for its arguments, a context that ended, or the Broker's end.
	Sent bool

	// Err is the outcome for PublishEnd, as Publish returns it: nil if the
	// broker took the message; else see [Publication.Confirm].
	Err error

	ownHeaders bool // Headers are no longer the publisher's map
}

// SetHeader sets a header of the message. It is for PublishStart; the
// publisher's own map stays as it is.
func (p *PublishTrace) SetHeader(name string, value any) {
	if !p.ownHeaders {
		p.ownHeaders = true
		if p.Headers = maps.Clone(p.Headers); p.Headers == nil {
			p.Headers = make(Table, 4)
		}
	}
	p.Headers[name] = value
}

// ReceiveTrace is one delivery that was handed over.
type ReceiveTrace struct {
	Broker   *Broker
	Delivery Delivery

	// Handled says that it is for a handler of Handle. Else the program asked
	// for it, by Receive, All or Get.
	Handled bool

	// Began is when the call began that returns the delivery.
	Began time.Time
}

// HandleTrace is one call of a handler.
type HandleTrace struct {
	Broker   *Broker
	Delivery Delivery

	// Err is what the handler returned, for HandleEnd, or that it didn't.
	Err error
}

// SettleTrace is one call that settles deliveries.
type SettleTrace struct {
	Broker   *Broker
	Delivery Delivery
	Outcome  Outcome

	// Through says that it is AckThrough, which settles deliveries before this
	// one too.
	Through bool

	// Count is how many deliveries are settled by the call, at least 1.
	Count int

	// Err is why the adapter may not have been told, for SettleEnd.
	Err error
}
