package pubsub

import (
	"context"
	"errors"
	"fmt"
)

// Shutdown ends the connection in good order: it cancels all consumers, waits
// until this program has settled what it received and until each publish has
// its outcome, and then closes. Handlers that run may go on publishing meanwhile;
// new consumers are refused. If ctx ends first, it closes all the same, and the
// error tells how much was left: that returns to its queues.
func (b *Broker) Shutdown(ctx context.Context) error {
	b.closing.Lock()
	defer b.closing.Unlock()
	if b.state.Load() == closed {
		return nil
	}
	b.mu.Lock() // so that remember sees it, or this sees what it remembered
	b.state.Store(draining)
	consumers := make([]*Consumer, 0, len(b.consumers))
	for c := range b.consumers {
		consumers = append(consumers, c)
	}
	b.mu.Unlock()

	var errs []error
	for _, c := range consumers {
		// A Cancel that fails has lost its connection: nothing is left to drain.
		errs = append(errs, c.Cancel(ctx))
	}
	for _, c := range consumers {
		if n, err := c.origin.drained(ctx); err != nil {
			errs = append(errs, opError(opShutdown, "", fmt.Errorf("%d deliveries from queue %s are not settled: %w", n, quote(c.origin.queue), err)))
		}
	}
	if err := b.publishing.idle(ctx); err != nil {
		errs = append(errs, opError(opShutdown, "", fmt.Errorf("%d publishes have no outcome: %w", b.publishing.n.Load(), err)))
	}
	errs = append(errs, b.closeLocked())
	return errors.Join(errs...)
}

// Close ends the connection at once: deliveries that are not settled return to
// their queues, exclusive queues go, and publishes that wait get
// [ErrUnconfirmed]. It returns when all of that is done. A second call does nothing.
func (b *Broker) Close() error {
	b.closing.Lock()
	defer b.closing.Unlock()
	return b.closeLocked()
}

// closeLocked closes the adapter and ends the consumers. b.closing is held.
func (b *Broker) closeLocked() error {
	b.mu.Lock()
	if b.state.Swap(closed) == closed {
		b.mu.Unlock()
		return nil
	}
	consumers := b.consumers
	b.consumers = nil
	b.mu.Unlock()
	err := b.adapter.Close()
	for c := range consumers {
		c.abandon(errBrokerClosed)
	}
	return opError("close", "", err)
}
