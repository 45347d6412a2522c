package amqpserver

import (
	"math"
	"runtime"
	"runtime/metrics"
	"sync/atomic"
	"time"
)

const (
	// memoryPoll is the pause between two looks at the memory that is used.
	memoryPoll = 250 * time.Millisecond

	// memoryLook is after how many bytes of one client the next look comes early.
	memoryLook = 1 << 20
)

// memoryLevel is an amount of memory in use from which on clients wait.
type memoryLevel struct{ alarm atomic.Pointer[memoryAlarm] }

type memoryAlarm struct{ over chan struct{} } // closed at its end

func (l *memoryLevel) reached() bool { return l.alarm.Load() != nil }

// set begins or ends the alarm. It reports false if that is no change.
func (l *memoryLevel) set(reached bool) bool {
	alarm := l.alarm.Load()
	switch {
	case reached && alarm == nil:
		l.alarm.Store(&memoryAlarm{make(chan struct{})})
	case !reached && alarm != nil:
		l.alarm.Store(nil)
		close(alarm.over)
	default:
		return false
	}
	return true
}

// lookAtMemory makes the next look come at once.
func (s *Server) lookAtMemory() {
	select {
	case s.look <- struct{}{}:
	default: // one is due, or nobody looks
	}
}

// watchMemory sets the levels, until the Server closes.
func (s *Server) watchMemory() {
	limit := gauge{limit: s.MemoryLimit, used: s.MemoryUsed}
	twice := gauge{limit: min(s.MemoryLimit, math.MaxInt64/2) * 2, used: s.MemoryUsed}
	tick := time.NewTicker(memoryPoll)
	defer tick.Stop()
	for {
		select {
		case <-s.closing: // which lets everybody go
			return
		case <-s.look:
		case <-tick.C:
		}
		if s.low.set(limit.reached(s.low.reached())) {
			what := "no longer short of memory"
			if s.low.reached() {
				what = "short of memory: clients that publish wait"
			}
			s.warn(what, "limit", s.MemoryLimit)
		}
		s.veryLow.set(twice.reached(s.veryLow.reached()))
	}
}

// gauge finds out whether memory in use has come to a limit.
type gauge struct {
	limit int64
	used  func() int64 // nil: the process's live heap
	next  time.Time    // when the next collection may begin
}

// reached reports whether it has; was is what it reported last. What the
// runtime counts as heap includes garbage, and while everybody waits nothing
// makes it collect that. So a collection decides, but it takes a tenth of the
// time at most: between two, was holds, unless the heap grows fast.
func (g *gauge) reached(was bool) bool {
	if g.used != nil {
		return g.used() >= g.limit
	}
	bytes := heapBytes()
	if bytes < g.limit {
		return false
	}
	start := time.Now()
	if start.Before(g.next) && (was || bytes-g.limit < g.limit/4) {
		return was
	}
	runtime.GC()
	g.next = time.Now().Add(10 * time.Since(start))
	return heapBytes() >= g.limit
}

// heapBytes is what objects take, garbage that is not yet collected included.
func heapBytes() int64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return int64(sample[0].Value.Uint64())
}
