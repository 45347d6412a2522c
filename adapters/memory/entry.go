package memory

import (
	"cmp"
	"container/heap"

	"github.com/gobindery/bindery/pubsub"
)

// entry is a message in one queue. The publication is shared by all queues
// that have the message and never changes once it is in one.
type entry struct {
	pub *pubsub.Publication

	// order is twice the entry's position in the queue, plus one if it was
	// handed out before. A requeued entry keeps its position.
	order uint64

	// expires is when the message expires, on the server's clock; never is never.
	expires int64
}

func newEntry(pub *pubsub.Publication, position uint64, expires int64) entry {
	return entry{pub: pub, order: position << 1, expires: expires}
}

func (e *entry) position() uint64  { return e.order >> 1 }
func (e *entry) redelivered() bool { return e.order&1 != 0 }
func (e *entry) markRedelivered()  { e.order |= 1 }
func (e *entry) size() int         { return len(e.pub.Message.Body) }

// ready holds messages that wait for a consumer, in order of position. New ones come at the
// end; requeued ones go back to their places, which is what the heap is for: it is
// empty most of the time.
type ready struct {
	fresh    ring
	requeued byPosition
}

func (r *ready) len() int { return r.fresh.n + len(r.requeued) }

// head returns the first entry, of a ready that has one.
func (r *ready) head() *entry {
	if r.headIsRequeued() {
		return &r.requeued[0]
	}
	return r.fresh.at(0)
}

func (r *ready) pop() entry {
	if r.headIsRequeued() {
		return heap.Pop(&r.requeued).(entry)
	}
	return r.fresh.pop()
}

func (r *ready) headIsRequeued() bool {
	return len(r.requeued) > 0 && (r.fresh.n == 0 || r.requeued[0].position() < r.fresh.at(0).position())
}

func (r *ready) add(e entry)     { r.fresh.push(e) }
func (r *ready) putBack(e entry) { heap.Push(&r.requeued, e) }

// byPosition is a heap, the lowest position first.
type byPosition []entry

func (h byPosition) Len() int           { return len(h) }
func (h byPosition) Less(i, j int) bool { return cmp.Less(h[i].order, h[j].order) }
func (h byPosition) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *byPosition) Push(x any)        { *h = append(*h, x.(entry)) }
func (h *byPosition) Pop() any {
	old := *h
	last := len(old) - 1
	e := old[last]
	old[last] = entry{}
	*h = old[:last]
	return e
}
