package pubsub

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
)

// Consumer is a subscription to a queue, made by [Broker.Consume]. All methods
// are safe for concurrent use: several goroutines may Receive from one Consumer
// and share its prefetch.
type Consumer struct {
	b      *Broker
	sub    Subscription
	origin origin

	// closing is held by one Cancel or Close at a time. It comes before origin.mu.
	closing sync.Mutex

	// The rest is guarded by origin.mu.
	buf     []Incoming    // what sub.Receive put there
	next    int           // buf[next:] is not handed over yet
	filling bool          // a goroutine is in sub.Receive, with buf's space
	filled  chan struct{} // made by those who wait for it, closed when it is back
	end     error         // why nothing more comes, once that is so
}

// Deliveries change hands in batches: few for a consumer that gets one now and
// then, more where more come.
const (
	minBuffer = 16
	maxBuffer = 256
)

// Queue returns the name of the queue that c consumes.
func (c *Consumer) Queue() string { return c.origin.queue }

// Receive waits for the next delivery. It returns an error that wraps ctx's when
// ctx ends, [ErrClosed] after Cancel, Close, or the Broker's end, and
// [ErrConsumerCanceled] when the broker ended the consumer, as by deleting the
// queue.
func (c *Consumer) Receive(ctx context.Context) (Delivery, error) {
	if ctx.Err() != nil {
		return c.nothing(context.Cause(ctx))
	}
	c.origin.mu.Lock()
	for {
		if c.next < len(c.buf) {
			d := c.origin.deliveryLocked(&c.buf[c.next])
			c.next++
			c.origin.mu.Unlock()
			return d, nil
		}
		var err error
		switch {
		case c.end != nil:
			err = c.end
		case c.filling:
			err = c.waitLocked(ctx)
		default:
			err = c.fillLocked(ctx)
		}
		if err != nil {
			c.origin.mu.Unlock()
			return c.nothing(err)
		}
	}
}

// nothing is what Receive returns with an error.
func (c *Consumer) nothing(err error) (Delivery, error) {
	return Delivery{Envelope: noMessage}, opError(opReceive, "queue "+quote(c.origin.queue), err)
}

// waitLocked waits for the goroutine that fills buf, without the mutex.
func (c *Consumer) waitLocked(ctx context.Context) error {
	if c.filled == nil {
		c.filled = make(chan struct{})
	}
	filled := c.filled
	c.origin.mu.Unlock()
	defer c.origin.mu.Lock()
	select {
	case <-filled:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// fillLocked gets deliveries into buf, which is empty. It does so without the
// mutex: nobody else touches buf while filling is set.
func (c *Consumer) fillLocked(ctx context.Context) error {
	space := c.buf[:cap(c.buf)]
	if len(c.buf) == cap(c.buf) && cap(c.buf) < maxBuffer {
		space = make([]Incoming, max(minBuffer, 2*cap(c.buf)))
	} else {
		clear(c.buf) // lets go of the messages handed over
	}
	c.buf, c.next, c.filling = space[:0], 0, true
	c.origin.mu.Unlock()
	n, err := c.sub.Receive(ctx, space)
	c.origin.mu.Lock()
	c.filling = false
	if c.filled != nil {
		close(c.filled)
		c.filled = nil
	}
	if c.end != nil && !c.origin.autoAck {
		// Cancel came while these were on their way to us, so it did not see
		// them.
		c.giveBack(space[:n])
		return c.end
	}
	c.buf = space[:n]
	if n > 0 || err == nil {
		return nil
	}
	if ctx.Err() != nil && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)) {
		return context.Cause(ctx) // concerns this caller only
	}
	if c.end == nil {
		c.end = err
	}
	return c.end
}

// giveBack returns to the queue what nobody has seen.
func (c *Consumer) giveBack(ins []Incoming) {
	for i := range ins {
		// An error means that the connection is gone, and so they are back.
		_ = c.sub.Settle(context.Background(), ins[i].Tag, Requeue, false)
	}
}

// All returns an iterator over deliveries. It ends when ctx does, or the
// consumer: then the last pair has a Delivery without content and the error, as
// Receive returns it. After Cancel or Close of this Consumer it just ends.
// Leaving the loop early leaves the consumer as it is.
func (c *Consumer) All(ctx context.Context) iter.Seq2[Delivery, error] {
	return func(yield func(Delivery, error) bool) {
		for {
			d, err := c.Receive(ctx)
			if err != nil {
				if !errors.Is(err, errConsumerClosed) {
					yield(d, err)
				}
				return
			}
			if !yield(d, nil) {
				return
			}
		}
	}
}

// errConsumerClosed is the end of a consumer that its own program closed.
var errConsumerClosed = fmt.Errorf("%w: this Consumer was closed", ErrClosed)

// Cancel stops deliveries. Those that this program hasn't received go back to
// the queue; those that it has can still be settled. Receive and All end. With
// AutoAck there is nothing to go back: Receive first returns what had come. A
// second call does nothing. See the AMQP 0-9-1 reference, basic.cancel.
func (c *Consumer) Cancel(ctx context.Context) error {
	c.closing.Lock()
	defer c.closing.Unlock()
	return c.finish(func() error { return c.sub.Cancel(ctx) })
}

// Close is Cancel, and puts what is unsettled back into the queue: settling it
// afterwards returns [ErrDeliveryLost]. Outcomes given before are kept. A
// second call does nothing.
func (c *Consumer) Close() error {
	c.closing.Lock()
	defer c.closing.Unlock()
	err := c.finish(c.sub.Close)
	c.origin.abandon()
	c.b.forget(c)
	return err
}

// finish ends the subscription by stop and gives back what is in buf. c.closing
// is held.
func (c *Consumer) finish(stop func() error) error {
	c.origin.mu.Lock()
	if c.end == nil {
		c.end = errConsumerClosed
	}
	if !c.origin.autoAck {
		c.giveBack(c.buf[c.next:])
		c.next = len(c.buf)
	}
	c.origin.mu.Unlock()
	return opError(opCancel, "queue "+quote(c.origin.queue), stop())
}

// abandon is for a consumer whose connection is gone.
func (c *Consumer) abandon(why error) {
	c.origin.mu.Lock()
	if c.end == nil {
		c.end = why
	}
	c.next = len(c.buf)
	c.origin.mu.Unlock()
	c.origin.abandon()
}

// done reports whether nothing more comes and nothing is unsettled.
func (c *Consumer) done() bool {
	c.origin.mu.Lock()
	ended := c.end != nil
	c.origin.mu.Unlock()
	return ended && c.origin.unsettled() == 0
}
