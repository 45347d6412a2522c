package routing

import "sync/atomic"

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
func (d *dests[Q]) with(to *target[Q]) *dests[Q] {
	if to.exchange {
		n := len(d.exchanges)
		return &dests[Q]{queues: d.queues, ids: d.ids, used: d.used, exchanges: append(d.exchanges[:n:n], to)}
	}
	n := len(d.ids)
	if d.used != nil && n < cap(d.ids) && n < cap(d.queues) && d.used.CompareAndSwap(int64(n), int64(n)+1) {
		return &dests[Q]{queues: append(d.queues, to.handle), ids: append(d.ids, to.id), exchanges: d.exchanges, used: d.used}
	}
	c := &dests[Q]{
		queues:    append(d.queues[:n:n], to.handle),
		ids:       append(d.ids[:n:n], to.id),
		exchanges: d.exchanges,
		used:      new(atomic.Int64),
	}
	c.used.Store(int64(n) + 1)
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
