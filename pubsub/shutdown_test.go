package pubsub

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// TestShutdownWaitsForSettlements: for each way to settle, and until the
// adapter has the outcome; only then is the adapter closed.
func TestShutdownWaitsForSettlements(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sub := newFakeSub()
		gate := make(chan struct{})
		sub.onSettle = func(s settlement) error {
			if s.tag == 3 {
				<-gate
			}
			return nil
		}
		b, c := consume(t, sub, nil)
		sub.push(5)
		ds := receive(t, c, 3)
		shutting := during(func() error { return b.Shutdown(context.Background()) })
		synctest.Wait()
		running(t, "shutdown with 3 unsettled", shutting)
		_, err := c.Receive(t.Context())
		wantErr(t, "receive meanwhile", err, ErrClosed)
		_, err = b.Consume(t.Context(), "q", nil)
		wantErr(t, "consume meanwhile", err, ErrClosed)
		wantErr(t, "publish meanwhile", b.Publish(t.Context(), "e", "k", Message{}))
		wantErr(t, "declare meanwhile", b.DeclareExchange(t.Context(), Exchange{Name: "e", Kind: Fanout}))

		wantErr(t, "ack", ds[0].Ack(t.Context()))
		wantErr(t, "reject", ds[1].Reject(t.Context()))
		synctest.Wait()
		running(t, "shutdown with 1 unsettled", shutting)
		requeueing := during(func() error { return ds[2].Requeue(context.Background()) })
		synctest.Wait()
		running(t, "shutdown while the adapter takes the outcome", shutting)
		if sub.closed != 0 {
			t.Error("the adapter is closed; want it to wait")
		}
		close(gate)
		synctest.Wait()
		wantErr(t, "requeue", ended(t, "requeue", requeueing))
		wantErr(t, "shutdown", ended(t, "shutdown", shutting))
		want := []string{"requeue 4", "requeue 5", "ack 1", "reject 2", "requeue 3"}
		if got := sub.settlements(); !slices.Equal(got, want) || sub.closed != 1 {
			t.Errorf("settled %q, and closed %d times; want %q, and once", got, sub.closed, want)
		}
		wantErr(t, "shutdown again", b.Shutdown(t.Context()))
		wantErr(t, "close after it", b.Close())
		if sub.closed != 1 {
			t.Error("the adapter was closed again")
		}
	})
}

// TestShutdownWaitsForConfirms, and is not held up by those who publish on.
func TestShutdownWaitsForConfirms(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sent []*Publication
		fake := &fakeAdapter{onPublish: func(_ context.Context, p *Publication) { sent = append(sent, p) }}
		b := New(fake, nil)
		first := b.PublishAsync(t.Context(), "e", "1", Message{})
		shutting := during(func() error { return b.Shutdown(context.Background()) })
		synctest.Wait()
		running(t, "shutdown", shutting)
		wantErr(t, "publish meanwhile", b.Publish(t.Context(), "e", "2", Message{}), ErrClosed)
		if len(sent) != 1 || slices.Contains(fake.takeCalls(), "close") {
			t.Fatal("a publish was sent, or the adapter is closed")
		}
		sent[0].Confirm(nil)
		synctest.Wait()
		wantErr(t, "shutdown", ended(t, "shutdown", shutting))
		wantErr(t, "the publish before", first.Wait(t.Context()))
		if got := fake.takeCalls(); !slices.Equal(got, []string{"close"}) {
			t.Errorf("calls of the adapter: %q; want close", got)
		}
	})
}

