package memory

import (
	"container/heap"
	"sync"
	"time"
)

// clock is where a server has its time from.
type clock interface {
	// Now is the time.
	Now() time.Time

	// since is how long ago t, a time of this clock, was.
	since(t time.Time) time.Duration

	// afterFunc runs f on a goroutine of its own, or that of
	// [ManualClock.Advance], once d has passed.
	afterFunc(d time.Duration, f func()) timer
}

// timer is one that afterFunc started; as [time.Timer].
type timer interface {
	Reset(d time.Duration) bool
	Stop() bool
}

// machineClock is that of package time.
type machineClock struct{}

func (machineClock) Now() time.Time                            { return time.Now() }
func (machineClock) since(t time.Time) time.Duration           { return time.Since(t) }
func (machineClock) afterFunc(d time.Duration, f func()) timer { return time.AfterFunc(d, f) }

// ManualClock is a clock that a test moves: nothing expires but in Advance. Make
// one with [NewManualClock]. Safe for concurrent use.
type ManualClock struct {
	advancing sync.Mutex // held during Advance; before all locks of a server

	mu     sync.Mutex // last in a server's lock order, see vhost
	now    time.Time
	timers byTime
	last   uint64 // number of timers started, which orders those of the same time
}

// NewManualClock returns a clock that shows the time given.
func NewManualClock(now time.Time) *ManualClock {
	return &ManualClock{now: now.Round(0)} // without the reading of the machine's own clock
}

// Now is what the clock shows.
func (c *ManualClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock on by d, and does on the way what becomes due, in order
// and each thing at its time: when it returns, messages and queues that
// expire in that time have expired, and dead letters are in their queues. What
// consumers get of it they are given meanwhile. A negative d is zero.
func (c *ManualClock) Advance(d time.Duration) {
	c.advancing.Lock()
	defer c.advancing.Unlock()
	until := c.Now().Add(max(d, 0))
	for t := c.nextDue(until); t != nil; t = c.nextDue(until) {
		t.f()
	}
}

// nextDue moves the clock to the next timer that is due by then, and stops
// that, or to until.
func (c *ManualClock) nextDue(until time.Time) *manualTimer {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.timers) == 0 || c.timers[0].due.After(until) {
		c.now = until
		return nil
	}
	t := heap.Pop(&c.timers).(*manualTimer)
	if t.due.After(c.now) {
		c.now = t.due
	}
	return t
}

func (c *ManualClock) since(t time.Time) time.Duration { return c.Now().Sub(t) }

func (c *ManualClock) afterFunc(d time.Duration, f func()) timer {
	t := &manualTimer{clock: c, f: f, index: stopped}
	t.Reset(d)
	return t
}

// manualTimer runs f when its clock is moved to its time. Its fields are
// guarded by the clock's mutex.
type manualTimer struct {
	clock *ManualClock
	f     func()
	due   time.Time
	order uint64
	index int // in clock.timers, or stopped
}

const stopped = -1

// Reset starts the timer again, and reports whether it was running.
func (t *manualTimer) Reset(d time.Duration) bool {
	c := t.clock
	c.mu.Lock()
	defer c.mu.Unlock()
	running := t.stop()
	c.last++
	t.due, t.order = c.now.Add(d), c.last
	heap.Push(&c.timers, t)
	return running
}

// Stop stops the timer, and reports whether it was running.
func (t *manualTimer) Stop() bool {
	t.clock.mu.Lock()
	defer t.clock.mu.Unlock()
	return t.stop()
}

func (t *manualTimer) stop() bool {
	if t.index == stopped {
		return false
	}
	heap.Remove(&t.clock.timers, t.index)
	return true
}

// byTime is a heap, the next timer first.
type byTime []*manualTimer

func (h byTime) Len() int { return len(h) }

func (h byTime) Less(i, j int) bool {
	if n := h[i].due.Compare(h[j].due); n != 0 {
		return n < 0
	}
	return h[i].order < h[j].order
}

func (h byTime) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *byTime) Push(x any) {
	t := x.(*manualTimer)
	t.index = len(*h)
	*h = append(*h, t)
}

func (h *byTime) Pop() any {
	last := len(*h) - 1
	t := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	t.index = stopped
	return t
}
