package memory

import (
	"sync"

	"github.com/gobindery/bindery/pubsub"
)

// acks gathers the acks of a consumer, so that most of them don't touch the
// queue's lock. Who has that lock and needs to know what is unacked takes them
// first; who may be waiting for credit applies them at once.
type acks struct {
	mu     sync.Mutex // after queue.mu
	runs   []run
	spare  []run // what take returned before last: nobody looks at it any more
	n      int
	closed bool
}

// run is a range of consecutive tags.
type run struct{ first, last uint64 }

// applyAt is how many acks are gathered at most: so many settled messages may
// stay in memory.
const applyAt = 256

// add gathers an ack. It reports whether there are enough to apply them.
func (a *acks) add(tag uint64) (apply bool, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return false, pubsub.ErrDeliveryLost
	}
	if last := len(a.runs) - 1; last >= 0 && a.runs[last].last+1 == tag {
		a.runs[last].last = tag
	} else {
		a.runs = append(a.runs, run{tag, tag})
	}
	a.n++
	return a.n >= applyAt, nil
}

// take returns what was gathered. The result is valid until the next call;
// calls hold the queue's lock.
func (a *acks) take() []run {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.n == 0 {
		return nil
	}
	runs := a.runs
	a.runs, a.spare, a.n = a.spare[:0], runs, 0
	return runs
}

// close refuses further acks: the deliveries have gone back.
func (a *acks) close() {
	a.mu.Lock()
	a.closed = true
	a.mu.Unlock()
}

func (a *acks) isClosed() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.closed
}
