package pubsub

import (
	"fmt"
	"log/slog"
	"math"
)

// Options are for a whole [Broker]. Nil is the same as the zero value.
type Options struct {
	// Logger gets what happens behind the program's back: reconnects,
	// consumers that the broker ended, handlers that failed. Nil is silent.
	Logger *slog.Logger

	// MaxInFlight is how many publishes may wait for their outcome at once;
	// PublishAsync and Publish wait beyond that. Zero is 4096.
	MaxInFlight int

	// Trace is called as messages pass. Nil is none.
	Trace *Trace
}

// DefaultMaxInFlight is [Options.MaxInFlight] where it is zero.
const DefaultMaxInFlight = 4096

// ConsumeOptions are for one consumer. Nil is the same as the zero value.
type ConsumeOptions struct {
	// Prefetch is how many deliveries may be unsettled at once, up to 65,535.
	// Zero is [DefaultPrefetch]; [Unlimited] is without limit, so that a
	// backlog comes into this program's memory as fast as it can. It doesn't
	// count with AutoAck. See https://www.rabbitmq.com/docs/consumer-prefetch.
	Prefetch int

	// AutoAck settles each message as it is sent to this program: what it
	// hasn't handled when it ends is lost.
	AutoAck bool

	// Exclusive fails with [ErrAccessRefused] if the queue has a consumer,
	// and keeps others away.
	Exclusive bool

	// Priority serves consumers with a higher one first, while they can take
	// messages. See https://www.rabbitmq.com/docs/consumer-priority.
	Priority int32

	// Tag names the consumer where a broker lists them. Empty: one is chosen.
	// At most 255 bytes of UTF-8.
	Tag string
}

const (
	// DefaultPrefetch is [ConsumeOptions.Prefetch] where it is zero.
	DefaultPrefetch = 256

	// Unlimited is a [ConsumeOptions.Prefetch] without limit.
	Unlimited = math.MaxInt
)

func (o ConsumeOptions) validate() error {
	if o.Prefetch < 0 {
		return fmt.Errorf("%w: prefetch is %d; it must be 1 to 65535, pubsub.Unlimited, or 0 for %d", ErrInvalid, o.Prefetch, DefaultPrefetch)
	}
	if o.Prefetch > math.MaxUint16 && o.Prefetch != Unlimited {
		return fmt.Errorf("%w: prefetch is %d; at most 65535 are possible, or pubsub.Unlimited", ErrInvalid, o.Prefetch)
	}
	return checkName("consumer tag", o.Tag)
}

// GetOptions are for one [Broker.Get]. Nil is the same as the zero value.
type GetOptions struct {
	// AutoAck settles the message as it is sent to this program.
	AutoAck bool
}

// DeleteExchangeOptions are for [Broker.DeleteExchange]. Nil is the same as
// the zero value.
type DeleteExchangeOptions struct {
	// IfUnused fails with [ErrPreconditionFailed] if there is a binding from
	// the exchange.
	IfUnused bool
}

// DeleteQueueOptions are for [Broker.DeleteQueue]. Nil is the same as the zero
// value.
type DeleteQueueOptions struct {
	// IfUnused fails with [ErrPreconditionFailed] if the queue has a consumer.
	IfUnused bool

	// IfEmpty fails with [ErrPreconditionFailed] if messages are ready.
	IfEmpty bool
}

// orZero returns what o points to, or the zero value.
func orZero[T any](o *T) (v T) {
	if o != nil {
		v = *o
	}
	return v
}
