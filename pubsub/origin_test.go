package pubsub

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// ledger is a Settler that knows what is unsettled, as a broker does.
type ledger struct{ unsettled map[uint64]bool }

func (l *ledger) Settle(_ context.Context, tag uint64, _ Outcome, multiple bool) error {
	if !multiple {
		delete(l.unsettled, tag)
		return nil
	}
	for t := range l.unsettled {
		if t <= tag {
			delete(l.unsettled, t)
		}
	}
	return nil
}

// TestOriginRandom compares an origin with a map of what is unsettled, under
// random operations: what each call returns, what the settler was told, and
// how many deliveries are left.
func TestOriginRandom(t *testing.T) {
	rng := random(t)
	for range 5 {
		book := &ledger{map[uint64]bool{}}
		o := &origin{settler: book, settled: newSignal()}
		model := map[uint64]bool{} // unsettled
		var all []Delivery
		abandoned := false
		// through is the unsettled up to a tag.
		through := func(tag uint64) (tags []uint64) {
			for u := range model {
				if u <= tag {
					tags = append(tags, u)
				}
			}
			return tags
		}
		check := func(op string, err error, unsettled bool) {
			want := error(nil)
			switch {
			case !unsettled:
				want = ErrSettled
			case abandoned:
				want = ErrDeliveryLost
			}
			if !errors.Is(err, want) {
				t.Fatalf("%s: got the error %v; want %v", op, err, want)
			}
		}
		// Settling lags behind by up to this many, so that some windows are
		// forgotten and others are not.
		lag := 1 + rng.IntN(4*windowSize)
		pick := func() Delivery { return all[max(0, len(all)-1-rng.IntN(min(lag, len(all))))] }

		for range 300 {
			switch op := rng.IntN(100); {
			case op < 40 && !abandoned || len(all) == 0:
				for range rng.IntN(windowSize / 4) {
					tag := uint64(len(all) + 1)
					all = append(all, deliver(o, &Incoming{Envelope: noMessage, Tag: tag}))
					model[tag], book.unsettled[tag] = true, true
				}
			case op < 70:
				for range rng.IntN(windowSize / 4) {
					d := pick()
					check("settle", d.settle(t.Context(), Ack+Outcome(rng.IntN(3))), model[d.tag])
					if !abandoned {
						delete(model, d.tag)
					}
				}
			case op < 99:
				d := pick()
				tags := through(d.tag)
				check("ack through", d.AckThrough(t.Context()), len(tags) > 0)
				if !abandoned {
					for _, tag := range tags {
						delete(model, tag)
					}
				}
			case rng.IntN(10) == 0:
				o.abandon()
				abandoned = true
			}
			want := len(model)
			if len(book.unsettled) != want {
				t.Fatalf("the settler has %d unsettled deliveries; want %d", len(book.unsettled), want)
			}
			if abandoned {
				want = 0
			}
			if n := o.unsettled(); n != want {
				t.Fatalf("%d deliveries are unsettled; want %d", n, want)
			}
		}
	}
}

// TestOriginForgetsWindows: what is settled takes no memory, also if one old
// delivery stays unsettled; and that one is still settled by a later
// AckThrough.
func TestOriginForgetsWindows(t *testing.T) {
	book := &ledger{map[uint64]bool{1: true}}
	o := &origin{settler: book, settled: newSignal()}
	first := deliver(o, &Incoming{Tag: 1})
	var last Delivery
	for i := range uint64(20 * windowSize) {
		last = deliver(o, &Incoming{Tag: i + 2})
		wantErr(t, "ack", last.Ack(t.Context()))
	}
	if len(o.windows) > 3 {
		t.Errorf("%d windows are kept; want the first and the last", len(o.windows))
	}
	if n := o.unsettled(); n != 1 {
		t.Errorf("%d deliveries are unsettled; want 1", n)
	}
	wantErr(t, "ack through the last, which is settled", last.AckThrough(t.Context()))
	if len(book.unsettled) != 0 || o.unsettled() != 0 {
		t.Error("the first delivery is unsettled; want it settled by AckThrough")
	}
	wantErr(t, "ack the first", first.Ack(t.Context()), ErrSettled)
}

