package pubsub

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"sync"
	"sync/atomic"
)

// Broker is a connection to a message broker: what a program uses. All methods
// are safe for concurrent use. Their contexts bound the call, not what it
// creates. Their errors are [*Error]; test them with [errors.Is] against the
// Err… variables.
type Broker struct {
	adapter    Adapter
	log        *slog.Logger
	trace      *tracer     // nil: none
	publishing *inflight   // publishes without an outcome
	confirmed  func(error) // gives back a place in publishing
	got        *inflight   // deliveries of Get that are not settled
	handling   *inflight   // calls of Handle

	life    context.Context // ends with the Broker; the contexts of handlers do with it
	endLife context.CancelCauseFunc

	// state tells how far the end has come. It only grows, under mu.
	state atomic.Int32

	// Lock order: shutting, Consumer.closing, closing, mu, origin.mu. An
	// adapter is called with the first three held at most.
	shutting mutex      // held by one Shutdown at a time
	closing  sync.Mutex // held by who closes the adapter, until it is done

	mu        sync.Mutex
	consumers map[*Consumer]struct{} // those that may have unsettled deliveries
	sweepAt   int                    // how many consumers it takes to look for ended ones
}

// The states of a Broker.
const (
	open      = iota
	draining  // Shutdown: nothing new is received
	finishing // Shutdown: nothing new is published either
	closed    // nothing goes
)

