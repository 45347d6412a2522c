package pubsub

import (
	"math/bits"
	"sync/atomic"
)

// A window remembers, for a run of a consumer's deliveries, which ones are
// settled. One bit a delivery, set once: settling takes no lock, and one window
// serves 1,024 deliveries. Deliveries point to their window; the consumer keeps
// those that may have unsettled ones.
type window [windowSize / 64]atomic.Uint64

const windowSize = 1024

// settle sets bit i and reports whether it was this call that did.
func (w *window) settle(i int) bool {
	mask := uint64(1) << (i % 64)
	return w[i/64].Or(mask)&mask == 0
}

// settleBefore sets the bits below end and returns how many were not set.
func (w *window) settleBefore(end int) (n int) {
	for i := range w {
		mask := maskBefore(end - 64*i)
		n += bits.OnesCount64(mask &^ w[i].Or(mask))
	}
	return n
}

// unsettledBefore counts the bits below end that are not set.
func (w *window) unsettledBefore(end int) (n int) {
	for i := range w {
		n += bits.OnesCount64(maskBefore(end-64*i) &^ w[i].Load())
	}
	return n
}

// full reports whether every delivery of the window is settled.
func (w *window) full() bool { return w.unsettledBefore(windowSize) == 0 }

// maskBefore has the lowest n bits set: none for a negative n, all from 64 on.
func maskBefore(n int) uint64 {
	if n <= 0 {
		return 0
	}
	if n >= 64 {
		return ^uint64(0)
	}
	return 1<<n - 1
}
