package amqpserver

import (
	"runtime"
	"runtime/metrics"
	"time"
)

// memoryAlarm says that publishers must wait.
type memoryAlarm struct{ over chan struct{} } // closed at its end

const (
	// memoryPoll is the pause between two looks at the memory that is used.
	memoryPoll = 250 * time.Millisecond

	// memoryLook is after how many bytes of one client the next look comes early.
	memoryLook = 1 << 20
)

// lookAtMemory makes the next look come at once.
func (s *Server) lookAtMemory() {
	select {
	case s.look <- struct{}{}:
	default: // one is due, or nobody looks
	}
}

// watchMemory raises the alarm and ends it, until the Server closes.
func (s *Server) watchMemory() {
	short := (&heap{limit: s.MemoryLimit}).short
	if used := s.MemoryUsed; used != nil {
		short = func(bool) bool { return used() >= s.MemoryLimit }
	}
	tick := time.NewTicker(memoryPoll)
	defer tick.Stop()
	for {
		select {
		case <-s.closing: // which lets everybody go
			return
		case <-s.look:
		case <-tick.C:
		}
		alarm := s.alarm.Load()
		switch now := short(alarm != nil); {
		case now && alarm == nil:
			s.alarm.Store(&memoryAlarm{make(chan struct{})})
			s.warn("short of memory: clients that publish wait", "limit", s.MemoryLimit)
		case !now && alarm != nil:
			s.alarm.Store(nil)
			close(alarm.over)
			s.warn("no longer short of memory", "limit", s.MemoryLimit)
		}
	}
}

// heap finds out whether the process's live heap has come to a limit.
type heap struct {
	limit int64
	next  time.Time // when the next collection may begin
}

// short reports whether it has; was is what it reported last. What the runtime
// counts includes garbage, and while everybody waits nothing makes it collect
// that. So a collection decides, but takes a tenth of the time at most: between
// two, was holds, up to five quarters of the limit.
func (h *heap) short(was bool) bool {
	used := heapBytes()
	if used < h.limit {
		return false
	}
	start := time.Now()
	if start.Before(h.next) {
		return was || used >= h.limit+h.limit/4
	}
	runtime.GC()
	h.next = time.Now().Add(10 * time.Since(start))
	return heapBytes() >= h.limit
}

// heapBytes is what objects take, garbage that is not yet collected included.
func heapBytes() int64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return int64(sample[0].Value.Uint64())
}
