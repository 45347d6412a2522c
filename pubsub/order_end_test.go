package pubsub

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestOrderAutoAckEnds: with AutoAck too Handle ends when one of several
// workers does.
func TestOrderAutoAckEnds(t *testing.T) {
	for _, c := range []struct {
		name string
		end  func() error
		want error
	}{
		{"exits", func() error { runtime.Goexit(); return nil }, errExited},
		{"misused", func() error { return ErrPark }, ErrInvalid},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sub := newFakeSub()
				_, cons := consume(t, sub, &ConsumeOptions{AutoAck: true})
				var mu sync.Mutex
				var handled []uint64
				ctx, cancel := context.WithCancel(context.Background())
				handling := during(func() error {
					return cons.Handle(ctx, &HandleOptions{Concurrency: 2, Key: byBody(2)}, func(_ context.Context, d Delivery) error {
						time.Sleep(time.Duration(d.tag) * time.Second)
						mu.Lock()
						handled = append(handled, d.tag)
						mu.Unlock()
						if d.tag == 1 {
							return c.end()
						}
						return nil
					})
				})
				sub.push(4)
				time.Sleep(time.Hour)
				cancel()
				time.Sleep(time.Hour)
				wantErr(t, "handle", ended(t, "handle", handling), c.want)
				if slices.Sort(handled); !slices.Equal(handled, []uint64{1, 2, 3, 4}) {
					t.Errorf("handled %v; want all", handled)
				}
			})
		})
	}
}

// TestOrderMisused: also where the requeue ends Handle, those behind go back.
func TestOrderMisused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sub := newFakeSub()
		b, c := consume(t, sub, nil)
		handling := during(func() error {
			return c.Handle(context.Background(), &HandleOptions{Key: byBody(1)}, func(context.Context, Delivery) error {
				time.Sleep(time.Second) // until all are there
				return ErrPark
			})
		})
		sub.push(3)
		time.Sleep(time.Minute)
		wantErr(t, "handle", ended(t, "handle", handling), ErrInvalid)
		if got, want := sub.settlements(), []string{"requeue 1", "requeue 2", "requeue 3"}; !slices.Equal(got, want) {
			t.Errorf("settled %q; want %q", got, want)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		wantErr(t, "shut down", b.Shutdown(ctx))
	})
}

// TestOrderParkFails: those behind one that can't be parked go back with it.
func TestOrderParkFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, sub, c := fakeRetry(t, func(*Publication) error { return ErrUnavailable })
		handling := during(func() error {
			return c.Handle(context.Background(), &HandleOptions{Key: byBody(1), Retry: &Retry{}}, func(_ context.Context, d Delivery) error {
				time.Sleep(time.Second) // until all are there
				if d.tag == 1 {
					return errScripted
				}
				return nil
			})
		})
		sub.push(3)
		time.Sleep(time.Minute)
		if got, want := sub.settlements(), []string{"requeue 1", "requeue 2", "requeue 3"}; !slices.Equal(got, want) {
			t.Errorf("settled %q; want %q", got, want)
		}
		wantErr(t, "cancel", c.Cancel(t.Context()))
		time.Sleep(time.Minute)
		wantErr(t, "handle", ended(t, "handle", handling))
	})
}