// TestShutdownBesidePublishers: publishers that never pause don't keep
// Shutdown from ending, and each of their publishes has an outcome.
func TestShutdownBesidePublishers(t *testing.T) {
	confirms := make(chan *Publication, 64)
	confirmer := during(func() error {
		for p := range confirms {
			p.Confirm(nil)
		}
		return nil
	})
	b := New(&fakeAdapter{onPublish: func(_ context.Context, p *Publication) { confirms <- p }}, &Options{MaxInFlight: 8})
	var publishers []<-chan error
	started := make(chan struct{}, 4)
	for range 4 {
		publishers = append(publishers, during(func() error {
			for i := 0; ; i++ {
				if i == 100 {
					started <- struct{}{}
				}
				if err := b.Publish(context.Background(), "e", "k", Message{}); err != nil {
					return err
				}
			}
		}))
	}
	for range publishers {
		<-started
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	wantErr(t, "shutdown", b.Shutdown(ctx))
	for _, p := range publishers {
		wantErr(t, "publish at the end", <-p, ErrClosed)
	}
	close(confirms)
	wantErr(t, "confirm", <-confirmer)
}

// TestShutdownWaitsForGet: for deliveries of Get as for those of consumers.
func TestShutdownWaitsForGet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sub := newFakeSub()
		fake := &fakeAdapter{onGet: func(_ string, o GetOptions) (Got, error) {
			return Got{Incoming: Incoming{Envelope: noMessage, Tag: 7}, OK: true, Settler: sub}, nil
		}}
		b := New(fake, nil)
		d, _, err := b.Get(t.Context(), "q", nil)
		wantErr(t, "get", err)
		_, _, err = b.Get(t.Context(), "q", &GetOptions{AutoAck: true})
		wantErr(t, "get with AutoAck", err)
		shutting := during(func() error { return b.Shutdown(context.Background()) })
		synctest.Wait()
		running(t, "shutdown", shutting)
		_, ok, err := b.Get(t.Context(), "q", nil)
		wantErr(t, "get meanwhile", err, ErrClosed)
		if ok {
			t.Error("get meanwhile: ok")
		}
		wantErr(t, "ack through", d.AckThrough(t.Context()))
		synctest.Wait()
		wantErr(t, "shutdown", ended(t, "shutdown", shutting))
		if got := sub.settlements(); !slices.Equal(got, []string{"ack 7"}) {
			t.Errorf("settled %q; want ack 7", got)
		}
	})
}

// TestShutdownWaitsForHandlers: also with AutoAck, where nothing is to be
// settled; what had come is handled first.
func TestShutdownWaitsForHandlers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sub := newFakeSub()
		b, c := consume(t, sub, &ConsumeOptions{AutoAck: true})
		sub.push(3)
		gate := make(chan struct{})
		handled := 0
		handling := during(func() error {
			return c.Handle(context.Background(), nil, func(context.Context, Delivery) error {
				<-gate
				handled++
				return nil
			})
		})
		synctest.Wait()
		shutting := during(func() error { return b.Shutdown(context.Background()) })
		synctest.Wait()
		running(t, "shutdown", shutting)
		close(gate)
		synctest.Wait()
		wantErr(t, "handle", ended(t, "handle", handling))
		wantErr(t, "shutdown", ended(t, "shutdown", shutting))
		if handled != 3 {
			t.Errorf("%d messages were handled; want 3", handled)
		}
	})
}

// TestShutdownContextEnds: it tells what is left, and closes.
func TestShutdownContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sub := newFakeSub()
		fake := &fakeAdapter{}
		fake.consumes(sub)
		var p *Publication
		fake.onPublish = func(_ context.Context, pub *Publication) { p = pub }
		fake.onGet = func(string, GetOptions) (Got, error) {
			return Got{Incoming: Incoming{Envelope: noMessage, Tag: 1}, OK: true, Settler: sub}, nil
		}
		fake.onClose = func() error {
			p.Confirm(fmt.Errorf("%w: the connection was closed", ErrUnconfirmed))
			return sub.Close()
		}
		b := New(fake, nil)
		c, err := b.Consume(t.Context(), "q", nil)
		wantErr(t, "consume", err)
		sub.push(2)
		ds := receive(t, c, 2)
		got, _, err := b.Get(t.Context(), "q", nil)
		wantErr(t, "get", err)
		confirmation := b.PublishAsync(t.Context(), "e", "k", Message{})
		gate := make(chan struct{})
		other, err := b.Consume(t.Context(), "r", nil)
		wantErr(t, "consume", err)
		sub.push(1)
		handling := during(func() error {
			return other.Handle(context.Background(), nil, func(context.Context, Delivery) error { <-gate; return nil })
		})
		synctest.Wait()

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err = b.Shutdown(ctx)
		wantErr(t, "shutdown", err, context.DeadlineExceeded)
		want := map[string]bool{
			`shut down: 2 deliveries from queue "q" are not settled: context deadline exceeded`: true,
			`shut down: 1 deliveries from queue "r" are not settled: context deadline exceeded`: true,
			`shut down: 1 calls of Handle have not returned: context deadline exceeded`:         true,
			`shut down: 1 deliveries of Get are not settled: context deadline exceeded`:         true,
			`shut down: 1 publishes have no outcome: context deadline exceeded`:                 true,
		}
		for _, e := range err.(interface{ Unwrap() []error }).Unwrap() {
			if !want[e.Error()] {
				t.Errorf("unexpected: %q", e)
			}
			delete(want, e.Error())
		}
		for w := range want {
			t.Errorf("missing: %q", w)
		}
		wantErr(t, "the publish", confirmation.Wait(t.Context()), ErrUnconfirmed)
		wantErr(t, "ack", ds[0].Ack(t.Context()), ErrDeliveryLost)
		wantErr(t, "ack of the got one, which the adapter judges", got.Ack(t.Context()))
		close(gate)
		synctest.Wait()
		ended(t, "handle", handling)
	})
}

