package pubsub

import (
	"sync"
	"time"
)

// lanes holds deliveries that wait for a worker, in one lane for each key.
type lanes struct {
	pauses sync.WaitGroup // timers under way

	mu         sync.Mutex
	work       sync.Cond // something is ready, or the end has come
	room       sync.Cond // fewer are held, or the end has come
	byKey      map[string]*lane
	ready      *lane // whose first may be handled, in the order in which they became so
	readyLast  *lane
	held       int // items in all lanes
	ended      bool
	spareLanes *lane // to be used again, so that nothing is allocated for a delivery
	spareItems *item
}

// lane holds the deliveries of one key, in their order. The first of them is
// being handled, is to be, or pauses.
type lane struct {
	key         string
	first, last *item
	pausing     *time.Timer // brings the first one back
	next        *lane       // among those that are ready, or spare
}

// item is a delivery as it came, with its attempts so far.
type item struct {
	d    Delivery
	a    *attempts
	next *item // in its lane, or spare
}

// maxHeld is how many deliveries of a consumer with AutoAck are held.
const maxHeld = DefaultPrefetch

func newLanes() *lanes {
	ls := &lanes{byKey: make(map[string]*lane)}
	ls.work.L, ls.room.L = &ls.mu, &ls.mu
	return ls
}

// add puts a delivery at the end of its lane.
func (ls *lanes) add(key string, d Delivery, a *attempts) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	it := ls.spareItems
	if it == nil {
		it = new(item)
	} else {
		ls.spareItems = it.next
	}
	*it = item{d: d, a: a}
	ls.held++
	if l := ls.byKey[key]; l != nil {
		l.last.next = it
		l.last = it
		return
	}
	l := ls.spareLanes
	if l == nil {
		l = new(lane)
	} else {
		ls.spareLanes = l.next
	}
	*l = lane{key: key, first: it, last: it}
	ls.byKey[key] = l
	ls.readyLocked(l)
}

func (ls *lanes) readyLocked(l *lane) {
	l.next = nil
	if ls.ready == nil {
		ls.ready = l
	} else {
		ls.readyLast.next = l
	}
	ls.readyLast = l
	ls.work.Signal()
}

// waitRoom waits until another delivery can be held.
func (ls *lanes) waitRoom() {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	for ls.held >= maxHeld && !ls.ended {
		ls.room.Wait()
	}
}

// next waits for a lane whose first delivery may be handled, and returns both;
// or nil at the end. With all, what is held at the end comes first. The first
// delivery of the lane done is, if there is one.
func (ls *lanes) next(done *lane, all bool) (*lane, *item) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if done != nil {
		ls.doneLocked(done)
	}
	for {
		switch {
		case ls.ended && (!all || ls.held == 0):
			return nil, nil
		case ls.ready != nil:
			l := ls.ready
			ls.ready = l.next
			return l, l.first
		}
		ls.work.Wait()
	}
}

// doneLocked takes the first delivery out of its lane, and lets the next one go.
func (ls *lanes) doneLocked(l *lane) {
	it := l.first
	l.first = it.next
	*it = item{next: ls.spareItems} // lets go of the message
	ls.spareItems = it
	ls.fewerLocked(1)
	if l.first != nil {
		ls.readyLocked(l)
		return
	}
	delete(ls.byKey, l.key)
	*l = lane{next: ls.spareLanes}
	ls.spareLanes = l
}

// leave is for a worker that ends with a lane in its hands: the first delivery is
// done with.
func (ls *lanes) leave(l *lane) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	ls.doneLocked(l)
}

// behind takes out of a lane what waits behind the first delivery.
func (ls *lanes) behind(l *lane) (its []*item) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	for it := l.first.next; it != nil; it = it.next {
		its = append(its, it)
	}
	l.first.next, l.last = nil, l.first
	ls.fewerLocked(len(its))
	return its
}

func (ls *lanes) fewerLocked(n int) {
	ls.held -= n
	ls.room.Signal()
	if ls.ended && ls.held == 0 {
		ls.work.Broadcast() // those that wait for the last one
	}
}

// pause lets the first delivery of a lane be handled again after a time. Those
// behind it wait.
func (ls *lanes) pause(l *lane, d time.Duration) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if ls.ended {
		return // it is with the rest
	}
	if d == 0 {
		ls.readyLocked(l)
		return
	}
	ls.pauses.Add(1)
	l.pausing = time.AfterFunc(d, func() {
		defer ls.pauses.Done()
		ls.mu.Lock()
		defer ls.mu.Unlock()
		l.pausing = nil
		if !ls.ended {
			ls.readyLocked(l)
		}
	})
}

// end makes next and waitRoom return, and stops pauses. A second call does
// nothing.
func (ls *lanes) end() {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if ls.ended {
		return
	}
	ls.ended = true
	for _, l := range ls.byKey {
		if l.pausing != nil && l.pausing.Stop() {
			ls.pauses.Done() // else its function runs, and waits for mu
		}
	}
	ls.work.Broadcast()
	ls.room.Broadcast()
}

// rest returns what is held after the end and the last worker, each lane in its
// order.
func (ls *lanes) rest() (its []*item) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	for _, l := range ls.byKey {
		for it := l.first; it != nil; it = it.next {
			its = append(its, it)
		}
	}
	return its
}
