package nats

import (
	"context"
	"time"
)

// deadAfter is how long a connection that doesn't answer, but has subscribed, counts
// as alive.
const deadAfter = 10 * time.Second

// pingTimeout is how long an answer may take until it is asked for again.
const pingTimeout = time.Second

// lives reports whether a connection is there. One that has just begun may not
// be known on all servers of a cluster yet; so a no is asked for again.
func (c *Conn) lives(ctx context.Context, conn string) (bool, error) {
	late := time.Now().Add(deadAfter)
	c.mu.Lock()
	if time.Since(c.silent[conn]) < deadAfter {
		late = time.Now() // somebody has waited for it just now: one more attempt
	}
	c.mu.Unlock()
	nobody := 0
	for {
		attempt, cancel := context.WithTimeout(ctx, pingTimeout)
		alive, err := c.control.alive(attempt, conn)
		cancel()
		switch {
		case alive:
			c.mu.Lock()
			delete(c.silent, conn)
			c.mu.Unlock()
			return true, nil
		case ctx.Err() != nil:
			return false, context.Cause(ctx)
		case c.ended.Load():
			return false, errClosed
		case err == nil:
			if nobody++; nobody > 2 {
				return false, nil
			}
		case time.Now().After(late):
			c.mu.Lock()
			c.silent[conn] = time.Now()
			c.mu.Unlock()
			return false, nil
		}
		select {
		case <-time.After(time.Duration(50*nobody) * time.Millisecond):
		case <-ctx.Done():
		case <-c.done:
		}
	}
}
