package pubsub

import (
	"context"
	"sync/atomic"
)

// inflight counts what is under way, up to a limit, and tells when nothing is.
// The counter alone serves the usual case.
type inflight struct {
	limit int64
	n     atomic.Int64 // never beyond limit
	room  signal       // n is below limit
	none  signal       // n is zero, or over
	over  atomic.Bool  // idle waits no longer
}

func newInflight(limit int) *inflight {
	return &inflight{limit: int64(limit), room: newSignal(), none: newSignal()}
}

// acquire counts one more, waiting while the limit is reached.
func (f *inflight) acquire(ctx context.Context) error {
	if f.tryAcquire() {
		return nil
	}
	if err := f.room.wait(ctx, f.tryAcquire); err != nil {
		return err
	}
	// Two releases may have left one token: pass it on.
	if f.n.Load() < f.limit {
		f.room.wake()
	}
	return nil
}

// tryAcquire never counts beyond the limit, not even for a moment: two that
// did could each make the other one wait, with nobody left to wake them.
func (f *inflight) tryAcquire() bool {
	for {
		n := f.n.Load()
		if n >= f.limit {
			return false
		}
		if f.n.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// release counts one less.
func (f *inflight) release() {
	if f.n.Add(-1) == 0 {
		f.none.wake()
	}
	f.room.wake()
}

// idle waits until nothing is under way, or abandon. One goroutine at a time
// may.
func (f *inflight) idle(ctx context.Context) error {
	return f.none.wait(ctx, func() bool { return f.n.Load() == 0 || f.over.Load() })
}

// abandon is for when what is under way has come to its end in another way.
func (f *inflight) abandon() {
	f.over.Store(true)
	f.none.wake()
}
