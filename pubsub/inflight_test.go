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

// TestInflightConcurrent: many goroutines share few places. None waits for
// ever, the limit holds, and who waits for the end sees it.
func TestInflightConcurrent(t *testing.T) {
	for _, limit := range []int{1, 2, 5} {
		f := newInflight(limit)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var inside, most atomic.Int64
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() {
				for range 2000 {
					if err := f.acquire(ctx); err != nil {
						t.Errorf("with a limit of %d: %v", limit, err)
						return
					}
					n := inside.Add(1)
					for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
					}
					inside.Add(-1)
					f.release()
				}
			})
		}
		wg.Go(func() {
			for range 1000 {
				if err := f.idle(ctx); err != nil {
					t.Errorf("idle with a limit of %d: %v", limit, err)
					return
				}
			}
		})
		wg.Wait()
		if m := most.Load(); m > int64(limit) {
			t.Errorf("%d at once; want at most %d", m, limit)
		}
		if n := f.n.Load(); n != 0 {
			t.Errorf("%d are counted at the end; want 0", n)
		}
	}
}

// TestInflightLastRelease: the last releases come as others begin to wait.
// They must be enough, for nothing wakes anybody later.
func TestInflightLastRelease(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for _, c := range []struct {
		limit, waiters int
		keep           bool // what was acquired
	}{
		{1, 2, false},
		{1, 3, false},
		{2, 2, true},
		{4, 4, true},
	} {
		for range 500 {
			f := newInflight(c.limit)
			for range c.limit {
				wantErr(t, "acquire", f.acquire(ctx))
			}
			start := make(chan struct{})
			var wg sync.WaitGroup
			for range c.waiters {
				wg.Go(func() {
					<-start
					if err := f.acquire(ctx); err != nil {
						t.Error(err)
					}
					if !c.keep {
						f.release()
					}
				})
			}
			wg.Go(func() {
				<-start
				for range c.limit {
					f.release()
				}
			})
			close(start)
			wg.Wait()
			if t.Failed() {
				t.Fatalf("with %+v, somebody waits for ever", c)
			}
		}
	}
}

// TestInflightPassesOn: two releases whose wakes became one are enough for two
// that wait. Many rounds, for those who begin to wait together must not count
// what they don't get: two that did, and took it back, sent one another to
// sleep.
func TestInflightPassesOn(t *testing.T) {
	for range 200 {
		synctest.Test(t, func(t *testing.T) {
			f := newInflight(2)
			for range 2 {
				wantErr(t, "acquire", f.acquire(t.Context()))
			}
			waiting := make(chan error, 3)
			for range 3 {
				go func() { waiting <- f.acquire(context.Background()) }()
			}
			synctest.Wait()
			f.n.Add(-2)
			f.room.wake() // the second release found this one's token
			synctest.Wait()
			if len(waiting) != 2 {
				t.Fatalf("%d of 3 got a place after 2 releases; want 2", len(waiting))
			}
			f.release()
			synctest.Wait()
			if len(waiting) != 3 {
				t.Fatal("the last one waits for ever")
			}
		})
	}
}

// TestInflightContext: who gives up takes no wake away from another.
func TestInflightContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newInflight(1)
		wantErr(t, "acquire", f.acquire(t.Context()))
		ctx, cancel := context.WithCancelCause(t.Context())
		gone := during(func() error { return f.acquire(ctx) })
		stays := during(func() error { return f.acquire(context.Background()) })
		synctest.Wait()
		cancel(errScripted)
		synctest.Wait()
		wantErr(t, "acquire with a context that ended", ended(t, "acquire", gone), errScripted)
		running(t, "acquire", stays)
		f.release()
		synctest.Wait()
		wantErr(t, "acquire", ended(t, "acquire", stays))
		if err := f.idle(ctx); !errors.Is(err, errScripted) {
			t.Errorf("idle: got %v; want the context's cause", err)
		}
		idle := during(func() error { return f.idle(context.Background()) })
		synctest.Wait()
		running(t, "idle", idle)
		f.abandon()
		synctest.Wait()
		wantErr(t, "idle", ended(t, "idle", idle))
	})
}
