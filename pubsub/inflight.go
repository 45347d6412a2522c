package pubsub

import (
	"context"
	"sync"
	"sync/atomic"
)

// inflight counts what is under way, up to a limit, and tells when nothing is.
// The counter alone serves the usual case; the mutex only those who wait.
type inflight struct {
	limit   int64
	n       atomic.Int64
	waiters atomic.Int64

	mu      sync.Mutex
	changed chan struct{} // closed and replaced by a release that somebody waits for
}

func newInflight(limit int) *inflight {
	return &inflight{limit: int64(limit), changed: make(chan struct{})}
}

// acquire counts one more, waiting while the limit is reached.
func (f *inflight) acquire(ctx context.Context) error {
	if f.n.Add(1) <= f.limit {
		return nil
	}
	f.n.Add(-1)
	return f.waitUntil(ctx, func() bool {
		if f.n.Add(1) <= f.limit {
			return true
		}
		f.n.Add(-1)
		return false
	})
}

// release counts one less.
func (f *inflight) release() {
	f.n.Add(-1)
	// A waiter announces itself before it looks at n. Either it sees this
	// decrement, or this sees the waiter: both are atomic and in one order.
	if f.waiters.Load() > 0 {
		f.mu.Lock()
		close(f.changed)
		f.changed = make(chan struct{})
		f.mu.Unlock()
	}
}

// idle waits until nothing is under way.
func (f *inflight) idle(ctx context.Context) error {
	return f.waitUntil(ctx, func() bool { return f.n.Load() == 0 })
}

func (f *inflight) waitUntil(ctx context.Context, ok func() bool) error {
	f.waiters.Add(1)
	defer f.waiters.Add(-1)
	for {
		f.mu.Lock()
		changed := f.changed
		f.mu.Unlock()
		if ok() {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
