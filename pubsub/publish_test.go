package pubsub

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestPublishHandsOver: what the adapter gets.
func TestPublishHandsOver(t *testing.T) {
	var got *Publication
	b := New(&fakeAdapter{onPublish: func(_ context.Context, p *Publication) { got = p; p.Confirm(nil) }}, nil)
	headers := Table{"int": 5, "CC": []any{"a", 7, "b"}, "BCC": []any{"c"}}
	m := Message{
		Body:      []byte("body"),
		Headers:   headers,
		Timestamp: time.Date(2026, 1, 2, 3, 4, 5, 678, time.FixedZone("", 3600)),
		Priority:  9,
	}
	wantErr(t, "publish", b.Publish(t.Context(), "e", "k", m, Mandatory))
	if got.Exchange != "e" || got.RoutingKey != "k" || !got.Mandatory || string(got.Body) != "body" || got.Priority != 9 {
		t.Errorf("the adapter got %+v", got)
	}
	if want := time.Date(2026, 1, 2, 2, 4, 5, 0, time.UTC); got.Timestamp != want {
		t.Errorf("the timestamp is %v; want %v", got.Timestamp, want)
	}
	if got.Headers["int"] != int64(5) || headers["int"] != 5 {
		t.Errorf("the header is %T, the publisher's %T; want int64 and int", got.Headers["int"], headers["int"])
	}
	if want := []string{"a", "b", "c"}; !slices.Equal(got.MoreKeys, want) {
		t.Errorf("further keys %q; want %q", got.MoreKeys, want)
	}
	wantErr(t, "publish", b.Publish(t.Context(), "", "k", Message{}))
	if got.Mandatory || got.MoreKeys != nil || got.Exchange != "" {
		t.Errorf("the adapter got %+v", got)
	}
}

// TestPublishInFlight: PublishAsync and Publish wait while the limit is
// reached, each confirm lets one more go, and so does the context's end.
func TestPublishInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var sent []*Publication
		b := New(&fakeAdapter{onPublish: func(_ context.Context, p *Publication) {
			mu.Lock()
			defer mu.Unlock()
			sent = append(sent, p)
		}}, &Options{MaxInFlight: 3})
		for i := range 3 {
			b.PublishAsync(t.Context(), "e", fmt.Sprint(i), Message{})
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		err := b.PublishAsync(ctx, "e", "gives up", Message{}).Wait(t.Context())
		wantErr(t, "publish beyond the limit", err, context.DeadlineExceeded)
		if errors.Is(err, ErrUnconfirmed) || time.Since(start) != time.Second || len(sent) != 3 {
			t.Errorf("after %v: %v, with %d sent", time.Since(start), err, len(sent))
		}
		if want := `publish to exchange "e": with key "gives up": not sent: waited for one of 3 publishes in flight: context deadline exceeded`; err.Error() != want {
			t.Errorf("the error is %q; want %q", err, want)
		}

		async := during(func() Confirmation { return b.PublishAsync(context.Background(), "e", "3", Message{}) })
		synctest.Wait()
		running(t, "the fourth publish", async)
		sync := during(func() error { return b.Publish(context.Background(), "e", "4", Message{}) })
		synctest.Wait()
		running(t, "the fifth publish", sync)
		sent[1].Confirm(nil)
		synctest.Wait()
		if len(sent) != 4 {
			t.Fatalf("%d are sent after one confirm; want 4", len(sent))
		}
		sent[0].Confirm(fmt.Errorf("%w: full", ErrRefused)) // any outcome makes room
		synctest.Wait()
		if len(sent) != 5 {
			t.Fatalf("%d are sent after two outcomes; want 5", len(sent))
		}
		for _, p := range sent[2:] {
			p.Confirm(nil)
		}
		synctest.Wait()
		wantErr(t, "publish", ended(t, "publish", sync))
		wantErr(t, "publish", ended(t, "publish", async).Err())
	})
}

// TestPublishInvalid takes no place in flight, and its outcome is there at
// once.
func TestPublishInvalid(t *testing.T) {
	b := New(&fakeAdapter{}, &Options{MaxInFlight: 1})
	for range 3 {
		c := b.PublishAsync(t.Context(), "e", "k", Message{DeliveryMode: 3})
		<-c.Done()
		wantErr(t, "publish", c.Err(), ErrInvalid)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errScripted)
	err := b.Publish(ctx, "e", "k", Message{})
	wantErr(t, "publish with a context that has ended", err, errScripted)
	if want := `publish to exchange "e": with key "k": not sent: scripted`; err.Error() != want || errors.Is(err, ErrUnconfirmed) {
		t.Errorf("the error is %q; want %q", err, want)
	}
	if n := b.publishing.n.Load(); n != 0 {
		t.Errorf("%d are in flight; want 0", n)
	}
}

