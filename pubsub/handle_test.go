package pubsub

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestHandleOutcomes(t *testing.T) {
	var out bytes.Buffer
	sub := newFakeSub()
	fake := (&fakeAdapter{onClose: sub.Close}).consumes(sub)
	b := New(fake, &Options{Logger: slog.New(slog.NewTextHandler(&out, nil))})
	c, err := b.Consume(t.Context(), "q", nil)
	wantErr(t, "consume", err)
	sub.push(7)
	err = c.Handle(t.Context(), nil, func(ctx context.Context, d Delivery) error {
		switch string(d.Body) {
		case "1":
			return nil
		case "2":
			return fmt.Errorf("bad input: %w", ErrReject)
		case "3":
			return errScripted
		case "4":
			wantErr(t, "requeue in the handler", d.Requeue(ctx))
			return nil
		case "5":
			wantErr(t, "ack in the handler", d.Ack(ctx))
			return errScripted
		case "6":
			return nil
		}
		return c.Cancel(ctx)
	})
	wantErr(t, "handle", err)
	want := []string{"ack 1", "reject 2", "requeue 3", "requeue 4", "ack 5", "ack 6", "ack 7"}
	if got := sub.settlements(); !slices.Equal(got, want) {
		t.Errorf("settled %q; want %q", got, want)
	}
	if n := strings.Count(out.String(), `msg="handler failed" queue=q`); n != 3 {
		t.Errorf("%d errors of handlers are logged; want 3:\n%s", n, &out)
	}
	if !strings.Contains(out.String(), `outcome=reject error="bad input: reject the delivery"`) {
		t.Errorf("the log does not tell the outcome and the error:\n%s", &out)
	}
}

// TestHandleConcurrency: the bound is reached, and never exceeded, and a slow
// handler does not hold up the others.
func TestHandleConcurrency(t *testing.T) {
	for _, c := range []struct{ option, want int }{{0, 1}, {1, 1}, {4, 4}} {
		t.Run(fmt.Sprint(c.option), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sub := newFakeSub()
				_, cons := consume(t, sub, nil)
				var running, done atomic.Int64
				gate := make(chan struct{})
				handling := during(func() error {
					return cons.Handle(context.Background(), &HandleOptions{Concurrency: c.option}, func(_ context.Context, d Delivery) error {
						running.Add(1)
						defer running.Add(-1)
						<-gate
						done.Add(1)
						return nil
					})
				})
				const n = 20
				sub.push(n)
				synctest.Wait()
				for i := range n {
					if r, want := running.Load(), min(int64(c.want), int64(n-i)); r != want {
						t.Fatalf("%d handlers run after %d are done; want %d", r, i, want)
					}
					gate <- struct{}{}
					synctest.Wait()
				}
				if done.Load() != n || len(sub.settlements()) != n {
					t.Errorf("%d are done and %d settled; want %d", done.Load(), len(sub.settlements()), n)
				}
				wantErr(t, "cancel", cons.Cancel(t.Context()))
				synctest.Wait()
				wantErr(t, "handle", ended(t, "handle", handling))
			})
		})
	}
}

// TestHandleContext: when the context ends, handlers that run finish with a
// context that has not, and are settled; no more are started.
func TestHandleContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type key struct{}
		sub := newFakeSub()
		_, c := consume(t, sub, nil)
		ctx, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, "value"))
		gate := make(chan struct{})
		handling := during(func() error {
			return c.Handle(ctx, &HandleOptions{Concurrency: 2}, func(ctx context.Context, d Delivery) error {
				<-gate
				if ctx.Err() != nil || ctx.Value(key{}) != "value" {
					t.Error("the handler's context ended, or lost its values")
				}
				return nil
			})
		})
		sub.push(5)
		synctest.Wait()
		cancel()
		synctest.Wait()
		running(t, "handle", handling)
		close(gate)
		synctest.Wait()
		wantErr(t, "handle", ended(t, "handle", handling))
		got := sub.settlements()
		slices.Sort(got)
		if want := []string{"ack 1", "ack 2"}; !slices.Equal(got, want) {
			t.Errorf("settled %q; want %q", got, want)
		}
	})
}

