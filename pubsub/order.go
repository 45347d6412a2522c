package pubsub

import (
	"context"
	"sync"
	"time"
)

// handleByKey is Handle with a Key: it receives, and its workers take what is
// next of some key.
func (hd *handling) handleByKey(ctx context.Context) error {
	ls := newLanes()
	receiving, stop := context.WithCancel(ctx)
	defer stop()
	worked := make(chan error, 1)
	go func() {
		worked <- hd.workers(context.WithoutCancel(ctx), func(ctx context.Context) error {
			defer stop() // also where the handler ends its goroutine
			defer ls.end()
			return hd.laneLoop(ctx, ls)
		})
	}()
	ended := hd.fillLanes(receiving, ls)
	ls.end()
	err := <-worked
	ls.pauses.Wait()
	for _, it := range ls.rest() {
		// An error means that it goes back by itself.
		_ = hd.settle(context.WithoutCancel(ctx), &it.d, Requeue)
	}
	if err != nil {
		return err
	}
	return ended
}

// fillLanes receives until that ends, and returns why if that is an error.
func (hd *handling) fillLanes(ctx context.Context, ls *lanes) error {
	for {
		d, err := hd.c.receive(ctx, true)
		if err != nil {
			return endOf(ctx, err)
		}
		it := &item{d: d, a: hd.attemptsOf(&d)}
		if it.a != nil {
			d = it.a.view(d)
		}
		ls.add(hd.Key(d), it)
		if hd.c.origin.autoAck {
			ls.waitRoom() // no prefetch bounds these
		}
	}
}

// laneLoop is one worker of handleByKey.
func (hd *handling) laneLoop(ctx context.Context, ls *lanes) error {
	running := context.WithoutCancel(ctx) // another worker's error doesn't end this handler
	for {
		l, it := ls.take(hd.c.origin.autoAck)
		if l == nil {
			return nil
		}
		running, err := hd.run(running, it.d, it.a)
		f := hd.fateOf(&it.d, it.a, err)
		hd.log(running, f, it.a, err)
		if f.do == retry {
			ls.pause(l, f.pause)
			continue
		}
		var behind []*item
		if f.do == requeue && it.d.settleable() {
			behind = ls.behind(l)
		}
		if err := hd.finish(running, it.d, it.a, f, err); err != nil {
			return err
		}
		// In their order, after the first one: the broker may send each again
		// at once.
		for _, it := range behind {
			if err := hd.settle(running, &it.d, Requeue); err != nil {
				return err
			}
		}
		ls.done(l)
	}
}

// lanes holds deliveries that wait for a worker, in one lane for each key.
type lanes struct {
	pauses sync.WaitGroup // timers under way

	mu    sync.Mutex
	work  sync.Cond // something is ready, or the end has come
	room  sync.Cond // fewer are held, or the end has come
	byKey map[string]*lane
	ready []*lane // whose first may be handled, in the order in which they became so
	held  int     // items in all lanes
	ended bool
}

// lane holds the deliveries of one key, in their order. The first of them is
// being handled, is to be, or pauses.
type lane struct {
	key     string
	items   []*item
	pausing *time.Timer // brings the first one back
}

// item is a delivery as it came, with its attempts so far.
type item struct {
	d Delivery
	a *attempts
}

// maxHeld is how many deliveries of a consumer with AutoAck are held.
const maxHeld = DefaultPrefetch

func newLanes() *lanes {
	ls := &lanes{byKey: make(map[string]*lane)}
	ls.work.L, ls.room.L = &ls.mu, &ls.mu
	return ls
}

// add puts a delivery at the end of its lane.
func (ls *lanes) add(key string, it *item) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	l := ls.byKey[key]
	if l == nil {
		l = &lane{key: key}
		ls.byKey[key] = l
	}
	l.items = append(l.items, it)
	ls.held++
	if len(l.items) == 1 {
		ls.readyLocked(l)
	}
}

func (ls *lanes) readyLocked(l *lane) {
	ls.ready = append(ls.ready, l)
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

// take waits for a lane whose first delivery may be handled, and returns both;
// or nil at the end. With all, what is held at the end comes first.
func (ls *lanes) take(all bool) (*lane, *item) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	for {
		switch {
		case ls.ended && (!all || ls.held == 0):
			return nil, nil
		case len(ls.ready) > 0:
			l := ls.ready[0]
			ls.ready = ls.ready[1:]
			return l, l.items[0]
		}
		ls.work.Wait()
	}
}

// done takes the first delivery out of its lane, and lets the next one go.
func (ls *lanes) done(l *lane) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	l.items[0] = nil
	l.items = l.items[1:]
	ls.fewerLocked(1)
	if len(l.items) == 0 {
		delete(ls.byKey, l.key)
		return
	}
	ls.readyLocked(l)
}

// behind takes out of a lane what waits behind the first delivery.
func (ls *lanes) behind(l *lane) []*item {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	its := l.items[1:]
	l.items = l.items[:1:1]
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

// end makes take and waitRoom return, and stops pauses. A second call does
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
		its = append(its, l.items...)
	}
	return its
}
