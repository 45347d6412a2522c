package pubsub

import (
	"sync"
	"sync/atomic"
	"testing"
)

func TestMaskBefore(t *testing.T) {
	for _, c := range []struct {
		end  uint
		word int
		want uint64
	}{
		{0, 0, 0},
		{1, 0, 1},
		{63, 0, 1<<63 - 1},
		{64, 0, ^uint64(0)},
		{64, 1, 0},
		{65, 1, 1},
		{windowSize, windowSize/64 - 1, ^uint64(0)},
		{windowSize - 1, windowSize/64 - 1, 1<<63 - 1},
		{10, 5, 0},
	} {
		if got := maskBefore(c.end, c.word); got != c.want {
			t.Errorf("maskBefore(%d, %d) = %#x; want %#x", c.end, c.word, got, c.want)
		}
	}
}

// TestWindowClaimsOnce has many goroutines claim each delivery, one by one and
// in runs: each is claimed by one of them.
func TestWindowClaimsOnce(t *testing.T) {
	for range 20 {
		var w window
		var claimed atomic.Int64
		var wg sync.WaitGroup
		for g := range 8 {
			wg.Go(func() {
				for i := range uint(windowSize) {
					if g%2 == 1 {
						i = windowSize - 1 - i
					}
					if g == 7 && i%97 == 0 {
						claimed.Add(int64(w.claimBefore(i)))
						w.settleBefore(i)
					}
					if w.claim(i) {
						claimed.Add(1)
						w.settle(i)
					}
				}
			})
		}
		wg.Wait()
		if n := claimed.Load(); n != windowSize {
			t.Fatalf("%d claims succeeded; want %d", n, windowSize)
		}
		if !w.full() || w.unclaimedBefore(windowSize) != 0 {
			t.Fatal("the window is not full")
		}
	}
}
