package amqpserver

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
)

// Of many consumers that wait for room one gets it at a time: what it queues
// may fill it. At the end all get it, to see that it is the end.
func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOutgoing()
		o.add(func(dst []byte) []byte { return make([]byte, outgoingMost) })
		const consumers = 10
		var passed atomic.Int32
		queued := make(chan struct{})
		for range consumers {
			go func() {
				o.takeTurn()
				passed.Add(1)
				<-queued
				o.giveTurn()
			}()
		}
		want := func(when string, n int32) {
			t.Helper()
			synctest.Wait()
			if got := passed.Load(); got != n {
				t.Errorf("%s: %d consumers have had room, want %d", when, got, n)
			}
		}
		want("too much waits", 0)
		o.mu.Lock()
		o.buf, o.size = nil, 0
		o.room.Broadcast()
		o.mu.Unlock()
		want("there is room", 1)
		queued <- struct{}{}
		want("one has queued its delivery", 2)
		o.end()
		close(queued)
		want("it has ended", consumers)
	})
}
