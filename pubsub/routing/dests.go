package routing

import (
	"slices"
	"sync/atomic"
)

// dests is where messages go that match: each queue and each exchange once.
// The slices are shared with callers and other snapshots, and never changed;
// queues and ids run in parallel.
type dests[Q comparable] struct {
	queues    []Q
	ids       []uint32 // of the queues' targets
	exchanges []*target[Q]

	// used counts the elements of the arrays behind queues and ids that some
	// dests uses. See with.
	used *atomic.Int64
}

// with returns d with one more destination, which must not be in it yet.
//
// The new dests uses the arrays of the old one where they have room behind
// the old one's end, so that adding one queue after another takes constant time
// for each, as append does. Readers of the old one don't see that: they never
// look beyond their own end. But two snapshots may be made from the same one.
// The first to raise used gets the place; the other copies.
func (d *dests[Q]) with(to *target[Q]) dests[Q] {
	if to.exchange {
		n := len(d.exchanges)
		return dests[Q]{queues: d.queues, ids: d.ids, used: d.used, exchanges: append(d.exchanges[:n:n], to)}
	}
	n := len(d.ids)
	if d.used != nil && n < cap(d.ids) && n < cap(d.queues) && d.used.CompareAndSwap(int64(n), int64(n)+1) {
		return dests[Q]{queues: append(d.queues, to.handle), ids: append(d.ids, to.id), exchanges: d.exchanges, used: d.used}
	}
	c := dests[Q]{
		queues:    append(d.queues[:n:n], to.handle),
		ids:       append(d.ids[:n:n], to.id),
		exchanges: d.exchanges,
		used:      new(atomic.Int64),
	}
	c.used.Store(int64(n) + 1)
	return c
}

// without returns a dests of its own without some destinations.
func (d *dests[Q]) without(gone []*target[Q]) (c dests[Q]) {
	c.queues, c.ids = make([]Q, 0, len(d.queues)), make([]uint32, 0, len(d.ids))
	var ids []uint32
	for _, to := range gone {
		if !to.exchange {
			ids = append(ids, to.id)
		}
	}
	from := 0
	for i, id := range d.ids {
		if slices.Contains(ids, id) {
			c.queues, c.ids = append(c.queues, d.queues[from:i]...), append(c.ids, d.ids[from:i]...)
			from = i + 1
		}
	}
	c.queues, c.ids = append(c.queues, d.queues[from:]...), append(c.ids, d.ids[from:]...)
	for _, to := range d.exchanges {
		if !slices.Contains(gone, to) {
			c.exchanges = append(c.exchanges, to)
		}
	}
	return c
}

// add puts one more destination into a dests that is not shared yet.
func (d *dests[Q]) add(to *target[Q]) {
	if to.exchange {
		d.exchanges = append(d.exchanges, to)
		return
	}
	d.queues = append(d.queues, to.handle)
	d.ids = append(d.ids, to.id)
}

// result is what a caller gets: it can't append into the arrays.
func (d *dests[Q]) result() []Q { return d.queues[:len(d.queues):len(d.queues)] }