// TestConfirmation: before the outcome, after it, and with several that wait.
func TestConfirmation(t *testing.T) {
	for _, outcome := range []error{nil, fmt.Errorf("%w: NO_ROUTE", ErrUnroutable)} {
		synctest.Test(t, func(t *testing.T) {
			var want []error
			if outcome != nil {
				want = []error{ErrUnroutable}
			}
			var p *Publication
			b := New(&fakeAdapter{onPublish: func(_ context.Context, pub *Publication) { p = pub }}, nil)
			c := b.PublishAsync(t.Context(), "e", "k", Message{})
			running(t, "the outcome", c.Done())
			wantErr(t, "Err before the outcome", c.Err())
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			err := c.Wait(ctx)
			wantErr(t, "Wait with a context that ends", err, ErrUnconfirmed, context.DeadlineExceeded)

			waiting := make(chan error, 3)
			for range cap(waiting) {
				go func() { waiting <- c.Wait(context.Background()) }()
			}
			synctest.Wait()
			if len(waiting) != 0 {
				t.Fatal("Wait returned before the outcome")
			}
			p.Confirm(outcome)
			synctest.Wait()
			for range cap(waiting) {
				wantErr(t, "Wait", ended(t, "Wait", waiting), want...)
			}
			ended(t, "the outcome", c.Done())
			wantErr(t, "Err", c.Err(), want...)
			wantErr(t, "Wait after the outcome, with a context that has ended", c.Wait(ctx), want...)
		})
	}
}

// confirming is a context that ends as the outcome comes.
type confirming struct {
	context.Context
	p *Publication
}

func (c confirming) Done() <-chan struct{} {
	c.p.Confirm(nil)
	ended := make(chan struct{})
	close(ended)
	return ended
}

// TestConfirmationPrefersOutcome to the context's end, where both came.
func TestConfirmationPrefersOutcome(t *testing.T) {
	for range 50 {
		p := new(Publication)
		wantErr(t, "wait", Confirmation{p}.Wait(confirming{t.Context(), p}))
	}
}

// TestPublishWaitsThroughClose: a publish that waits for a place in flight as
// the Broker closes is not sent.
func TestPublishWaitsThroughClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sent []*Publication
		b := New(&fakeAdapter{
			onPublish: func(_ context.Context, p *Publication) { sent = append(sent, p) },
			onClose:   func() error { sent[0].Confirm(ErrUnconfirmed); return nil },
		}, &Options{MaxInFlight: 1})
		first := b.PublishAsync(t.Context(), "e", "k", Message{})
		second := during(func() error { return b.Publish(context.Background(), "e", "k", Message{}) })
		synctest.Wait()
		running(t, "the second publish", second)
		wantErr(t, "close", b.Close())
		synctest.Wait()
		wantErr(t, "the first publish", first.Err(), ErrUnconfirmed)
		wantErr(t, "the second publish", ended(t, "publish", second), ErrClosed)
		if len(sent) != 1 || b.publishing.n.Load() != 0 {
			t.Errorf("%d were sent, and %d are in flight; want 1 and 0", len(sent), b.publishing.n.Load())
		}
	})
}

// TestConfirmTwice panics, and leaves the first outcome and the count alone.
func TestConfirmTwice(t *testing.T) {
	var p *Publication
	b := New(&fakeAdapter{onPublish: func(_ context.Context, pub *Publication) { p = pub; p.Confirm(nil) }}, nil)
	c := b.PublishAsync(t.Context(), "e", "k", Message{})
	if got := panics(func() { p.Confirm(errScripted) }); got != confirmedTwice {
		t.Errorf("the second Confirm panicked with %v; want %q", got, confirmedTwice)
	}
	wantErr(t, "the outcome", c.Err())
	if n := b.publishing.n.Load(); n != 0 {
		t.Errorf("%d are in flight; want 0", n)
	}
}

// confirmingError confirms a publication while its text is made: as another
// goroutine may that confirms the same one at the same time.
type confirmingError struct{ p *Publication }

func (e confirmingError) Error() string {
	e.p.Confirm(nil)
	return "late"
}

// TestConfirmTwiceAtOnce panics as well, and gives back one place in flight.
func TestConfirmTwiceAtOnce(t *testing.T) {
	f := newInflight(10)
	wantErr(t, "acquire", f.acquire(t.Context()))
	p := Publication{Confirmed: func(error) { f.release() }}
	if got := panics(func() { p.Confirm(confirmingError{&p}) }); got != confirmedTwice {
		t.Errorf("the second Confirm panicked with %v; want %q", got, confirmedTwice)
	}
	if n := f.n.Load(); n != 0 {
		t.Errorf("%d are in flight; want 0", n)
	}
}

// panics returns what f panics with, or nil.
func panics(f func()) (v any) {
	defer func() { v = recover() }()
	f()
	return nil
}

// TestPublishConcurrent: many publishers, and confirms that come before
// Publish of the adapter returns, after it, and from other goroutines.
func TestPublishConcurrent(t *testing.T) {
	later := make(chan *Publication, 100)
	var confirmers sync.WaitGroup
	for range 2 {
		confirmers.Go(func() {
			for p := range later {
				p.Confirm(nil)
			}
		})
	}
	b := New(&fakeAdapter{onPublish: func(_ context.Context, p *Publication) {
		if p.RoutingKey == "now" {
			p.Confirm(nil)
			return
		}
		later <- p
	}}, &Options{MaxInFlight: 5})
	var publishers sync.WaitGroup
	for g := range 8 {
		publishers.Go(func() {
			for i := range 500 {
				key := "later"
				if (g+i)%3 == 0 {
					key = "now"
				}
				if i%2 == 0 {
					if err := b.Publish(context.Background(), "e", key, Message{}); err != nil {
						t.Error(err)
					}
					continue
				}
				c := b.PublishAsync(context.Background(), "e", key, Message{})
				if i%5 == 0 {
					<-c.Done()
				}
				if err := c.Wait(context.Background()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	publishers.Wait()
	close(later)
	confirmers.Wait()
	if n := b.publishing.n.Load(); n != 0 {
		t.Errorf("%d are in flight at the end; want 0", n)
	}
}
