package pubsub

import "context"

// mutex is a mutex that a context can end the wait for. Make one with newMutex.
type mutex chan struct{} // full while it is locked

func newMutex() mutex { return make(mutex, 1) }

// lock returns the context's cause if that ends first. One that is free is
// locked all the same.
func (m mutex) lock(ctx context.Context) error {
	select {
	case m <- struct{}{}:
		return nil
	default:
	}
	select {
	case m <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (m mutex) unlock() { <-m }
