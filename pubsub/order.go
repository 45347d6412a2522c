package pubsub

import "context"

// handleByKey is Handle with a Key: it receives, and its workers take what is
// next of some key.
func (hd *handling) handleByKey(ctx context.Context) (err error) {
	ls := newLanes()
	hd.lanes = ls
	receiving, stop := context.WithCancel(ctx)
	worked := make(chan error, 1)
	go func() {
		worked <- hd.workers(context.WithoutCancel(ctx), func(ctx context.Context) error {
			defer stop() // also where the handler ends its goroutine
			defer ls.end()
			return hd.laneLoop()
		})
	}()
	giveBack := func() error {
		failed := <-worked
		ls.pauses.Wait()
		for _, it := range ls.rest() {
			// An error means that it goes back by itself.
			_ = hd.settle(hd.running, &it.d, Requeue)
		}
		return failed
	}
	returned := false
	defer func() {
		stop()
		ls.end()
		if !returned {
			// Key's panic goes on, and must not wait for handlers. If the program
			// outlives it, Shutdown waits for the rest.
			_ = hd.c.b.handling.acquire(hd.running)
			go func() {
				defer hd.c.b.handling.release()
				_ = giveBack()
			}()
			return
		}
		if failed := giveBack(); failed != nil {
			err = failed
		}
	}()
	err = hd.fillLanes(receiving)
	returned = true
	return err
}

// fillLanes receives until that ends, and returns why if that is an error.
func (hd *handling) fillLanes(ctx context.Context) error {
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
		hd.lanes.add(key, d, a)
		if hd.c.origin.autoAck {
			hd.lanes.waitRoom() // no prefetch bounds these
		}
	}
}

// keyOf calls Key. Its panic is an error, unless it is to end the program.
func (hd *handling) keyOf(d Delivery, a *attempts) (key string, err error) {
	seen := d
	if a != nil {
		seen = a.view(d)
	}
	returned := false
	defer func() {
		if !returned { // nobody goes on with it
			_ = hd.settle(hd.running, &d, Requeue) // an error means that it goes back by itself
		}
	}()
	err = catch(hd.CrashOnPanic, "HandleOptions.Key", func() error {
		key = hd.Key(seen)
		return nil
	})
	returned = true
	return key, err
}

// laneLoop is one worker of handleByKey.
func (hd *handling) laneLoop() error {
	ls := hd.lanes
	var l *lane
	defer func() {
		if l != nil && hd.c.origin.autoAck {
			ls.leave(l) // the other workers wait for what is held
		}
	}()
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
		if err := hd.finish(running, it.d, it.a, f, err, l); err != nil {
			return err
		}
	}
}

// requeue requeues a delivery, and what waits behind it in its lane, if it has
// one: in their order, because the broker may send each again at once. One that
// fails does not keep the others: nobody else knows of them any more.
func (hd *handling) requeue(ctx context.Context, d *Delivery, l *lane) error {
	var behind []*item
	if l != nil && d.settleable() {
		behind = hd.lanes.behind(l)
	}
	err := hd.settle(ctx, d, Requeue)
	for _, it := range behind {
		if failed := hd.settle(ctx, &it.d, Requeue); err == nil {
			err = failed
		}
	}
	return err
}