// New returns a Broker that uses a. Options may be nil.
func New(a Adapter, o *Options) *Broker {
	opts := orZero(o)
	if opts.MaxInFlight <= 0 {
		opts.MaxInFlight = DefaultMaxInFlight
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	b := &Broker{
		adapter:    a,
		log:        opts.Logger,
		publishing: newInflight(opts.MaxInFlight),
		got:        newInflight(math.MaxInt),
		handling:   newInflight(math.MaxInt),
		shutting:   newMutex(),
		consumers:  make(map[*Consumer]struct{}),
		sweepAt:    16,
	}
	b.life, b.endLife = context.WithCancelCause(context.Background())
	b.confirmed = func(error) { b.publishing.release() }
	b.trace = newTracer(b, opts.Trace)
	return b
}

// Adapter returns the adapter that b uses, for what only that backend can do.
func (b *Broker) Adapter() Adapter { return b.adapter }

// DeclareExchange makes an exchange. If there is one of that name, it does
// nothing if that is equal, and else fails with [ErrPreconditionFailed],
// saying what differs. See the AMQP 0-9-1 reference, exchange.declare.
func (b *Broker) DeclareExchange(ctx context.Context, e Exchange) error {
	return b.do(opDeclareExchange, quote(e.Name), e.validate, func() error {
		e.Arguments, _ = e.Arguments.normalize()
		return b.adapter.DeclareExchange(ctx, e)
	})
}

// CheckExchange fails with [ErrNotFound] if there is no exchange of that name.
// It is AMQP's passive declare.
func (b *Broker) CheckExchange(ctx context.Context, name string) error {
	return b.do(opCheckExchange, quote(name), namedExchange(name), func() error {
		return b.adapter.CheckExchange(ctx, name)
	})
}

// DeleteExchange deletes an exchange with its bindings. One that is missing is
// no error. Options may be nil. See the AMQP 0-9-1 reference, exchange.delete.
func (b *Broker) DeleteExchange(ctx context.Context, name string, o *DeleteExchangeOptions) error {
	return b.do(opDeleteExchange, quote(name), namedExchange(name), func() error {
		return b.adapter.DeleteExchange(ctx, name, orZero(o))
	})
}

// DeclareQueue makes a queue and returns its name, which is the broker's
// choice if q.Name is empty. If there is one of that name, it does nothing if
// that is equal, and else fails with [ErrPreconditionFailed], saying what
// differs; or with [ErrResourceLocked] if that is exclusive to another Broker,
// or only one of the two is exclusive. See the AMQP 0-9-1 reference,
// queue.declare.
func (b *Broker) DeclareQueue(ctx context.Context, q Queue) (name string, err error) {
	err = b.do(opDeclareQueue, quote(q.Name), q.validate, func() error {
		q.Arguments, _ = q.Arguments.normalize()
		info, err := b.adapter.DeclareQueue(ctx, q)
		name = info.Name
		return err
	})
	return name, err
}

// InspectQueue tells how many messages are ready and how many consumers there
// are, or fails with [ErrNotFound]. It is AMQP's passive declare.
func (b *Broker) InspectQueue(ctx context.Context, name string) (info QueueInfo, err error) {
	err = b.do(opInspectQueue, quote(name), namedQueue(name), func() (err error) {
		info, err = b.adapter.InspectQueue(ctx, name)
		return err
	})
	return info, err
}

// DeleteQueue deletes a queue with its bindings and messages, and returns how
// many were ready. Its consumers end with [ErrConsumerCanceled]. A queue that
// is missing is no error. Options may be nil.
// See the AMQP 0-9-1 reference, queue.delete.
func (b *Broker) DeleteQueue(ctx context.Context, name string, o *DeleteQueueOptions) (ready int, err error) {
	err = b.do(opDeleteQueue, quote(name), namedQueue(name), func() (err error) {
		ready, err = b.adapter.DeleteQueue(ctx, name, orZero(o))
		return err
	})
	return ready, err
}

// PurgeQueue drops the ready messages of a queue and returns how many.
// Unacknowledged ones stay. See the AMQP 0-9-1 reference, queue.purge.
func (b *Broker) PurgeQueue(ctx context.Context, name string) (purged int, err error) {
	err = b.do(opPurgeQueue, quote(name), namedQueue(name), func() (err error) {
		purged, err = b.adapter.PurgeQueue(ctx, name)
		return err
	})
	return purged, err
}

// Bind adds a binding. One that is there already is no error. A missing
// exchange or queue is [ErrNotFound]. See the AMQP 0-9-1 reference,
// queue.bind.
func (b *Broker) Bind(ctx context.Context, bd Binding) error {
	return b.do(opBind, bd.String(), bd.validate, func() error {
		bd.Arguments, _ = bd.Arguments.normalize()
		return b.adapter.Bind(ctx, bd)
	})
}

// Unbind takes away the binding that equals bd in all fields. One that is
// missing is no error. See the AMQP 0-9-1 reference, queue.unbind.
func (b *Broker) Unbind(ctx context.Context, bd Binding) error {
	return b.do(opUnbind, bd.String(), bd.validate, func() error {
		bd.Arguments, _ = bd.Arguments.normalize()
		return b.adapter.Unbind(ctx, bd)
	})
}

// do runs one call: the check of its arguments first, and only then the
// adapter.
func (b *Broker) do(op, name string, validate, call func() error) error {
	if b.state.Load() == closed {
		return opError(op, name, errBrokerClosed)
	}
	if err := validate(); err != nil {
		return opError(op, name, err)
	}
	return opError(op, name, call())
}

func namedExchange(name string) func() error {
	return func() error {
		if name == "" {
			return fmt.Errorf("%w: the default exchange can't be checked or deleted", ErrAccessRefused)
		}
		return checkName("exchange name", name)
	}
}

func namedQueue(name string) func() error {
	return func() error {
		if name == "" {
			return fmt.Errorf("%w: the queue has no name; use the one that DeclareQueue returned", ErrInvalid)
		}
		return checkName("queue name", name)
	}
}

// Consume starts a consumer on a queue. Options may be nil. Messages come as
// soon as it returns, up to the prefetch; take them with Receive, All or
// Handle, and end it with Close. A queue that is exclusively consumed, or that
// another consumer keeps from being so, is [ErrAccessRefused]. See the AMQP
// 0-9-1 reference, basic.consume.
func (b *Broker) Consume(ctx context.Context, queue string, o *ConsumeOptions) (*Consumer, error) {
	opts := orZero(o)
	var c *Consumer
	err := b.do(opConsume, "queue "+quote(queue), func() error {
		if err := namedQueue(queue)(); err != nil {
			return err
		}
		return opts.validate()
	}, func() error {
		if b.state.Load() != open {
			return errShuttingDown
		}
		if opts.Prefetch == 0 {
			opts.Prefetch = DefaultPrefetch
		}
		sub, err := b.adapter.Consume(ctx, queue, opts)
		if err != nil {
			return err
		}
		c = &Consumer{
			b:      b,
			sub:    sub,
			origin: origin{queue: queue, settler: sub, autoAck: opts.AutoAck, trace: b.trace, settled: newSignal()},
			turn:   make(chan struct{}, 1),

			closing: newMutex(),
		}
		if !opts.AutoAck { // else nothing comes again
			c.losses, _ = sub.(LossTeller)
		}
		if !b.remember(c) {
			// Shutdown or Close has begun since; it has not seen this one.
			return errors.Join(errShuttingDown, sub.Close())
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return c, nil
}

// remember adds c to those that Shutdown ends, unless that has begun.
func (b *Broker) remember(c *Consumer) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.state.Load() != open {
		return false
	}
	// Consumers that ended without Close are found here, so that a program
	// that makes many does not collect them.
	if len(b.consumers) >= b.sweepAt {
		for old := range b.consumers {
			if old.done() {
				delete(b.consumers, old)
			}
		}
		b.sweepAt = max(16, 2*len(b.consumers))
	}
	b.consumers[c] = struct{}{}
	return true
}

func (b *Broker) forget(c *Consumer) {
	b.mu.Lock()
	delete(b.consumers, c)
	b.mu.Unlock()
}

// Get takes one message from a queue; ok is false if none is ready. Options
// may be nil. To get many, use Consume: it is far faster.
// See the AMQP 0-9-1 reference, basic.get.
func (b *Broker) Get(ctx context.Context, queue string, o *GetOptions) (d Delivery, ok bool, err error) {
	d = Delivery{Envelope: noMessage}
	began := b.trace.now()
	err = b.do(opGet, "queue "+quote(queue), namedQueue(queue), func() error {
		// Counted before it is asked for: Shutdown sees either this, or that
		// there is none yet, and then this sees Shutdown.
		_ = b.got.acquire(ctx) // never waits
		defer func() {
			if !d.settleable() {
				b.got.release() // nothing to settle
			}
		}()
		if b.state.Load() != open {
			return errShuttingDown
		}
		got, err := b.adapter.Get(ctx, queue, orZero(o))
		if err != nil || !got.OK {
			return err
		}
		from := &origin{queue: queue, settler: got.Settler, autoAck: orZero(o).AutoAck, trace: b.trace, got: b.got}
		from.deliverLocked(&d, &got.Incoming) // nobody else knows from yet
		ok = true
		d.Ready = got.Ready
		if b.trace != nil {
			b.trace.received(ctx, d, false, began)
		}
		return nil
	})
	return d, ok, err
}