// TestHandlerContextEnds: when a Shutdown's time is over, the contexts of
// handlers that run end, and Handle as by Shutdown.
func TestHandlerContextEnds(t *testing.T) {
	for _, key := range []func(Delivery) string{nil, byBody(2)} {
		synctest.Test(t, func(t *testing.T) {
			sub := newFakeSub()
			b, c := consume(t, sub, nil)
			var cause error
			handling := during(func() error {
				return c.Handle(context.Background(), &HandleOptions{Key: key}, func(ctx context.Context, d Delivery) error {
					ctx, cancel := context.WithCancel(ctx)
					defer cancel()
					<-ctx.Done()
					cause = context.Cause(ctx)
					return cause
				})
			})
			sub.push(1)
			synctest.Wait()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			wantErr(t, "shutdown", b.Shutdown(ctx), context.DeadlineExceeded)
			synctest.Wait()
			wantErr(t, "handle", ended(t, "handle", handling))
			wantErr(t, "the handler's context", cause, ErrClosed)
		})
	}
}

// TestHandleEnds: what Handle returns when the consumer ends.
func TestHandleEnds(t *testing.T) {
	for _, c := range []struct {
		name string
		end  func(*fakeSub, *Broker, *Consumer) error
		want []error
	}{
		{"by the broker", func(s *fakeSub, _ *Broker, _ *Consumer) error { s.finish(ErrConsumerCanceled); return nil }, []error{ErrConsumerCanceled}},
		{"Cancel", func(_ *fakeSub, _ *Broker, c *Consumer) error { return c.Cancel(context.Background()) }, nil},
		{"Close", func(_ *fakeSub, _ *Broker, c *Consumer) error { return c.Close() }, nil},
		{"Shutdown", func(_ *fakeSub, b *Broker, _ *Consumer) error { return b.Shutdown(context.Background()) }, nil},
		{"Broker.Close", func(_ *fakeSub, b *Broker, _ *Consumer) error { return b.Close() }, []error{ErrClosed}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sub := newFakeSub()
				b, cons := consume(t, sub, nil)
				handling := during(func() error {
					return cons.Handle(context.Background(), &HandleOptions{Concurrency: 3}, func(context.Context, Delivery) error { return nil })
				})
				synctest.Wait()
				running(t, "handle", handling)
				wantErr(t, c.name, c.end(sub, b, cons))
				synctest.Wait()
				wantErr(t, "handle", ended(t, "handle", handling), c.want...)
			})
		})
	}
}

// TestHandleSettleFails: one that is lost comes again, so Handle goes on;
// after another error it stops all workers and says why.
func TestHandleSettleFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sub := newFakeSub()
		sub.onSettle = func(s settlement) error {
			switch s.tag {
			case 1:
				return fmt.Errorf("%w: the connection broke", ErrDeliveryLost)
			case 2:
				return fmt.Errorf("%w: no answer", ErrUnavailable)
			}
			return nil
		}
		_, c := consume(t, sub, nil)
		handling := during(func() error {
			return c.Handle(context.Background(), &HandleOptions{Concurrency: 3}, func(context.Context, Delivery) error { return nil })
		})
		sub.push(1)
		synctest.Wait()
		running(t, "handle after a lost delivery", handling)
		sub.push(1)
		synctest.Wait()
		err := ended(t, "handle", handling)
		wantErr(t, "handle", err, ErrUnavailable)
		if want := `ack delivery from queue "q": broker unavailable: no answer`; err == nil || err.Error() != want {
			t.Errorf("the error is %q; want %q", err, want)
		}
	})
}

func TestHandleAutoAck(t *testing.T) {
	sub := newFakeSub()
	_, c := consume(t, sub, &ConsumeOptions{AutoAck: true})
	sub.push(3)
	n := 0
	err := c.Handle(t.Context(), nil, func(ctx context.Context, _ Delivery) error {
		if n++; n == 3 {
			wantErr(t, "cancel", c.Cancel(ctx))
		}
		return errScripted
	})
	wantErr(t, "handle", err)
	if n != 3 || len(sub.settlements()) != 0 {
		t.Errorf("%d were handled and %q settled; want 3 and nothing", n, sub.settlements())
	}
}

// nothing is a handler.
func nothing(context.Context, Delivery) error { return nil }

func TestHandleInvalid(t *testing.T) {
	_, c := consume(t, newFakeSub(), nil)
	wantErr(t, "handle with nothing", c.Handle(t.Context(), nil, nil), ErrInvalid, errNoHandler)
	wantErr(t, "serve with nothing", c.b.Serve(t.Context(), "q", nil, nil), ErrInvalid, errNoHandler)
	err := c.Handle(t.Context(), &HandleOptions{Concurrency: -1}, nothing)
	wantErr(t, "handle", err, ErrInvalid)
	if _, ok := errors.AsType[*Error](err); !ok || !strings.Contains(err.Error(), "concurrency is -1") {
		t.Errorf("the error is %q", err)
	}
}
