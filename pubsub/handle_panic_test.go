package pubsub

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestHandlePanic: a handler's panic is an error of it, with its stack in the
// log, and Handle goes on.
func TestHandlePanic(t *testing.T) {
	var out bytes.Buffer
	sub := newFakeSub()
	b := New((&fakeAdapter{onClose: sub.Close}).consumes(sub), &Options{Logger: slog.New(slog.NewTextHandler(&out, nil))})
	c, err := b.Consume(t.Context(), "q", nil)
	wantErr(t, "consume", err)
	sub.push(3)
	wantErr(t, "handle", c.Handle(t.Context(), nil, func(ctx context.Context, d Delivery) error {
		switch string(d.Body) {
		case "1":
			panic("out of paper")
		case "2":
			panic(fmt.Errorf("unreadable: %w", ErrReject))
		}
		return c.Cancel(ctx)
	}))
	if got, want := sub.settlements(), []string{"requeue 1", "reject 2", "ack 3"}; !slices.Equal(got, want) {
		t.Errorf("settled %q; want %q", got, want)
	}
	for _, want := range []string{"the handler panicked: out of paper", "handle_panic_test.go"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the log does not say %q:\n%s", want, &out)
		}
	}
}

// TestHandleCrashOnPanic: the panic goes on, if asked, after the trace has seen
// the handler's end.
func TestHandleCrashOnPanic(t *testing.T) {
	var ended error
	b := New(&fakeAdapter{}, &Options{Trace: &Trace{HandleEnd: func(_ context.Context, h *HandleTrace) { ended = h.Err }}})
	hd := &handling{HandleOptions: HandleOptions{CrashOnPanic: true}, c: &Consumer{b: b}, running: t.Context()}
	defer func() {
		if v := recover(); v != "out of paper" {
			t.Errorf("recovered %v; want the handler's panic", v)
		}
		if ended == nil || ended.Error() != "the handler panicked: out of paper" {
			t.Errorf("the trace saw the end %v; want the panic", ended)
		}
	}()
	_, _ = hd.run(Delivery{}, nil, func(context.Context, Delivery) error { panic("out of paper") })
}

// TestHandlerExits: a handler that ends its goroutine ends Handle, and its
// delivery is requeued.
func TestHandlerExits(t *testing.T) {
	for _, workers := range []int{1, 3} {
		synctest.Test(t, func(t *testing.T) {
			var ended error
			sub := newFakeSub()
			b := New((&fakeAdapter{onClose: sub.Close}).consumes(sub), &Options{Trace: &Trace{HandleEnd: func(_ context.Context, h *HandleTrace) { ended = h.Err }}})
			c, err := b.Consume(t.Context(), "q", nil)
			wantErr(t, "consume", err)
			sub.push(1)
			wantErr(t, "handle", c.Handle(t.Context(), &HandleOptions{Concurrency: workers}, func(context.Context, Delivery) error {
				runtime.Goexit()
				return nil
			}), errExited)
			if got, want := sub.settlements(), []string{"requeue 1"}; !slices.Equal(got, want) {
				t.Errorf("settled %q; want %q", got, want)
			}
			if ended != errExited {
				t.Errorf("the trace saw the end %v; want %v", ended, errExited)
			}
		})
	}
}

// TestKeyPanics: a panic of Key is a failure of its message alone, which is
// retried and parked as by the handler's.
func TestKeyPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake, sub, c := fakeRetry(t, func(*Publication) error { return nil })
		o := &HandleOptions{Concurrency: 2, Key: func(d Delivery) string {
			if d.tag == 2 {
				panic("no customer")
			}
			return ""
		}}
		pushed := func(what string, settled, calls []string) {
			t.Helper()
			fake.onPublish = func(_ context.Context, p *Publication) {
				fake.called("publish %q", p.RoutingKey)
				p.Confirm(nil)
			}
			handling := during(func() error {
				return c.Handle(context.Background(), o, func(context.Context, Delivery) error { return nil })
			})
			sub.push(3)
			synctest.Wait()
			got := sub.settlements()
			slices.Sort(got)
			if !slices.Equal(got, settled) {
				t.Errorf("%s: settled %q; want %q", what, got, settled)
			}
			if got := fake.takeCalls(); !slices.Equal(got, calls) {
				t.Errorf("%s: called %q; want %q", what, got, calls)
			}
			running(t, what, handling)
			wantErr(t, "cancel", c.Cancel(t.Context()))
			synctest.Wait()
			wantErr(t, what, ended(t, what, handling))
		}
		pushed("without Retry", []string{"ack 1", "ack 3", "requeue 2"}, nil)

		fake, sub, c = fakeRetry(t, func(*Publication) error { return nil })
		o.Retry = &Retry{Delays: []time.Duration{time.Second}}
		pushed("with Retry", []string{"ack 1", "ack 2", "ack 3"},
			[]string{"declare queue q.parked map[]", "declare queue q.retry.1000 map[]", `publish "q.retry.1000"`})

		fake, sub, c = fakeRetry(t, func(*Publication) error { return nil })
		o.Retry = &Retry{}
		pushed("with one attempt", []string{"ack 1", "ack 2", "ack 3"},
			[]string{"declare queue q.parked map[]", `publish "q.parked"`})
	})
}

// TestKeyCrashes: with CrashOnPanic a panic of Key goes on, and leaves nothing
// behind.
func TestKeyCrashes(t *testing.T) {
	sub := newFakeSub()
	_, c := consume(t, sub, nil)
	sub.push(1)
	defer func() {
		if v := recover(); v != "no customer" {
			t.Errorf("recovered %v; want Key's panic", v)
		}
		wantErr(t, "wait until Handle is over", c.b.handling.idle(t.Context()))
	}()
	_ = c.Handle(t.Context(), &HandleOptions{CrashOnPanic: true, Key: func(Delivery) string { panic("no customer") }}, func(context.Context, Delivery) error { return nil })
}

func TestKeyExits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sub := newFakeSub()
		_, c := consume(t, sub, nil)
		sub.push(1)
		go func() {
			_ = c.Handle(context.Background(), &HandleOptions{Key: func(Delivery) string { runtime.Goexit(); return "" }}, func(context.Context, Delivery) error { return nil })
		}()
		time.Sleep(time.Second)
		if n := c.origin.unsettled(); n != 0 {
			t.Errorf("%d are unsettled; want none", n)
		}
	})
}

// TestKeyCrashesAtOnce: a panic of Key that is to end the program doesn't wait
// for handlers, which may never return.
func TestKeyCrashesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sub := newFakeSub()
		_, c := consume(t, sub, nil)
		gate := make(chan struct{})
		panicked := during(func() (v any) {
			defer func() { v = recover() }()
			return c.Handle(context.Background(), &HandleOptions{CrashOnPanic: true, Key: func(d Delivery) string {
				if d.tag == 3 {
					panic("no customer")
				}
				return ""
			}}, func(context.Context, Delivery) error { <-gate; return nil })
		})
		sub.push(2)
		synctest.Wait()
		sub.push(1)
		synctest.Wait()
		select {
		case v := <-panicked:
			if v != "no customer" {
				t.Errorf("recovered %v; want Key's panic", v)
			}
		default:
			t.Error("the panic waits for a handler")
		}
		close(gate)
		synctest.Wait()
		if n := c.origin.unsettled(); n != 0 {
			t.Errorf("%d are unsettled; want none", n)
		}
	})
}
