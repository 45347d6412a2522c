package pubsub

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestRoundUp(t *testing.T) {
	const ms = time.Millisecond
	for _, c := range []struct{ in, want time.Duration }{
		{1, ms}, {ms, ms}, {ms + 1, 2 * ms}, {7 * ms, 7 * ms}, {10 * ms, 10 * ms}, {11 * ms, 12 * ms},
		{31 * ms, 40 * ms}, {80 * ms, 80 * ms}, {81 * ms, 100 * ms}, {time.Second, time.Second},
		{1001 * ms, 1200 * ms}, {37 * time.Second, 40 * time.Second}, {time.Hour, 4000 * time.Second},
	} {
		if got := roundUp(c.in); got != c.want {
			t.Errorf("roundUp(%v) is %v; want %v", c.in, got, c.want)
		}
	}
	steps := map[time.Duration]bool{}
	for d := ms; d < 100*time.Hour; d += d/500 + 1 {
		up := roundUp(d)
		if up < d || up > d+d/3+ms || up%ms != 0 {
			t.Fatalf("roundUp(%v) is %v; want whole milliseconds, and at most a third more", d, up)
		}
		steps[up] = true
	}
	if len(steps) > 100 {
		t.Errorf("there are %d delays between 1 ms and 100 h; want few", len(steps))
	}
	if got := roundUp(1<<63 - 1); got < maxTTL/3 || got > maxTTL {
		t.Errorf("the longest delay is %v; a broker takes %v", got, maxTTL)
	}
}

func TestRetryInvalid(t *testing.T) {
	for _, c := range []struct {
		queue string
		r     Retry
		says  string
	}{
		{"q", Retry{Delays: []time.Duration{time.Second, -1}}, "Retry.Delays[1] is -1ns"},
		{"q", Retry{Delays: []time.Duration{time.Microsecond}}, "whole milliseconds"},
		{"q", Retry{Delays: []time.Duration{maxTTL - time.Minute}}, "must outlive"},
		{"q", Retry{Attempts: -1}, "Retry.Attempts is -1"},
		{"amq.gen-1", Retry{}, "set Retry.Park"},
		{"q", Retry{Park: "q"}, "use another one"},
	} {
		sub := newFakeSub()
		b := New((&fakeAdapter{onClose: sub.Close}).consumes(sub), nil)
		cons, err := b.Consume(t.Context(), c.queue, nil)
		wantErr(t, "consume", err)
		err = cons.Handle(t.Context(), &HandleOptions{Retry: &c.r}, nothing)
		wantErr(t, c.says, err, ErrInvalid)
		if err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("the error is %q; want it to say %q", err, c.says)
		}
	}
	_, cons := consume(t, newFakeSub(), &ConsumeOptions{AutoAck: true})
	wantErr(t, "with AutoAck", cons.Handle(t.Context(), &HandleOptions{Retry: &Retry{}}, nothing), ErrInvalid)
}

// TestRetryPause: which pause follows which failure.
func TestRetryPause(t *testing.T) {
	r := Retry{Delays: []time.Duration{0, 1234 * time.Millisecond, time.Minute}}
	for _, c := range []struct {
		failed int
		err    error
		want   time.Duration
	}{
		{1, errScripted, 0}, {2, errScripted, 1234 * time.Millisecond}, {3, errScripted, time.Minute}, {9, errScripted, time.Minute},
		{3, fmt.Errorf("busy: %w", ErrRetryNow), 0},
		{3, RetryAfter(1234*time.Millisecond, errScripted), 1234 * time.Millisecond}, // one of Delays
		{3, fmt.Errorf("x: %w", RetryAfter(1235*time.Millisecond, nil)), 1500 * time.Millisecond},
		{3, RetryAfter(-1, errScripted), 0},
	} {
		if got := r.pause(c.failed, c.err); got != c.want {
			t.Errorf("after %d failures, the last %q, the pause is %v; want %v", c.failed, c.err, got, c.want)
		}
	}
	if err := RetryAfter(time.Second, errScripted); !errors.Is(err, errScripted) || err.Error() != errScripted.Error() {
		t.Errorf("RetryAfter returns %q; want what it wraps", err)
	}
	wantErr(t, "no pause", RetryAfter(0, errScripted), ErrRetryNow, errScripted)
}

