package pubsub

import (
	"context"
	"errors"
	"fmt"
)

// Shutdown ends the connection in good order: it cancels all consumers, waits
// until each [Consumer.Handle] has returned, this program has settled what it
// received and each publish has its outcome, and then closes. New consumers
// and Get are refused at once; publishing goes on until all is settled, so
// that handlers that run can finish. If ctx ends first, it closes all the
// same, and the error tells how much was left: that returns to its queues, and
// the contexts of handlers that run end.
// Close meanwhile cuts it short. Don't call it in a handler: it waits for
// that.
func (b *Broker) Shutdown(ctx context.Context) error {
	if cause := b.shutting.lock(ctx); cause != nil {
		_, err := b.end()
		return errors.Join(opError(opShutdown, "", fmt.Errorf("another Shutdown is under way: %w", cause)), err)
	}
	defer b.shutting.unlock()
	if !b.advance(draining) {
		return nil
	}
	b.mu.Lock()
	consumers := make([]*Consumer, 0, len(b.consumers))
	var last []*Consumer
	for c := range b.consumers {
		if c.last {
			last = append(last, c)
		} else {
			consumers = append(consumers, c)
		}
	}
	b.mu.Unlock()

	errs := cancelAll(ctx, consumers)
	if err := b.handling.idle(ctx); err != nil {
		errs = append(errs, opError(opShutdown, "", fmt.Errorf("%d calls of Handle have not returned: %w", b.handling.n.Load(), err)))
	}
	if err := b.got.idle(ctx); err != nil {
		errs = append(errs, opError(opShutdown, "", fmt.Errorf("%d deliveries of Get are not settled: %w", b.got.n.Load(), err)))
	}
	errs = append(errs, cancelAll(ctx, last)...)
	// From here on nothing is added to what is in flight, so that it comes to
	// an end.
	b.advance(finishing)
	if err := b.publishing.idle(ctx); err != nil {
		errs = append(errs, opError(opShutdown, "", fmt.Errorf("%d publishes have no outcome: %w", b.publishing.n.Load(), err)))
	}
	first, err := b.end()
	if !first {
		err = opError(opShutdown, "", fmt.Errorf("%w: Close came first", ErrClosed))
	}
	return errors.Join(append(errs, err)...)
}

// cancelAll cancels consumers, and waits until what they have is settled.
func cancelAll(ctx context.Context, consumers []*Consumer) (errs []error) {
	for _, c := range consumers {
		errs = append(errs, c.Cancel(ctx))
	}
	for _, c := range consumers {
		if n, err := c.origin.drained(ctx); err != nil {
			errs = append(errs, opError(opShutdown, "", fmt.Errorf("%d deliveries from queue %s are not settled: %w", n, quote(c.origin.queue), err)))
		}
	}
	return errs
}

// advance moves b on to a state, unless it is closed.
func (b *Broker) advance(to int32) bool {
	// remember looks at the state under the mutex too: either it sees this
	// change, or who advances sees what it remembered.
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.state.Load() == closed {
		return false
	}
	b.state.Store(to)
	return true
}

// Close ends the connection at once: deliveries that are not settled return to
// their queues, exclusive queues go, and publishes that wait get
// [ErrUnconfirmed]. It returns when all of that is done. A second call does
// nothing.
func (b *Broker) Close() error {
	_, err := b.end()
	return err
}

// end closes the adapter and ends the consumers, and reports whether it was
// this call that did. Another call returns once the first one is done.
func (b *Broker) end() (first bool, err error) {
	b.closing.Lock()
	defer b.closing.Unlock()
	b.mu.Lock()
	if b.state.Swap(closed) == closed {
		b.mu.Unlock()
		return false, nil
	}
	consumers := b.consumers
	b.consumers = nil
	b.mu.Unlock()
	b.endLife(errBrokerClosed)

	for c := range consumers {
		c.shut(errBrokerClosed) // the adapter gives back what it had
	}
	err = b.adapter.Close()
	for c := range consumers {
		c.origin.abandon()
	}
	b.got.abandon()
	b.handling.abandon()
	b.trace.closed()
	return true, opError(opClose, "", err)
}