// TestCloseDuringShutdown cuts it short.
func TestCloseDuringShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sub := newFakeSub()
		b, c := consume(t, sub, nil)
		b.adapter.(*fakeAdapter).onGet = func(string, GetOptions) (Got, error) {
			return Got{Incoming: Incoming{Envelope: noMessage, Tag: 1}, OK: true, Settler: sub}, nil
		}
		sub.push(2)
		ds := receive(t, c, 2)
		_, _, err := b.Get(t.Context(), "q", nil)
		wantErr(t, "get", err)
		shutting := during(func() error { return b.Shutdown(context.Background()) })
		again := during(func() error { return b.Shutdown(context.Background()) })
		synctest.Wait()
		running(t, "shutdown", shutting)
		wantErr(t, "ack", ds[0].Ack(t.Context()))
		wantErr(t, "close", b.Close())
		synctest.Wait()
		// One of the two was under way, and is told; the other finds it
		// closed.
		errs := []error{ended(t, "shutdown", shutting), ended(t, "shutdown", again)}
		if errs[0] == nil {
			slices.Reverse(errs)
		}
		wantErr(t, "shutdown", errs[0], ErrClosed)
		wantErr(t, "the other shutdown", errs[1])
		if want := "shut down: closed: Close came first"; errs[0].Error() != want {
			t.Errorf("the error is %q; want %q", errs[0], want)
		}
		wantErr(t, "ack", ds[1].Ack(t.Context()), ErrDeliveryLost)
	})
}

// TestShutdownIdle: with nothing left to wait for, a context that has ended is
// no error.
func TestShutdownIdle(t *testing.T) {
	b, c := consume(t, newFakeSub(), nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	wantErr(t, "shutdown", b.Shutdown(ctx))
	_, err := c.Receive(t.Context())
	wantErr(t, "receive", err, ErrClosed)
}

// TestShutdownTwice: the second one waits for the first, but no longer than
// its own context lives.
func TestShutdownTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sub := newFakeSub()
		b, c := consume(t, sub, nil)
		sub.push(1)
		d := receive(t, c, 1)[0]
		first := during(func() error { return b.Shutdown(context.Background()) })
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := b.Shutdown(ctx)
		wantErr(t, "the second shutdown", err, context.DeadlineExceeded)
		if want := "shut down: another Shutdown is under way: context deadline exceeded"; err.Error() != want {
			t.Errorf("the error is %q; want %q", err, want)
		}
		synctest.Wait()
		wantErr(t, "the first shutdown", ended(t, "shutdown", first), ErrClosed)
		wantErr(t, "ack", d.Ack(t.Context()), ErrDeliveryLost)
	})
}

// TestCloseTwice: the second call returns when the first one is done.
func TestCloseTwice(t *testing.T) {
	closing, gate := make(chan struct{}), make(chan struct{})
	fake := &fakeAdapter{onClose: func() error { close(closing); <-gate; return errScripted }}
	b := New(fake, nil)
	first := during(b.Close)
	<-closing
	second := during(b.Close)
	select {
	case <-second:
		t.Error("the second Close returned before the first one was done")
	case <-time.After(10 * time.Millisecond): // for it to do so, if it would
	}
	close(gate)
	err := <-first
	wantErr(t, "close", err, errScripted)
	if want := "close: scripted"; err.Error() != want {
		t.Errorf("the error is %q; want %q", err, want)
	}
	wantErr(t, "the second Close", <-second)
	if got := fake.takeCalls(); len(got) != 1 {
		t.Errorf("calls of the adapter: %q; want one", got)
	}
}

