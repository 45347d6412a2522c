package pubsub

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// HandleOptions are for [Consumer.Handle]. Nil is the same as the zero value.
type HandleOptions struct {
	// Concurrency is how many handlers may run at once. Zero is 1, which keeps
	// the queue's order. It is of no use beyond the consumer's prefetch.
	Concurrency int
}

// ErrReject is for handlers: [Consumer.Handle] rejects a delivery, instead of
// requeueing it, when the handler's error wraps it.
var ErrReject = errors.New("reject the delivery")

// Handle calls h for each delivery, several at a time if asked, until ctx or
// the consumer ends. It settles each by what h returns: nil is Ack; an error
// that wraps [ErrReject] is Reject; any other error is Requeue, and the
// message may come again at once. It logs the error of h. A delivery that h
// has settled itself is left alone.
//
// When ctx ends, Handle takes no more deliveries, waits for the handlers that
// run, and returns nil: the context that h gets goes on, with ctx's values. To
// stop handlers too, cancel a context of your own in them. When the consumer
// ends in another way than by Cancel, Close or Shutdown, or a delivery can't
// be settled, Handle stops in the same way and returns why. A handler's panic
// is not caught; the broker requeues what a dead program has not settled.
func (c *Consumer) Handle(ctx context.Context, o *HandleOptions, h func(context.Context, Delivery) error) error {
	n := orZero(o).Concurrency
	if n < 0 {
		return opError(opReceive, "queue "+quote(c.origin.queue), fmt.Errorf("%w: concurrency is %d; it must be 1 or more, or 0 for 1", ErrInvalid, n))
	}
	_ = c.b.handling.acquire(ctx) // never waits; Shutdown waits for us
	defer c.b.handling.release()
	receiving, stop := context.WithCancel(ctx)
	defer stop()
	errs := make([]error, max(1, n))
	var workers sync.WaitGroup
	for i := range errs {
		workers.Go(func() {
			if errs[i] = c.handleLoop(receiving, h); errs[i] != nil {
				stop() // the other workers
			}
		})
	}
	workers.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// handleLoop is one worker of Handle.
func (c *Consumer) handleLoop(ctx context.Context, h func(context.Context, Delivery) error) error {
	running := context.WithoutCancel(ctx)
	for {
		d, err := c.receive(ctx, true)
		switch {
		case errors.Is(err, errConsumerClosed), err != nil && ctx.Err() != nil:
			return nil
		case err != nil:
			return err
		}
		running, end := c.b.trace.startHandle(running, d)
		err = h(running, d)
		end(err)
		o := outcomeOf(err)
		if err != nil {
			c.b.log.WarnContext(running, "handler failed", "queue", c.origin.queue, "outcome", o.String(), "error", err)
		}
		if !d.settleable() {
			continue // AutoAck
		}
		err = d.settle(running, o)
		// A lost delivery comes again; the consumer's end, if it has come,
		// shows in the next Receive.
		if err != nil && !errors.Is(err, ErrSettled) && !errors.Is(err, ErrDeliveryLost) && !errors.Is(err, ErrClosed) {
			return err
		}
	}
}

func outcomeOf(err error) Outcome {
	switch {
	case err == nil:
		return Ack
	case errors.Is(err, ErrReject):
		return Reject
	}
	return Requeue
}
