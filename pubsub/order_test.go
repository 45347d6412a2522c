package pubsub

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// byBody is a key function: a message's tag by its remainder.
func byBody(n int) func(Delivery) string {
	return func(d Delivery) string { return fmt.Sprint(d.tag % uint64(n)) }
}

// TestOrderByKey: a random load is handled by keys, one after another in each,
// as many at once as asked.
func TestOrderByKey(t *testing.T) {
	rnd := random(t)
	synctest.Test(t, func(t *testing.T) {
		sub := newFakeSub()
		_, c := consume(t, sub, nil)
		const n, keys, workers = 500, 7, 4
		times := make([]time.Duration, n+1)
		for i := range times {
			times[i] = time.Duration(rnd.IntN(20)) * time.Millisecond
		}
		var mu sync.Mutex
		running, most, done := map[string]bool{}, 0, map[string][]uint64{}
		key := byBody(keys)
		handling := during(func() error {
			return c.Handle(context.Background(), &HandleOptions{Concurrency: workers, Key: key}, func(_ context.Context, d Delivery) error {
				k := key(d)
				mu.Lock()
				if running[k] {
					t.Errorf("two handlers run for key %s", k)
				}
				running[k] = true
				most = max(most, len(running))
				mu.Unlock()
				time.Sleep(times[d.tag])
				mu.Lock()
				delete(running, k)
				done[k] = append(done[k], d.tag)
				mu.Unlock()
				return nil
			})
		})
		for range n / 50 {
			sub.push(50)
			time.Sleep(time.Duration(rnd.IntN(100)) * time.Millisecond)
		}
		time.Sleep(time.Hour)
		wantErr(t, "cancel", c.Cancel(t.Context()))
		synctest.Wait()
		wantErr(t, "handle", ended(t, "handle", handling))
		if most != workers {
			t.Errorf("%d handlers ran at once; want %d", most, workers)
		}
		total := 0
		for k, tags := range done {
			if total += len(tags); !slices.IsSorted(tags) {
				t.Errorf("key %s is handled in the order %v", k, tags)
			}
		}
		if total != n || len(sub.settlements()) != n {
			t.Errorf("%d are handled and %d settled; want %d", total, len(sub.settlements()), n)
		}
	})
}

// TestOrderSlowKey: a key whose handler takes its time holds up no other.
func TestOrderSlowKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sub := newFakeSub()
		_, c := consume(t, sub, nil)
		gate := make(chan struct{})
		handling := during(func() error {
			return c.Handle(context.Background(), &HandleOptions{Concurrency: 2, Key: byBody(2)}, func(_ context.Context, d Delivery) error {
				if d.tag%2 == 1 {
					<-gate
				}
				return nil
			})
		})
		sub.push(20)
		synctest.Wait()
		if got := sub.settlements(); len(got) != 10 || slices.Contains(got, "ack 1") {
			t.Errorf("settled %q; want the ten with the other key", got)
		}
		// At the end those that wait go back, in order.
		wantErr(t, "cancel", c.Cancel(t.Context()))
		synctest.Wait()
		running(t, "handle", handling)
		close(gate)
		synctest.Wait()
		wantErr(t, "handle", ended(t, "handle", handling))
		want := []string{"ack 1", "requeue 3", "requeue 5", "requeue 7", "requeue 9", "requeue 11", "requeue 13", "requeue 15", "requeue 17", "requeue 19"}
		if got := sub.settlements()[10:]; !slices.Equal(got, want) {
			t.Errorf("settled %q at the end; want %q", got, want)
		}
	})
}

// TestOrderRequeue: with one that fails those of its key go back too, after it.
func TestOrderRequeue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sub := newFakeSub()
		_, c := consume(t, sub, nil)
		handling := during(func() error {
			return c.Handle(context.Background(), &HandleOptions{Key: byBody(2)}, func(_ context.Context, d Delivery) error {
				if d.tag == 3 {
					time.Sleep(time.Second) // until all are there
					return errScripted
				}
				return nil
			})
		})
		sub.push(8)
		time.Sleep(time.Minute)
		got := sub.settlements()
		odd := slices.DeleteFunc(slices.Clone(got), func(s string) bool { return strings.ContainsAny(s, "2468") })
		if want := []string{"ack 1", "requeue 3", "requeue 5", "requeue 7"}; len(got) != 8 || !slices.Equal(odd, want) {
			t.Errorf("settled %q; want %q, and the others acknowledged", got, want)
		}
		wantErr(t, "close", c.Close())
		synctest.Wait()
		wantErr(t, "handle", ended(t, "handle", handling))
	})
}

