package pubsub

import (
	"context"
	"errors"
	"fmt"
	"iter"
)

// Consumer is a subscription to a queue, made by [Broker.Consume]. All methods
// are safe for concurrent use: several goroutines may Receive from one
// Consumer and share its prefetch.
type Consumer struct {
	b      *Broker
	sub    Subscription
	losses LossTeller // sub, if it is one, unless with AutoAck
	origin origin

	// closing is held by one Cancel or Close at a time. It comes before
	// origin.mu.
	closing mutex

	// last says that Shutdown cancels it after the handlers have returned, who
	// may wait for what it receives. Guarded by Broker.mu.
	last bool

	// turn wakes one of those that wait in Receive.
	turn chan struct{}

	// The rest is guarded by origin.mu.
	buf     []Incoming    // what sub.Receive put there
	next    int           // buf[next:] is not handed over yet
	filling bool          // a goroutine is in sub.Receive, with buf's space
	filled  chan struct{} // made by Cancel, closed once nobody is filling
	waiting int           // goroutines that wait for turn
	closed  error         // why this program ended it, if it did
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

// Receive waits for the next delivery. It returns an error that wraps ctx's
// when ctx ends, [ErrClosed] after Cancel, Close, or the Broker's end, and
// [ErrConsumerCanceled] when the broker ended the consumer, as by deleting the
// queue.
func (c *Consumer) Receive(ctx context.Context) (Delivery, error) { return c.receive(ctx, false) }

// receive is Receive, or for a handler.
func (c *Consumer) receive(ctx context.Context, handled bool) (d Delivery, err error) {
	if ctx.Err() != nil {
		return c.nothing(context.Cause(ctx))
	}
	began := c.b.trace.now()
	c.origin.mu.Lock()
	for {
		if c.next < len(c.buf) {
			c.origin.deliverLocked(&d, &c.buf[c.next])
			c.next++
			c.passTurnLocked()
			c.origin.mu.Unlock()
			if c.b.trace != nil {
				c.b.trace.received(ctx, d, handled, began)
			}
			return d, nil
		}
		switch {
		case c.end != nil:
			err = c.end
		case c.filling:
			err = c.waitLocked(ctx)
		default:
			err = c.fillLocked(ctx)
		}
		if err != nil {
			c.passTurnLocked()
			c.origin.mu.Unlock()
			return c.nothing(err)
		}
	}
}

// nothing is what Receive returns with an error.
func (c *Consumer) nothing(err error) (Delivery, error) {
	return Delivery{Envelope: noMessage}, opError(opReceive, "queue "+quote(c.origin.queue), err)
}

// waitLocked waits for its turn, without the mutex.
func (c *Consumer) waitLocked(ctx context.Context) error {
	c.waiting++
	c.origin.mu.Unlock()
	defer func() {
		c.origin.mu.Lock()
		c.waiting--
	}()
	select {
	case <-c.turn:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// passTurnLocked wakes one goroutine that waits, if there may be something for
// it to do: to take a delivery, to fill, or to see the end. Who leaves Receive
// calls it, so that each one wakes the next, and a delivery does not wake all
// of them.
func (c *Consumer) passTurnLocked() {
	if c.waiting == 0 || c.filling && c.end == nil {
		return
	}
	select {
	case c.turn <- struct{}{}:
	default: // somebody will take the one that is there
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
	ended := n == 0 && err != nil && (ctx.Err() == nil || !isContextError(err))
	if ended && !errors.Is(err, ErrClosed) {
		c.b.log.WarnContext(ctx, "consumer ended", "queue", c.origin.queue, "error", err)
	}
	c.origin.mu.Lock()
	if c.end != nil && n > 0 {
		// Cancel came while these were on their way to us, so it did not see
		// them.
		c.origin.mu.Unlock()
		c.giveBack(space[:n])
		c.origin.mu.Lock()
		n = 0
	}
	c.filling = false
	if c.filled != nil {
		close(c.filled)
		c.filled = nil
	}
	if c.end != nil {
		return c.end
	}
	c.buf = space[:n]
	if ended {
		if c.end = c.closed; c.end == nil {
			c.end = err
		}
		return c.end
	}
	if n == 0 && err != nil {
		return context.Cause(ctx) // concerns this caller only
	}
	return nil
}

func isContextError(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// giveBack returns to the queue what nobody has seen.
func (c *Consumer) giveBack(ins []Incoming) {
	for i := range ins {
		// An error means that the connection is gone, and so they are back.
		_ = c.sub.Settle(context.Background(), ins[i].Tag, Requeue, false)
	}
}

// All returns an iterator over deliveries. It ends when ctx does, or the
// consumer: then the last pair has a Delivery without content and the error,
// as Receive returns it. After Cancel or Close of this Consumer it just ends.
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
	if err := c.closing.lock(ctx); err != nil {
		return c.opError(fmt.Errorf("another Cancel or Close is under way: %w", err))
	}
	defer c.closing.unlock()
	// Before sub.Cancel, which waits until the broker knows.
	c.giveBack(c.shut(errConsumerClosed))
	if err := c.sub.Cancel(ctx); err != nil {
		return c.opError(err)
	}
	return c.opError(c.waitFilled(ctx))
}

// Close is Cancel, and puts what is unsettled back into the queue: settling it
// afterwards returns [ErrDeliveryLost]. Outcomes given before are kept. A
// second call does nothing.
func (c *Consumer) Close() error {
	_ = c.closing.lock(context.Background()) // which has no end
	defer c.closing.unlock()
	c.shut(errConsumerClosed)
	err := c.sub.Close() // gives all back by itself
	c.origin.abandon()
	c.b.forget(c)
	return c.opError(err)
}

func (c *Consumer) opError(err error) error {
	return opError(opCancel, "queue "+quote(c.origin.queue), err)
}

// shut makes Receive end, and returns what it has not handed over. With
// AutoAck Receive hands that over first, and what sub still has.
func (c *Consumer) shut(why error) (rest []Incoming) {
	c.origin.mu.Lock()
	defer c.origin.mu.Unlock()
	if c.closed == nil {
		c.closed = why
	}
	if c.origin.autoAck {
		return nil
	}
	if c.end == nil {
		c.end = c.closed
	}
	rest = c.buf[c.next:]
	c.buf, c.next = nil, 0
	c.passTurnLocked()
	return rest
}

// waitFilled waits until nobody is in sub.Receive. What that has handed over
// since the end is back in the queue then.
func (c *Consumer) waitFilled(ctx context.Context) error {
	c.origin.mu.Lock()
	if !c.filling || c.origin.autoAck {
		c.origin.mu.Unlock()
		return nil
	}
	if c.filled == nil {
		c.filled = make(chan struct{})
	}
	filled := c.filled
	c.origin.mu.Unlock()
	select {
	case <-filled:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// ending reports whether nothing more comes, or what comes is but the rest.
func (c *Consumer) ending() bool {
	c.origin.mu.Lock()
	defer c.origin.mu.Unlock()
	return c.end != nil || c.closed != nil
}

// done reports whether nothing more comes and nothing is unsettled.
func (c *Consumer) done() bool {
	return c.ending() && c.origin.unsettled() == 0
}
