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
	trace   *tracer // nil: none

	// got is for the origin of one Get, whose settler has deliveries of others
	// too: it counts those that are not settled. Nil for a consumer.
	got *inflight

	closed  atomic.Bool // unsettled deliveries went back to the queue
	settled signal      // fewer are unsettled; for one goroutine in drained

	mu      sync.Mutex // a Consumer uses it for its own fields too
	used    uint       // how many bits of the last window are given out
	windows []*window  // those with unsettled deliveries, oldest first
}

// deliverLocked makes d the Delivery of in.
func (o *origin) deliverLocked(d *Delivery, in *Incoming) {
	if len(o.windows) == 0 || o.used == windowSize {
		o.addWindowLocked()
	}
	d.Envelope = in.Envelope
	d.Redelivered = in.Redelivered
	d.tag = in.Tag
	d.window, d.index = o.windows[len(o.windows)-1], uint32(o.used)
	if !o.autoAck {
		o.used++
	}
}

// addWindowLocked makes room for more deliveries, and forgets windows that are
// settled, but for the last: it has the highest number.
func (o *origin) addWindowLocked() {
	w := &window{origin: o}
	if n := len(o.windows); n > 0 {
		w.number = o.windows[n-1].number + 1
		o.windows = slices.DeleteFunc(o.windows, (*window).full)
	}
	o.windows = append(o.windows, w)
	o.used = 0
}

// settle tells the settler what becomes of d. It returns [ErrSettled] if it
// has been told before, and [ErrDeliveryLost] if d is back in its queue.
func (o *origin) settle(ctx context.Context, d *Delivery, as Outcome) error {
	if o.closed.Load() {
		return lostOrSettled(!d.window.claimed(uint(d.index)))
	}
	if !d.window.claim(uint(d.index)) {
		return ErrSettled
	}
	err := o.tell(ctx, d, as, false, 1)
	// Only now: Shutdown closes the adapter once all is settled, and must not
	// do so before the adapter has this outcome.
	d.window.settle(uint(d.index))
	o.settledSome()
	return err
}

// ackThrough is settle for d and all deliveries before it.
func (o *origin) ackThrough(ctx context.Context, d *Delivery) error {
	if o.got != nil {
		return o.settle(ctx, d, Ack)
	}
	if o.closed.Load() {
		return lostOrSettled(o.eachThrough(d, (*window).unclaimedBefore) > 0)
	}
	n := o.eachThrough(d, (*window).claimBefore)
	if n == 0 {
		return ErrSettled
	}
	err := o.tell(ctx, d, Ack, true, n)
	o.eachThrough(d, func(w *window, end uint) int { w.settleBefore(end); return 0 })
	o.settledSome()
	return err
}

// tell tells the settler what becomes of d, and of n-1 deliveries before it.
func (o *origin) tell(ctx context.Context, d *Delivery, as Outcome, through bool, n int) error {
	if o.trace != nil {
		return o.trace.settle(ctx, o.settler, d, as, through, n)
	}
	return o.settler.Settle(ctx, d.tag, as, through)
}

// eachThrough calls f for the windows up to d's, with the number of their
// deliveries up to d, and returns the sum of what f does.
func (o *origin) eachThrough(d *Delivery, f func(w *window, end uint) int) (sum int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, w := range o.windows {
		switch {
		case w.number < d.window.number:
			sum += f(w, windowSize)
		case w.number == d.window.number:
			sum += f(w, uint(d.index)+1)
		}
	}
	return sum
}

func lostOrSettled(lost bool) error {
	if lost {
		return ErrDeliveryLost
	}
	return ErrSettled
}

// settledSome tells those who wait that fewer deliveries are unsettled.
func (o *origin) settledSome() {
	if o.got != nil {
		o.got.release()
		return
	}
	o.settled.wake()
}

// abandon is for when what is unsettled has gone back to the queue.
func (o *origin) abandon() {
	o.closed.Store(true)
	o.settled.wake()
}

// drained waits until nothing is unsettled, and returns how much is, with the
// context's error if that comes first.
func (o *origin) drained(ctx context.Context) (unsettled int, err error) {
	err = o.settled.wait(ctx, func() bool {
		unsettled = o.unsettled()
		return unsettled == 0
	})
	return unsettled, err
}

// unsettled counts the deliveries that are not settled.
func (o *origin) unsettled() (n int) {
	if o.closed.Load() {
		return 0
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for i, w := range o.windows {
		end := uint(windowSize)
		if i == len(o.windows)-1 {
			end = o.used
		}
		n += w.unsettledBefore(end)
	}
	return n
}