// fakeRetry is a Broker whose publishes a test sees, and a consumer of it.
func fakeRetry(t *testing.T, confirm func(p *Publication) error) (*fakeAdapter, *fakeSub, *Consumer) {
	t.Helper()
	sub := newFakeSub()
	fake := (&fakeAdapter{onClose: sub.Close}).consumes(sub)
	fake.onPublish = func(_ context.Context, p *Publication) {
		fake.called("publish %q mandatory %t, %d settled", p.RoutingKey, p.Mandatory, len(sub.settlements()))
		p.Confirm(confirm(p))
	}
	c, err := New(fake, nil).Consume(t.Context(), "q", nil)
	wantErr(t, "consume", err)
	fake.takeCalls()
	return fake, sub, c
}

// TestRetryPublishFails: a message that can't be sent to wait is requeued, and
// never acknowledged.
func TestRetryPublishFails(t *testing.T) {
	for _, c := range []struct {
		name    string
		outcome error
		goesOn  bool
		pause   time.Duration
	}{
		{"unconfirmed", ErrUnconfirmed, true, time.Second},
		{"unavailable", ErrUnavailable, true, time.Second},
		{"closed", ErrClosed, true, time.Second},
		{"refused by a delay queue", ErrRefused, false, time.Second},
		{"no access", ErrAccessRefused, false, time.Second},
		{"too large", ErrUnsupported, false, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, sub, cons := fakeRetry(t, func(*Publication) error { return c.outcome })
				handling := during(func() error {
					return cons.Handle(context.Background(), &HandleOptions{Retry: &Retry{Delays: []time.Duration{c.pause}}}, func(context.Context, Delivery) error {
						return errScripted
					})
				})
				sub.push(1)
				synctest.Wait()
				if got := sub.settlements(); !slices.Equal(got, []string{"requeue 1"}) {
					t.Errorf("settled %q; want it requeued", got)
				}
				if c.goesOn {
					running(t, "handle", handling)
					wantErr(t, "cancel", cons.Cancel(t.Context()))
					synctest.Wait()
					wantErr(t, "handle", ended(t, "handle", handling))
					return
				}
				wantErr(t, "handle", ended(t, "handle", handling), c.outcome)
			})
		})
	}
}

// TestRetryQueueFull: what its own queue refuses is handled again where it is:
// its attempts count, and come to an end.
func TestRetryQueueFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake, sub, c := fakeRetry(t, func(p *Publication) error {
			if p.RoutingKey == "q" {
				return ErrRefused
			}
			return nil
		})
		handling := during(func() error {
			return c.Handle(context.Background(), &HandleOptions{Retry: &Retry{Attempts: 3}}, func(_ context.Context, d Delivery) error {
				fake.called("attempt %d", d.Attempt())
				return errScripted
			})
		})
		sub.push(1)
		synctest.Wait()
		refused := `publish "q" mandatory true, 0 settled`
		want := []string{"declare queue q.parked map[]", "attempt 1", refused, "attempt 2", refused, "attempt 3", `publish "q.parked" mandatory true, 0 settled`}
		if got := fake.takeCalls(); !slices.Equal(got, want) {
			t.Errorf("called %q; want %q", got, want)
		}
		if got := sub.settlements(); !slices.Equal(got, []string{"ack 1"}) {
			t.Errorf("settled %q; want it acknowledged", got)
		}
		wantErr(t, "cancel", c.Cancel(t.Context()))
		synctest.Wait()
		wantErr(t, "handle", ended(t, "handle", handling))

		// Not for ever: at the end it goes back.
		_, sub, c = fakeRetry(t, func(*Publication) error { return ErrRefused })
		sub.push(1)
		wantErr(t, "handle", c.Handle(t.Context(), &HandleOptions{Retry: &Retry{Attempts: Unlimited}}, func(ctx context.Context, d Delivery) error {
			if d.Attempt() == 5 {
				wantErr(t, "cancel", c.Cancel(ctx))
			}
			return errScripted
		}))
		if got := sub.settlements(); !slices.Equal(got, []string{"requeue 1"}) {
			t.Errorf("settled %q; want it requeued", got)
		}
	})
}

