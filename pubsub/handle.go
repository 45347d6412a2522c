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

	// Key keeps the order of what belongs together: deliveries for which it
	// returns the same are handled one after another, in the queue's order,
	// others at the same time. Those that wait for one before them count
	// against the prefetch, and hold up nobody before that is used up. Handle
	// calls Key on its own goroutine, once for each delivery. If Key panics, that
	// is a failure as the handler's, of a message that has no order to keep.
	//
	// A delivery that Handle requeues takes those of its key that wait in this
	// program with it, so that they come again in order; what the broker sends
	// meanwhile may be handled before them. With Retry a message waits in this
	// program between its attempts, and those of its key wait behind it:
	// their order is kept while this consumer is the only one of its queue.
	// Attempts before the consumer's end are not counted then.
	Key func(Delivery) string

	// Retry, if set, says how often and when a message comes again after its
	// handler failed, and where it goes at last. Nil: it is requeued.
	Retry *Retry

	// CrashOnPanic lets a panic of the handler or of Key end the program, after
	// a [Trace] has seen the handler's end. Else it is caught, logged with its
	// stack, and counts as an error of the handler.
	CrashOnPanic bool
}

// ErrReject is for handlers: [Consumer.Handle] rejects a delivery, instead of
// requeueing it, when the handler's error wraps it.
var ErrReject = errors.New("reject the delivery")

// Handle calls h for each delivery, several at a time if asked, until ctx or
// the consumer ends. It settles each by what h returns: nil is Ack; an error
// that wraps [ErrReject] is Reject; any other error, or a panic, is Requeue,
// and the message may come again at once. With [HandleOptions.Retry] any other
// error is one failed attempt, of which there are several, with pauses, before
// the message is parked; h may choose by [ErrRetryNow], [RetryAfter] and
// [ErrPark]. It logs the error of h. A delivery that h has settled itself is
// left alone.
//
// When ctx ends, Handle takes no more deliveries, waits for the handlers that
// run, and returns nil. The context that h gets has ctx's values, and goes on
// until the Broker is closed, as by a Shutdown whose time is over: what h does
// then can't be settled any more. To stop handlers before, cancel a context of
// your own in them. When the consumer ends in another way than by Cancel, Close
// or Shutdown, or a delivery can't be settled, retried or parked, Handle stops
// in the same way and returns why.
func (c *Consumer) Handle(ctx context.Context, o *HandleOptions, h func(context.Context, Delivery) error) error {
	hd := &handling{HandleOptions: orZero(o), c: c, h: h}
	if err := hd.validate(); err != nil {
		return opError(opReceive, "queue "+quote(c.origin.queue), err)
	}
	_ = c.b.handling.acquire(ctx) // never waits; Shutdown waits for us
	defer c.b.handling.release()
	hd.running = handlerContext{c.b.life, context.WithoutCancel(ctx)}
	if hd.Retry != nil {
		r, err := newRetrying(ctx, c.b, c.origin.queue, *hd.Retry)
		if err == nil && hd.Key == nil {
			err = r.declareDelays(ctx)
		}
		if err != nil {
			if c.ending() { // which is why it failed, or it doesn't matter
				_, err = c.receive(ctx, true)
			}
			return endOf(ctx, err)
		}
		hd.retrying = r
	}
	if hd.Key != nil {
		return hd.handleByKey(ctx)
	}
	return hd.workers(ctx, hd.handleLoop)
}

// handling is one call of Handle.
type handling struct {
	HandleOptions
	c        *Consumer
	h        func(context.Context, Delivery) error
	running  context.Context // of handlers, and of what is done with their outcome
	retrying *retrying       // nil: failed deliveries are requeued
	lanes    *lanes          // with a Key
}

// handlerContext has the values of one context, and ends with another, that of
// the Broker.
type handlerContext struct {
	context.Context
	values context.Context // does not end
}

func (c handlerContext) Value(key any) any {
	if v := c.values.Value(key); v != nil {
		return v
	}
	return c.Context.Value(key) // package context asks it for its own
}

func (hd *handling) validate() error {
	if hd.h == nil {
		return errNoHandler
	}
	if hd.Concurrency < 0 {
		return fmt.Errorf("%w: concurrency is %d; it must be 1 or more, or 0 for 1", ErrInvalid, hd.Concurrency)
	}
	if hd.Retry != nil && hd.c.origin.autoAck {
		return fmt.Errorf("%w: the consumer has AutoAck, so that a message that is to be retried can get lost; consume without", ErrInvalid)
	}
	return nil
}

var errNoHandler = fmt.Errorf("%w: the handler is nil; give a function", ErrInvalid)

// workers runs as many workers as asked, and returns once all are done, with
// the first error. The context ends when one of them has an error.
func (hd *handling) workers(ctx context.Context, work func(context.Context) error) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	errs := make([]error, max(1, hd.Concurrency))
	var workers sync.WaitGroup
	for i := range errs {
		workers.Go(func() {
			errs[i] = errExited // unless work returns
			defer func() {
				if errs[i] != nil {
					stop() // the other workers
				}
			}()
			errs[i] = work(ctx)
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
func (hd *handling) handleLoop(ctx context.Context) error {
	for {
		d, err := hd.c.receive(ctx, true)
		if err != nil {
			return endOf(ctx, err)
		}
		if err := hd.handle(ctx, d, hd.h); err != nil {
			return err
		}
	}
}

// handle lets h handle a delivery, and finishes it.
func (hd *handling) handle(ctx context.Context, d Delivery, h func(context.Context, Delivery) error) error {
	if hd.c.lost(&d) {
		return hd.settle(hd.running, &d, Requeue) // which changes nothing
	}
	a := hd.attemptsOf(&d)
	for {
		running, err := hd.run(d, a, h)
		f := hd.fateOf(&d, a, err)
		hd.log(running, f, a, err)
		err = hd.finish(running, d, a, f, err, nil)
		if err != errAgain {
			return err
		}
		if ctx.Err() != nil || hd.c.ending() {
			return hd.settle(running, &d, Requeue)
		}
	}
}

// endOf is what Handle returns when Receive has returned err.
func endOf(ctx context.Context, err error) error {
	if errors.Is(err, errConsumerClosed) || ctx.Err() != nil {
		return nil
	}
	return err
}

// run calls a handler, and returns the context in which to settle.
func (hd *handling) run(d Delivery, a *attempts, h func(context.Context, Delivery) error) (context.Context, error) {
	seen := d
	if a != nil {
		seen = a.view(d)
	}
	ctx, end := hd.c.b.trace.startHandle(hd.running, seen)
	err := hd.call(ctx, seen, h, end)
	if told, ok := err.(*answered); ok {
		end(told.error)
	} else {
		end(err)
	}
	return ctx, err
}