// TestAckThroughForgotten: the delivery's own window is full and forgotten,
// one before it is not.
func TestAckThroughForgotten(t *testing.T) {
	book := &ledger{map[uint64]bool{1: true}}
	o := &origin{settler: book, settled: newSignal()}
	ds := make([]Delivery, 3*windowSize)
	for i := range ds {
		ds[i] = deliver(o, &Incoming{Tag: uint64(i + 1)})
		if i > 0 {
			wantErr(t, "ack", ds[i].Ack(t.Context()))
		}
	}
	d := ds[windowSize+5]
	for _, w := range o.windows {
		if w == d.window {
			t.Fatal("the second window is kept; the test needs it forgotten")
		}
	}
	wantErr(t, "ack through", d.AckThrough(t.Context()))
	if len(book.unsettled) != 0 {
		t.Error("the first delivery is unsettled")
	}
	wantErr(t, "ack through again", d.AckThrough(t.Context()), ErrSettled)
}

// TestOriginConcurrent settles each delivery from two goroutines, one by one
// and through: one call each succeeds, and who waits for the end sees it.
func TestOriginConcurrent(t *testing.T) {
	const n = 6 * windowSize
	var singles, throughs, twice atomic.Int64
	counting := settlerFunc(func(_ uint64, multiple bool) error {
		if multiple {
			throughs.Add(1)
		} else {
			singles.Add(1)
		}
		return nil
	})
	o := &origin{settler: counting, settled: newSignal()}
	work := make(chan Delivery, 2*windowSize)
	var workers sync.WaitGroup
	for range 8 {
		workers.Go(func() {
			for d := range work {
				err := d.settle(context.Background(), Ack)
				if errors.Is(err, ErrSettled) {
					twice.Add(1)
				} else if err != nil {
					t.Error(err)
				}
			}
		})
	}
	for i := range uint64(n) {
		o.mu.Lock()
		d := deliver(o, &Incoming{Tag: i + 1})
		o.mu.Unlock()
		work <- d
		work <- d
		if i == n/2 {
			if err := d.AckThrough(t.Context()); err != nil && !errors.Is(err, ErrSettled) {
				t.Error(err)
			}
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if left, err := o.drained(ctx); left != 0 || err != nil {
		t.Errorf("drained returned %d, %v; want 0, nil", left, err)
	}
	close(work)
	workers.Wait()
	if s, x := singles.Load(), twice.Load(); s+x != 2*n || s < n/2 || s > n {
		t.Errorf("of %d calls %d succeeded and %d came too late", 2*n, s, x)
	}
	if throughs.Load() > 1 {
		t.Errorf("%d calls for several; want at most 1", throughs.Load())
	}
}

type settlerFunc func(tag uint64, multiple bool) error

func (f settlerFunc) Settle(_ context.Context, tag uint64, _ Outcome, multiple bool) error {
	return f(tag, multiple)
}

// TestDrained waits for calls of Settle that are under way, not only for those
// that have begun: what follows closes the adapter.
func TestDrained(t *testing.T) {
	for _, c := range []struct {
		name   string
		settle func(d Delivery) error
	}{
		{"ack", func(d Delivery) error { return d.Ack(context.Background()) }},
		{"ack through", func(d Delivery) error { return d.AckThrough(context.Background()) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				gate := make(chan struct{})
				o := &origin{settler: settlerFunc(func(uint64, bool) error { <-gate; return nil }), settled: newSignal()}
				d := deliver(o, &Incoming{Tag: 1})
				settling := during(func() error { return c.settle(d) })
				synctest.Wait()
				wantErr(t, "settle again meanwhile", d.Ack(t.Context()), ErrSettled)

				short, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				if n, err := o.drained(short); n != 1 || !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("drained returned %d, %v; want 1 and the context's error", n, err)
				}
				draining := during(func() error { _, err := o.drained(context.Background()); return err })
				synctest.Wait()
				running(t, "drained", draining)
				gate <- struct{}{}
				synctest.Wait()
				wantErr(t, "settle", ended(t, "settle", settling))
				wantErr(t, "drained", ended(t, "drained", draining))
			})
		})
	}
}

// TestDrainedByAbandon: what went back to the queue is no longer waited for.
func TestDrainedByAbandon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &origin{settler: &ledger{}, settled: newSignal()}
		deliver(o, &Incoming{Tag: 1})
		draining := during(func() error { _, err := o.drained(context.Background()); return err })
		synctest.Wait()
		running(t, "drained", draining)
		o.abandon()
		synctest.Wait()
		wantErr(t, "drained", ended(t, "drained", draining))
	})
}

// deliver makes the next delivery of o.
func deliver(o *origin, in *Incoming) (d Delivery) {
	o.deliverLocked(&d, in)
	return d
}