// TestRetryTooLarge: what is refused with the texts of its errors is sent
// without.
func TestRetryTooLarge(t *testing.T) {
	for _, attempts := range []int{1, 2} {
		fake, sub, c := fakeRetry(t, func(p *Publication) error {
			if p.Headers[retryHeader].(Table)["errors"] != nil {
				return ErrPreconditionFailed
			}
			return nil
		})
		sub.push(2)
		wantErr(t, "handle", c.Handle(t.Context(), &HandleOptions{Retry: &Retry{Attempts: attempts}}, func(ctx context.Context, d Delivery) error {
			if string(d.Body) == "2" {
				return c.Cancel(ctx)
			}
			return errScripted
		}))
		to := fmt.Sprintf(`publish %q mandatory true, 0 settled`, []string{"q.parked", "q"}[attempts-1])
		if got, want := fake.takeCalls(), []string{"declare queue q.parked map[]", to, to}; !slices.Equal(got, want) {
			t.Errorf("called %q; want %q", got, want)
		}
		if got, want := sub.settlements(), []string{"ack 1", "ack 2"}; !slices.Equal(got, want) {
			t.Errorf("settled %q; want %q", got, want)
		}
	}
}

// hostile is an error whose method panics.
type hostile struct{ text *string }

func (e hostile) Error() string { return *e.text }

// TestRetryHostileError: an error that can't tell its text is one failure.
func TestRetryHostileError(t *testing.T) {
	fake, sub, c := fakeRetry(t, func(*Publication) error { return nil })
	sub.push(2)
	wantErr(t, "handle", c.Handle(t.Context(), &HandleOptions{Retry: &Retry{}}, func(ctx context.Context, d Delivery) error {
		if string(d.Body) == "2" {
			return c.Cancel(ctx)
		}
		return hostile{}
	}))
	if got, want := fake.takeCalls(), []string{"declare queue q.parked map[]", `publish "q.parked" mandatory true, 0 settled`}; !slices.Equal(got, want) {
		t.Errorf("called %q; want %q", got, want)
	}
}

// TestRetryQueueDeleted: a delay queue that somebody deleted is declared again,
// and one that hasn't been declared for long is before it can expire.
func TestRetryQueueDeleted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		deleted := false
		fake, sub, cons := fakeRetry(t, func(*Publication) error {
			if deleted {
				deleted = false
				return ErrUnroutable
			}
			return nil
		})
		handling := during(func() error {
			return cons.Handle(context.Background(), &HandleOptions{Retry: &Retry{Delays: []time.Duration{time.Second}}}, func(context.Context, Delivery) error {
				return errScripted
			})
		})
		calls := func(what string, want ...string) {
			t.Helper()
			synctest.Wait()
			if got := fake.takeCalls(); !slices.Equal(got, want) {
				t.Errorf("%s: called %q; want %q", what, got, want)
			}
		}
		calls("at first", "declare queue q.parked map[]", "declare queue q.retry.1000 map[]")
		sub.push(1)
		calls("a failure", `publish "q.retry.1000" mandatory true, 0 settled`)
		time.Sleep(29 * time.Minute)
		sub.push(1)
		calls("half an hour later", `publish "q.retry.1000" mandatory true, 1 settled`)
		time.Sleep(2 * time.Minute)
		sub.push(1)
		calls("after half an hour", "declare queue q.retry.1000 map[]", `publish "q.retry.1000" mandatory true, 2 settled`)
		deleted = true
		sub.push(1)
		calls("deleted", `publish "q.retry.1000" mandatory true, 3 settled`, "declare queue q.retry.1000 map[]", `publish "q.retry.1000" mandatory true, 3 settled`)
		wantErr(t, "cancel", cons.Cancel(t.Context()))
		synctest.Wait()
		wantErr(t, "handle", ended(t, "handle", handling))
	})
}

// TestRetryMisused: what needs a Retry ends Handle without one, and loses
// nothing.
func TestRetryMisused(t *testing.T) {
	for _, err := range []error{ErrPark, RetryAfter(time.Second, nil)} {
		sub := newFakeSub()
		_, c := consume(t, sub, nil)
		sub.push(1)
		wantErr(t, "handle", c.Handle(t.Context(), nil, func(context.Context, Delivery) error { return err }), ErrInvalid, err)
		if got := sub.settlements(); !slices.Equal(got, []string{"requeue 1"}) {
			t.Errorf("settled %q; want it requeued", got)
		}
	}
}

func TestRetryAfterShutdown(t *testing.T) {
	_, _, c := fakeRetry(t, func(*Publication) error { return nil })
	wantErr(t, "shutdown", c.b.Shutdown(t.Context()))
	h := func(context.Context, Delivery) error { return nil }
	wantErr(t, "handle without Retry", c.Handle(t.Context(), nil, h))
	wantErr(t, "handle", c.Handle(t.Context(), &HandleOptions{Retry: &Retry{}}, h))
}
