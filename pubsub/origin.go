package pubsub

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
)

// origin is where deliveries come from, a consumer or one Get: it knows which
// of them are settled, and waits for those that aren't.
type origin struct {
	queue   string
	settler Settler
	autoAck bool
	single  bool // one Get: its settler has deliveries of others too

	closed  atomic.Bool  // unsettled deliveries went back to the queue
	waiters atomic.Int32 // goroutines in drained

	mu      sync.Mutex    // a Consumer uses it for its own fields too
	used    int           // how many bits of the last window are given out
	windows []*window     // those with unsettled deliveries, oldest first
	changed chan struct{} // made by who waits in drained, closed by what was settled
}

// deliveryLocked makes a Delivery of in.
func (o *origin) deliveryLocked(in *Incoming) Delivery {
	d := Delivery{
		Envelope:    in.Envelope,
		Redelivered: in.Redelivered,
		tag:         in.Tag,
		origin:      o,
	}
	if o.autoAck {
		return d
	}
	if len(o.windows) == 0 || o.used == windowSize {
		o.windows = slices.DeleteFunc(o.windows, (*window).full)
		o.windows = append(o.windows, new(window))
		o.used = 0
	}
	d.window, d.index = o.windows[len(o.windows)-1], o.used
	o.used++
	return d
}

// settleThrough marks d and all deliveries before it as settled, and reports
// whether any was not.
func (o *origin) settleThrough(d Delivery) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !slices.Contains(o.windows, d.window) {
		return false // all settled, and forgotten
	}
	n := 0
	for _, w := range o.windows {
		if w == d.window {
			return n+w.settleBefore(d.index+1) > 0
		}
		n += w.settleBefore(windowSize)
	}
	return false
}

// abandon marks everything as settled because it went back to the queue.
func (o *origin) abandon() {
	o.closed.Store(true)
	o.mu.Lock()
	for i, w := range o.windows {
		w.settleBefore(o.endLocked(i))
	}
	o.mu.Unlock()
	o.settledOne()
}

// endLocked is how many bits of windows[i] are given out.
func (o *origin) endLocked(i int) int {
	if i == len(o.windows)-1 {
		return o.used
	}
	return windowSize
}

// settledOne wakes who waits in drained. A waiter announces itself before it
// counts, and settling sets its bit before it looks for waiters; so either the
// waiter sees the bit or this sees the waiter.
func (o *origin) settledOne() {
	if o.waiters.Load() == 0 {
		return
	}
	o.mu.Lock()
	if o.changed != nil {
		close(o.changed)
		o.changed = nil
	}
	o.mu.Unlock()
}

// drained waits until nothing is unsettled, and returns how much is, with the
// context's error if that comes first.
func (o *origin) drained(ctx context.Context) (unsettled int, err error) {
	o.waiters.Add(1)
	defer o.waiters.Add(-1)
	for {
		o.mu.Lock()
		n := o.unsettledLocked()
		if n > 0 && o.changed == nil {
			o.changed = make(chan struct{})
		}
		changed := o.changed
		o.mu.Unlock()
		if n == 0 {
			return 0, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return n, context.Cause(ctx)
		}
	}
}

// unsettled counts the deliveries that are not settled.
func (o *origin) unsettled() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.unsettledLocked()
}

func (o *origin) unsettledLocked() (n int) {
	for i, w := range o.windows {
		n += w.unsettledBefore(o.endLocked(i))
	}
	return n
}
