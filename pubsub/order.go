package pubsub

import "context"

// handleByKey is Handle with a Key: it receives, and its workers take what is
// next of some key.
func (hd *handling) handleByKey(ctx context.Context) (err error) {
	ls := newLanes()
	receiving, stop := context.WithCancel(ctx)
	worked := make(chan error, 1)
	go func() {
		worked <- hd.workers(context.WithoutCancel(ctx), func(ctx context.Context) error {
			defer stop() // also where the handler ends its goroutine
			defer ls.end()
			return hd.laneLoop(ls)
		})
	}()
	defer func() { // also where Key's panic goes on
		stop()
		ls.end()
		failed := <-worked
		ls.pauses.Wait()
		for _, it := range ls.rest() {
			// An error means that it goes back by itself.
			_ = hd.settle(hd.running, &it.d, Requeue)
		}
		if failed != nil {
			err = failed
		}
	}()
	return hd.fillLanes(receiving, ls)
}

// fillLanes receives until that ends, and returns why if that is an error.
func (hd *handling) fillLanes(ctx context.Context, ls *lanes) error {
	for {
		d, err := hd.c.receive(ctx, true)
		if err != nil {
			return endOf(ctx, err)
		}
		a := hd.attemptsOf(&d)
		key, err := hd.keyOf(d, a)
		if err != nil {
			// It has no order to keep.
			fails := func(context.Context, Delivery) error { return err }
			if err := hd.handle(ctx, d, fails); err != nil {
				return err
			}
			continue
		}
		ls.add(key, d, a)
		if hd.c.origin.autoAck {
			ls.waitRoom() // no prefetch bounds these
		}
	}
}

// keyOf calls Key. Its panic is an error, unless it is to end the program.
func (hd *handling) keyOf(d Delivery, a *attempts) (key string, err error) {
	if a != nil {
		d = a.view(d)
	}
	err = catch(hd.CrashOnPanic, "HandleOptions.Key", func() error {
		key = hd.Key(d)
		return nil
	})
	return key, err
}

// laneLoop is one worker of handleByKey.
func (hd *handling) laneLoop(ls *lanes) error {
	var l *lane
	for {
		var it *item
		if l, it = ls.next(l, hd.c.origin.autoAck); l == nil {
			return nil
		}
		if hd.c.lost(&it.d) {
			_ = hd.settle(hd.running, &it.d, Requeue) // which changes nothing
			continue
		}
		running, err := hd.run(it.d, it.a, hd.h)
		f := hd.fateOf(&it.d, it.a, err)
		hd.log(running, f, it.a, err)
		if f.do == retry {
			ls.pause(l, f.pause)
			l = nil
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
	}
}
