package watermill

import (
	"context"
	"sync"
	"time"
)

// messageContext is the context of one message: that of its subscription, until
// the message is settled. context.WithCancel would enter every message into a
// list of the subscription's, under a lock; this does so only for messages whose
// Done is asked for.
type messageContext struct {
	parent context.Context

	mu    sync.Mutex
	ended error           // what Err says since end; nil before
	inner context.Context // of parent; nil until Done is asked for
	stop  context.CancelFunc
}

var _ context.Context = (*messageContext)(nil)

// closed is the Done of a context that has ended before it was asked for that.
var closed = func() <-chan struct{} { c := make(chan struct{}); close(c); return c }()

func (c *messageContext) Deadline() (time.Time, bool) { return c.parent.Deadline() }

func (c *messageContext) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.inner != nil:
	case c.ended != nil:
		return closed
	default:
		c.inner, c.stop = context.WithCancel(c.parent)
	}
	return c.inner.Done()
}

func (c *messageContext) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.inner != nil:
		return c.inner.Err()
	case c.ended != nil:
		return c.ended
	}
	return c.parent.Err()
}

// Value asks the inner context, if there is one: by that package context knows
// who ends its Done, and needs no goroutine for contexts that are derived.
func (c *messageContext) Value(key any) any {
	c.mu.Lock()
	inner := c.inner
	c.mu.Unlock()
	if inner != nil {
		return inner.Value(key)
	}
	return c.parent.Value(key)
}

// end is for when the message is settled.
func (c *messageContext) end() {
	c.mu.Lock()
	if c.ended == nil {
		// Err may have told how the parent ended: that stays so.
		if c.ended = c.parent.Err(); c.ended == nil {
			c.ended = context.Canceled
		}
	}
	stop := c.stop
	c.mu.Unlock()
	if stop != nil {
		stop()
	}
}