// TestClosed: every method says so, and calls nothing.
func TestClosed(t *testing.T) {
	sub := newFakeSub()
	b, _ := consume(t, sub, nil)
	wantErr(t, "close", b.Close())
	fake := b.adapter.(*fakeAdapter)
	fake.takeCalls()
	for name, call := range calls(b) {
		err := call(t.Context())
		wantErr(t, name, err, ErrClosed)
		if _, ok := errors.AsType[*Error](err); !ok {
			t.Errorf("%s: the error %v is no *Error", name, err)
		}
	}
	if got := fake.takeCalls(); len(got) != 0 {
		t.Errorf("calls of the adapter: %q; want none", got)
	}
}

// calls are the methods of a Broker that may fail.
func calls(b *Broker) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"DeclareExchange": func(ctx context.Context) error {
			return b.DeclareExchange(ctx, Exchange{Name: "e", Kind: Topic, Arguments: Table{"n": 1}})
		},
		"CheckExchange":  func(ctx context.Context) error { return b.CheckExchange(ctx, "e") },
		"DeleteExchange": func(ctx context.Context) error { return b.DeleteExchange(ctx, "e", nil) },
		"DeclareQueue": func(ctx context.Context) error {
			_, err := b.DeclareQueue(ctx, Queue{Name: "q", Arguments: Table{"n": 1}})
			return err
		},
		"InspectQueue": func(ctx context.Context) error { _, err := b.InspectQueue(ctx, "q"); return err },
		"DeleteQueue":  func(ctx context.Context) error { _, err := b.DeleteQueue(ctx, "q", nil); return err },
		"PurgeQueue":   func(ctx context.Context) error { _, err := b.PurgeQueue(ctx, "q"); return err },
		"Bind": func(ctx context.Context) error {
			return b.Bind(ctx, Binding{Exchange: "e", Queue: "q", Arguments: Table{"n": 1}})
		},
		"Unbind": func(ctx context.Context) error {
			return b.Unbind(ctx, Binding{Exchange: "e", ToExchange: "f", Arguments: Table{"n": 1}})
		},
		"Publish": func(ctx context.Context) error { return b.Publish(ctx, "e", "k", Message{}) },
		"PublishAsync": func(ctx context.Context) error {
			return b.PublishAsync(ctx, "e", "k", Message{}).Wait(ctx)
		},
		"Consume":  func(ctx context.Context) error { _, err := b.Consume(ctx, "q", nil); return err },
		"Get":      func(ctx context.Context) error { _, _, err := b.Get(ctx, "q", nil); return err },
		"Topology": func(ctx context.Context) error { _, err := b.Topology(ctx); return err },
	}
}

// stuckSub is a Subscription whose broker doesn't answer, until its connection
// is closed.
type stuckSub struct {
	*fakeSub
	over chan struct{}
}

func (s *stuckSub) Close() error {
	<-s.over
	return s.fakeSub.Close()
}

// TestShutdownBesideStuckClose: a consumer's Close that waits for the broker
// doesn't keep Shutdown beyond its time.
func TestShutdownBesideStuckClose(t *testing.T) {
	sub := &stuckSub{newFakeSub(), make(chan struct{})}
	b := New((&fakeAdapter{onClose: func() error { close(sub.over); return nil }}).consumes(sub), nil)
	c, err := b.Consume(t.Context(), "q", nil)
	wantErr(t, "consume", err)
	closing := during(c.Close)
	for !c.ending() {
		time.Sleep(time.Millisecond)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	shutting := during(func() error { return b.Shutdown(ctx) })
	select {
	case err := <-shutting:
		wantErr(t, "shutdown", err, context.DeadlineExceeded)
	case <-time.After(10 * time.Second):
		t.Error("Shutdown waits for ten seconds; want its context's 20 ms")
		wantErr(t, "close the Broker", b.Close())
	}
	wantErr(t, "close", <-closing)
}