// TestOrderRetry: one that pauses holds up its own key only, keeps its place in
// it, and goes back at the end.
func TestOrderRetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake, sub, c := fakeRetry(t, func(*Publication) error { return nil })
		var mu sync.Mutex
		var seen []string
		handled := func(want ...string) {
			t.Helper()
			mu.Lock()
			defer mu.Unlock()
			if !slices.Equal(seen, want) {
				t.Errorf("handled %q; want %q", seen, want)
			}
		}
		o := &HandleOptions{Key: byBody(2), Retry: &Retry{Delays: []time.Duration{time.Second, time.Minute}}}
		handling := during(func() error {
			return c.Handle(context.Background(), o, func(_ context.Context, d Delivery) error {
				mu.Lock()
				defer mu.Unlock()
				seen = append(seen, fmt.Sprintf("%s.%d", d.Body, d.Attempt()))
				switch string(d.Body) {
				case "1", "6":
					return errScripted
				}
				return nil
			})
		})
		sub.push(4)
		synctest.Wait()
		handled("1.1", "2.1", "4.1")
		time.Sleep(time.Second + time.Minute)
		synctest.Wait()
		handled("1.1", "2.1", "4.1", "1.2", "1.3", "3.1")
		if got, want := fake.takeCalls(), []string{"declare queue q.parked map[]", `publish "q.parked" mandatory true, 2 settled`}; !slices.Equal(got, want) {
			t.Errorf("called %q; want %q", got, want)
		}
		if got, want := sub.settlements(), []string{"ack 2", "ack 4", "ack 1", "ack 3"}; !slices.Equal(got, want) {
			t.Errorf("settled %q; want %q", got, want)
		}
		sub.push(4)
		time.Sleep(500 * time.Millisecond) // 6 pauses, 8 behind it
		wantErr(t, "shutdown", c.b.Shutdown(t.Context()))
		wantErr(t, "handle", ended(t, "handle", handling))
		got := sub.settlements()[4:]
		if want := []string{"ack 5", "ack 7", "requeue 6", "requeue 8"}; !slices.Equal(got, want) {
			t.Errorf("settled %q at the end; want %q", got, want)
		}
	})
}

// TestOrderAutoAck: what a consumer with AutoAck has got is handled before
// Handle returns.
func TestOrderAutoAck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sub := newFakeSub()
		_, c := consume(t, sub, &ConsumeOptions{AutoAck: true})
		n := 0
		handling := during(func() error {
			return c.Handle(context.Background(), &HandleOptions{Key: byBody(3)}, func(context.Context, Delivery) error {
				time.Sleep(time.Second)
				n++
				return errScripted
			})
		})
		sub.push(1000)
		time.Sleep(100 * time.Second)
		wantErr(t, "cancel", c.Cancel(t.Context()))
		time.Sleep(time.Hour)
		wantErr(t, "handle", ended(t, "handle", handling))
		if n != 1000 {
			t.Errorf("%d were handled; want 1000", n)
		}
	})
}

// TestOrderEnds: Handle ends when the handler ends its goroutine, and when a
// delivery can't be settled; nothing stays unsettled.
func TestOrderEnds(t *testing.T) {
	for _, fail := range []bool{false, true} {
		t.Run(fmt.Sprint("settling fails ", fail), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sub := newFakeSub()
				sub.onSettle = func(s settlement) error {
					if fail && s.outcome == Ack {
						return ErrUnavailable
					}
					return nil
				}
				_, c := consume(t, sub, nil)
				handling := during(func() error {
					return c.Handle(context.Background(), &HandleOptions{Concurrency: 2, Key: byBody(1)}, func(_ context.Context, d Delivery) error {
						time.Sleep(time.Second)
						if !fail {
							runtime.Goexit()
						}
						return nil
					})
				})
				sub.push(3)
				time.Sleep(time.Minute)
				err := ended(t, "handle", handling)
				if fail {
					wantErr(t, "handle", err, ErrUnavailable)
				} else {
					wantErr(t, "handle", err, errExited)
				}
				if n := c.origin.unsettled(); n != 0 {
					t.Errorf("%d are unsettled; want none", n)
				}
			})
		})
	}
}
