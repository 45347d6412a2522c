package page

import (
	"context"
	"sync"
	"time"

	"github.com/gobindery/bindery/pubsub"
)

// watch polls the broker while somebody looks: once for all viewers. Its methods
// are safe for concurrent use.
type watch struct {
	list     func(context.Context) (pubsub.Topology, error)
	interval time.Duration
	ctx      context.Context // of all polls
	cancel   context.CancelFunc
	polling  sync.WaitGroup

	mu      sync.Mutex
	viewers map[*viewer]struct{}
	running bool // there is a goroutine that polls
	closed  bool
	last    state
}

// state is what the last poll found. Broken is its error; then the snapshot is
// that of an earlier poll, or nil.
type state struct {
	*snapshot
	broken error
}

// viewer is one who looks. Its channel gets a value after each poll, unless
// there is one in it already.
type viewer struct {
	watch *watch
	news  chan struct{}
}

func newWatch(list func(context.Context) (pubsub.Topology, error), interval time.Duration) *watch {
	w := &watch{list: list, interval: interval, viewers: map[*viewer]struct{}{}}
	w.ctx, w.cancel = context.WithCancel(context.Background())
	return w
}

// join adds a viewer, who must leave. If the last poll was just now, there is
// something to see at once.
func (w *watch) join() *viewer {
	v := &viewer{w, make(chan struct{}, 1)}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return v
	}
	w.viewers[v] = struct{}{}
	if w.last != (state{}) {
		v.news <- struct{}{}
	}
	if !w.running {
		w.running = true
		w.polling.Go(w.run)
	}
	return v
}

func (v *viewer) leave() {
	v.watch.mu.Lock()
	defer v.watch.mu.Unlock()
	delete(v.watch.viewers, v)
}

// state is what the last poll found.
func (v *viewer) state() state {
	v.watch.mu.Lock()
	defer v.watch.mu.Unlock()
	return v.watch.last
}

// run polls until nobody looks any more. A viewer who leaves and comes back
// within the interval, as one does who changes the search, finds it running.
func (w *watch) run() {
	for {
		start := time.Now()
		t, err := w.list(w.ctx)
		took := time.Since(start)
		w.found(start, t, err)
		// Where there is much to list, the broker has other things to do for half
		// of the time.
		select {
		case <-time.After(max(w.interval-took, took)):
		case <-w.ctx.Done():
		}
		if w.idle() {
			return
		}
	}
}

// found keeps what a poll has found and tells the viewers.
func (w *watch) found(at time.Time, t pubsub.Topology, err error) {
	w.mu.Lock()
	before := w.last.snapshot
	w.mu.Unlock()
	now := state{before, err}
	if err == nil {
		now = state{snapshot: newSnapshot(at, t, before)}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last = now
	for v := range w.viewers {
		select {
		case v.news <- struct{}{}:
		default:
		}
	}
}

// idle reports whether to end, and forgets what is then out of date.
func (w *watch) idle() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.viewers) > 0 && !w.closed {
		return false
	}
	w.running, w.last = false, state{}
	return true
}

// close ends the poll and waits for it.
func (w *watch) close() {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	w.cancel()
	w.polling.Wait()
}
