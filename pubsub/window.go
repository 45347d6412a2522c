package pubsub

import (
	"math/bits"
	"sync/atomic"
)

// A window remembers, for a run of a consumer's deliveries, which ones are
// settled. Two bits a delivery, each set once: settling takes no lock, and one
// window serves 1,024 deliveries. Deliveries point to their window; the
// consumer keeps those that may have unsettled ones.
type window struct {
	origin *origin
	number uint64 // windows of a consumer are numbered in order
	words  [windowSize / 64]struct {
		claimed atomic.Uint64 // a call settles it: no other may
		settled atomic.Uint64 // the Settler was told, and that call is over
	}
}

const windowSize = 1024

// claim sets the claimed bit i and reports whether it was this call that did.
func (w *window) claim(i uint) bool {
	mask := uint64(1) << (i % 64)
	return w.words[i/64].claimed.Or(mask)&mask == 0
}

// claimed reports whether bit i is claimed.
func (w *window) claimed(i uint) bool {
	return w.words[i/64].claimed.Load()>>(i%64)&1 == 1
}

// settle sets the settled bit i.
func (w *window) settle(i uint) { w.words[i/64].settled.Or(1 << (i % 64)) }

// claimBefore claims the bits below end and returns how many were not.
func (w *window) claimBefore(end uint) (n int) {
	for i := range w.words {
		mask := maskBefore(end, i)
		n += bits.OnesCount64(mask &^ w.words[i].claimed.Or(mask))
	}
	return n
}

// settleBefore sets the settled bits below end.
func (w *window) settleBefore(end uint) {
	for i := range w.words {
		w.words[i].settled.Or(maskBefore(end, i))
	}
}

// unclaimedBefore counts the bits below end that are not claimed.
func (w *window) unclaimedBefore(end uint) (n int) {
	for i := range w.words {
		n += bits.OnesCount64(maskBefore(end, i) &^ w.words[i].claimed.Load())
	}
	return n
}

// unsettledBefore counts the bits below end that are not settled.
func (w *window) unsettledBefore(end uint) (n int) {
	for i := range w.words {
		n += bits.OnesCount64(maskBefore(end, i) &^ w.words[i].settled.Load())
	}
	return n
}

// full reports whether every delivery of the window is settled.
func (w *window) full() bool { return w.unsettledBefore(windowSize) == 0 }

// maskBefore has the bits of a word set that are below end.
func maskBefore(end uint, word int) uint64 {
	first := 64 * uint(word)
	if end <= first {
		return 0
	}
	if end >= first+64 {
		return ^uint64(0)
	}
	return 1<<(end-first) - 1
}
