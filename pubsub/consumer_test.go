package pubsub

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestReceiveInOrder(t *testing.T) {
	sub := newFakeSub()
	_, c := consume(t, sub, nil)
	sub.push(2000)
	for i, d := range receive(t, c, 2000) {
		if string(d.Body) != fmt.Sprint(i+1) || d.Exchange != "e" || d.RoutingKey != "k" {
			t.Fatalf("delivery %d is %q of %q with key %q", i+1, d.Body, d.Exchange, d.RoutingKey)
		}
	}
	if want := []int{16, 32, 64, 128, 256, 256, 256, 256, 256, 256}; !slices.Equal(sub.batches[:10], want) {
		t.Errorf("batches of %v; want them to grow as %v", sub.batches, want)
	}
	if c.Queue() != "q" {
		t.Errorf("the queue is %q; want q", c.Queue())
	}
}

// TestReceiveLetsGo: a message that was handed over and settled is not kept
// while the consumer waits for the next one.
func TestReceiveLetsGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sub := newFakeSub()
		b, c := consume(t, sub, nil)
		sub.push(40)
		receive(t, c, 40)
		waiting := during(func() error { _, err := c.Receive(context.Background()); return err })
		synctest.Wait()
		for i, in := range c.buf[:cap(c.buf)] {
			if in.Envelope != nil {
				t.Errorf("place %d of the buffer holds a message", i)
			}
		}
		wantErr(t, "close", b.Close())
		synctest.Wait()
		wantErr(t, "receive", ended(t, "receive", waiting), ErrClosed)
	})
}

// TestReceiveFromMany: several goroutines share a consumer; each delivery
// comes to one of them, and all end with it.
func TestReceiveFromMany(t *testing.T) {
	const n = 5000
	sub := newFakeSub()
	_, c := consume(t, sub, nil)
	var mu sync.Mutex
	got := map[string]int{}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for {
				d, err := c.Receive(context.Background())
				if errors.Is(err, ErrConsumerCanceled) {
					return
				}
				if err != nil {
					t.Error(err)
					return
				}
				if err := d.Ack(context.Background()); err != nil {
					t.Error(err)
				}
				mu.Lock()
				got[string(d.Body)]++
				mu.Unlock()
			}
		})
	}
	rng := random(t)
	for sent := 0; sent < n; {
		k := min(1+rng.IntN(40), n-sent)
		sub.push(k)
		sent += k
	}
	sub.finish(fmt.Errorf("%w: the queue was deleted", ErrConsumerCanceled))
	wg.Wait()
	if len(got) != n || len(sub.settlements()) != n {
		t.Errorf("got %d different deliveries and %d acks; want %d", len(got), len(sub.settlements()), n)
	}
	if n := c.origin.unsettled(); n != 0 {
		t.Errorf("%d are unsettled at the end", n)
	}
}

// TestReceiveContextOfFiller: the context of the goroutine that is in the
// adapter ends; another one takes its place.
func TestReceiveContextOfFiller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sub := newFakeSub()
		_, c := consume(t, sub, nil)
		ctx, cancel := context.WithCancelCause(t.Context())
		filler := during(func() error { _, err := c.Receive(ctx); return err })
		synctest.Wait()
		others := make(chan Delivery, 2)
		for range 2 {
			go func() {
				d, _ := c.Receive(context.Background())
				others <- d
			}()
		}
		synctest.Wait()
		cancel(errScripted)
		synctest.Wait()
		err := ended(t, "receive", filler)
		wantErr(t, "receive", err, errScripted)
		if e, ok := errors.AsType[*Error](err); !ok || e.Op != "receive from" || e.Name != `queue "q"` {
			t.Errorf("the error is %#v", err)
		}
		sub.push(1)
		synctest.Wait()
		if d := ended(t, "the second receiver", others); string(d.Body) != "1" {
			t.Errorf("got %q; want 1", d.Body)
		}
		sub.push(1)
		synctest.Wait()
		if d := ended(t, "the third receiver", others); string(d.Body) != "2" {
			t.Errorf("got %q; want 2", d.Body)
		}
	})
}

// TestReceiveContextOfWaiter: the context of a goroutine that waits for the
// one in the adapter ends.
func TestReceiveContextOfWaiter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sub := newFakeSub()
		_, c := consume(t, sub, nil)
		filler := during(func() Delivery { d, _ := c.Receive(context.Background()); return d })
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if d, err := c.Receive(ctx); !errors.Is(err, context.DeadlineExceeded) || d.Body != nil {
			t.Errorf("got %q, %v; want the context's error", d.Body, err)
		}
		if _, err := c.Receive(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("with a context that has ended: %v", err)
		}
		running(t, "the first receiver", filler)
		sub.push(1)
		synctest.Wait()
		if d := ended(t, "the first receiver", filler); string(d.Body) != "1" {
			t.Errorf("got %q; want 1", d.Body)
		}
	})
}

// TestReceiveWakesEnough: a batch wakes as many as it has deliveries, also
// where one wake must do for several.
func TestReceiveWakesEnough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sub := newFakeSub()
		b, c := consume(t, sub, nil)
		const n = 64
		got := make(chan error, n)
		for range n {
			go func() { _, err := c.Receive(context.Background()); got <- err }()
		}
		synctest.Wait()
		for i, push := range []int{1, 5, 16, 1, 30} {
			before := len(got)
			sub.push(push)
			synctest.Wait()
			if k := len(got) - before; k != push {
				t.Fatalf("step %d: %d deliveries came to %d goroutines", i, push, k)
			}
		}
		if c.waiting != n-53-1 || !c.filling {
			t.Errorf("%d wait for their turn; want %d, and one in the adapter", c.waiting, n-53-1)
		}
		wantErr(t, "close", b.Close())
		synctest.Wait()
		if len(got) != n {
			t.Errorf("%d of %d returned", len(got), n)
		}
	})
}

// TestConsumerEnds: each way in which a consumer ends ends all that wait in
// Receive, with its reason.
func TestConsumerEnds(t *testing.T) {
	for _, c := range []struct {
		name string
		end  func(*fakeSub, *Broker, *Consumer) error
		want error
		text string
	}{
		{"by the broker",
			func(s *fakeSub, _ *Broker, _ *Consumer) error {
				s.finish(fmt.Errorf("%w: queue 'q' was deleted", ErrConsumerCanceled))
				return nil
			},
			ErrConsumerCanceled, `receive from queue "q": consumer canceled by the broker: queue 'q' was deleted`},
		{"Cancel",
			func(_ *fakeSub, _ *Broker, c *Consumer) error { return c.Cancel(context.Background()) },
			ErrClosed, `receive from queue "q": closed: this Consumer was closed`},
		{"Close",
			func(_ *fakeSub, _ *Broker, c *Consumer) error { return c.Close() },
			ErrClosed, `receive from queue "q": closed: this Consumer was closed`},
		{"Broker.Close",
			func(_ *fakeSub, b *Broker, _ *Consumer) error { return b.Close() },
			ErrClosed, `receive from queue "q": closed: this Broker was closed; open another`},
		{"Broker.Shutdown",
			func(_ *fakeSub, b *Broker, _ *Consumer) error { return b.Shutdown(context.Background()) },
			ErrClosed, `receive from queue "q": closed: this Consumer was closed`},
	} {
		for _, auto := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, AutoAck %t", c.name, auto), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					sub := newFakeSub()
					b, cons := consume(t, sub, &ConsumeOptions{AutoAck: auto})
					errs := make(chan error, 5)
					for range cap(errs) {
						go func() { _, err := cons.Receive(context.Background()); errs <- err }()
					}
					synctest.Wait()
					wantErr(t, c.name, c.end(sub, b, cons))
					synctest.Wait()
					if len(errs) != cap(errs) {
						t.Fatalf("%d of %d goroutines returned from Receive", len(errs), cap(errs))
					}
					for range cap(errs) {
						err := <-errs
						if !errors.Is(err, c.want) || !strings.HasPrefix(err.Error(), c.text) {
							t.Errorf("got the error %q; want %q", err, c.text)
						}
					}
					d, err := cons.Receive(context.Background())
					wantErr(t, "receive later", err, c.want)
					if d.Body != nil || d.Envelope == nil {
						t.Error("the delivery with the error is not empty")
					}
					wantErr(t, "ack the empty delivery", d.Ack(t.Context()), ErrInvalid)
					wantErr(t, "ack through the empty delivery", d.AckThrough(t.Context()), ErrInvalid)
				})
			})
		}
	}
}

// TestCancelGivesBack: what was not received goes back before Cancel returns;
// what was received can be settled.
func TestCancelGivesBack(t *testing.T) {
	sub := newFakeSub()
	_, c := consume(t, sub, nil)
	sub.push(5)
	ds := receive(t, c, 2)
	wantErr(t, "cancel", c.Cancel(t.Context()))
	if got, want := sub.settlements(), []string{"requeue 3", "requeue 4", "requeue 5"}; !slices.Equal(got, want) {
		t.Errorf("settled %q; want %q", got, want)
	}
	wantErr(t, "ack", ds[0].Ack(t.Context()))
	wantErr(t, "reject", ds[1].Reject(t.Context()))
	wantErr(t, "reject again", ds[1].Reject(t.Context()), ErrSettled)
	wantErr(t, "cancel again", c.Cancel(t.Context()))
	if got, want := sub.settlements()[3:], []string{"ack 1", "reject 2"}; !slices.Equal(got, want) {
		t.Errorf("settled %q; want %q", got, want)
	}
}

// TestCancelWaitsForFiller: deliveries that Receive of the adapter is handing
// over as Cancel comes are back in the queue when it returns.
func TestCancelWaitsForFiller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sub := newFakeSub()
		gate := make(chan struct{})
		sub.onHand = func() { <-gate }
		_, c := consume(t, sub, nil)
		receiving := during(func() error { _, err := c.Receive(context.Background()); return err })
		sub.push(3)
		synctest.Wait()

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		wantErr(t, "cancel with a context that ends", c.Cancel(ctx), context.DeadlineExceeded)
		canceling := during(func() error { return c.Cancel(context.Background()) })
		synctest.Wait()
		running(t, "cancel", canceling)
		close(gate)
		synctest.Wait()
		wantErr(t, "cancel", ended(t, "cancel", canceling))
		wantErr(t, "receive", ended(t, "receive", receiving), ErrClosed)
		if got, want := sub.settlements(), []string{"requeue 1", "requeue 2", "requeue 3"}; !slices.Equal(got, want) {
			t.Errorf("settled %q; want %q", got, want)
		}
	})
}

// TestGiveBackHoldsUpNobody: an adapter that is slow to take what goes back
// doesn't hold up the rest of the Broker.
func TestGiveBackHoldsUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sub := newFakeSub()
		gate := make(chan struct{})
		sub.onSettle = func(settlement) error { <-gate; return nil }
		b, c := consume(t, sub, nil)
		sub.push(2)
		receive(t, c, 1)
		canceling := during(func() error { return c.Cancel(context.Background()) })
		synctest.Wait()
		running(t, "cancel", canceling)
		_, err := c.Receive(t.Context())
		wantErr(t, "receive meanwhile", err, ErrClosed)
		for range 40 { // enough for remember to look at c
			_, err := b.Consume(t.Context(), "q", nil)
			wantErr(t, "consume meanwhile", err)
		}
		close(gate)
		synctest.Wait()
		wantErr(t, "cancel", ended(t, "cancel", canceling))
	})
}

// TestCancelFails: the consumer ends all the same, and what failed is told.
func TestCancelFails(t *testing.T) {
	sub := newFakeSub()
	sub.cancelErr = fmt.Errorf("%w: no answer", ErrUnavailable)
	_, c := consume(t, sub, nil)
	err := c.Cancel(t.Context())
	wantErr(t, "cancel", err, ErrUnavailable)
	if want := `cancel consumer of queue "q": broker unavailable: no answer`; err.Error() != want {
		t.Errorf("the error is %q; want %q", err, want)
	}
	_, err = c.Receive(t.Context())
	wantErr(t, "receive", err, ErrClosed)
}

// TestCloseReturnsUnsettled: the adapter returns what is unsettled by itself,
// and settling says that it is lost, or that it was settled before.
func TestCloseReturnsUnsettled(t *testing.T) {
	sub := newFakeSub()
	b, c := consume(t, sub, nil)
	sub.push(6)
	ds := receive(t, c, 4)
	wantErr(t, "ack", ds[0].Ack(t.Context()))
	wantErr(t, "close", c.Close())
	wantErr(t, "close again", c.Close())
	for i, settle := range []func(context.Context) error{ds[1].Ack, ds[2].Requeue, ds[3].Reject, ds[1].Ack, ds[3].AckThrough} {
		wantErr(t, fmt.Sprintf("settle %d", i), settle(t.Context()), ErrDeliveryLost)
	}
	wantErr(t, "ack what was acked", ds[0].Ack(t.Context()), ErrSettled)
	wantErr(t, "ack through what was acked", ds[0].AckThrough(t.Context()), ErrSettled)
	if got, want := sub.settlements(), []string{"ack 1"}; !slices.Equal(got, want) {
		t.Errorf("settled %q; want %q", got, want)
	}
	if len(b.consumers) != 0 {
		t.Error("the Broker keeps the consumer")
	}
}

// TestAutoAckKeeps: with AutoAck, what had come is handed over after the end:
// in the Consumer's buffer, and in the adapter.
func TestAutoAckKeeps(t *testing.T) {
	for _, c := range []struct {
		name string
		end  func(*Broker, *Consumer) error
	}{
		{"Cancel", func(_ *Broker, c *Consumer) error { return c.Cancel(context.Background()) }},
		{"Close", func(_ *Broker, c *Consumer) error { return c.Close() }},
		{"Broker.Close", func(b *Broker, _ *Consumer) error { return b.Close() }},
	} {
		t.Run(c.name, func(t *testing.T) {
			sub := newFakeSub()
			b, cons := consume(t, sub, &ConsumeOptions{AutoAck: true})
			sub.push(100)
			first := receive(t, cons, 1)[0]
			wantErr(t, "ack", first.Ack(t.Context()), ErrSettled)
			wantErr(t, "ack through", first.AckThrough(t.Context()), ErrSettled)
			wantErr(t, c.name, c.end(b, cons))
			var got []Delivery
			for d, err := range cons.All(t.Context()) {
				if err != nil {
					wantErr(t, "all", err, ErrClosed)
					break
				}
				got = append(got, d)
			}
			if len(got) != 99 || string(got[98].Body) != "100" {
				t.Errorf("%d deliveries came after the end; want 99", len(got))
			}
			_, err := cons.Receive(t.Context())
			wantErr(t, "receive", err, ErrClosed)
			if len(sub.settlements()) != 0 {
				t.Errorf("settled %q; want nothing", sub.settlements())
			}
		})
	}
}

func TestAll(t *testing.T) {
	sub := newFakeSub()
	_, c := consume(t, sub, nil)
	sub.push(10)

	// Leaving the loop leaves the consumer as it is.
	n := 0
	for d, err := range c.All(t.Context()) {
		wantErr(t, "all", err)
		if n++; string(d.Body) != fmt.Sprint(n) {
			t.Fatalf("got %q; want %d", d.Body, n)
		}
		if n == 3 {
			break
		}
	}
	if d := receive(t, c, 1)[0]; string(d.Body) != "4" {
		t.Errorf("after the loop comes %q; want 4", d.Body)
	}

	// The context's end is the last pair.
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var last error
	for d, err := range c.All(ctx) {
		if last != nil {
			t.Fatal("another pair after the error")
		}
		if last = err; err == nil && string(d.Body) == "10" {
			cancel()
		}
	}
	wantErr(t, "the last pair", last, context.Canceled)

	// So is the broker's; one's own just ends it.
	for _, end := range []struct {
		err  error
		want []error
	}{
		{nil, nil},
		{ErrConsumerCanceled, []error{ErrConsumerCanceled}},
	} {
		sub := newFakeSub()
		_, c := consume(t, sub, nil)
		if end.err == nil {
			wantErr(t, "cancel", c.Cancel(t.Context()))
		} else {
			sub.finish(end.err)
		}
		pairs := 0
		for _, err := range c.All(t.Context()) {
			pairs++
			wantErr(t, "all", err, end.want...)
		}
		if pairs != len(end.want) {
			t.Errorf("%d pairs after the end by %v; want %d", pairs, end.err, len(end.want))
		}
	}
}

// TestEndedConsumersAreForgotten: a program that cancels consumers and never
// closes them does not collect them.
func TestEndedConsumersAreForgotten(t *testing.T) {
	fake := &fakeAdapter{onConsume: func(string, ConsumeOptions) (Subscription, error) {
		s := newFakeSub()
		s.push(1)
		return s, nil
	}}
	b := New(fake, nil)
	for i := range 500 {
		c, err := b.Consume(t.Context(), "q", &ConsumeOptions{AutoAck: i%2 == 0})
		wantErr(t, "consume", err)
		d := receive(t, c, 1)[0]
		wantErr(t, "cancel", c.Cancel(t.Context()))
		if i%2 != 0 {
			wantErr(t, "ack", d.Ack(t.Context()))
		}
	}
	if n := len(b.consumers); n > 16 {
		t.Errorf("the Broker keeps %d consumers that have ended; want at most 16", n)
	}
}

// TestConsumeOptions: what the adapter gets.
func TestConsumeOptions(t *testing.T) {
	fake := (&fakeAdapter{}).consumes(newFakeSub())
	b := New(fake, nil)
	for _, o := range []*ConsumeOptions{nil, {Prefetch: 1}, {Prefetch: Unlimited, Tag: "t", Exclusive: true, Priority: -3, AutoAck: true}} {
		_, err := b.Consume(t.Context(), "q", o)
		wantErr(t, "consume", err)
	}
	want := []string{
		"consume q {Prefetch:256 AutoAck:false Exclusive:false Priority:0 Tag:}",
		"consume q {Prefetch:1 AutoAck:false Exclusive:false Priority:0 Tag:}",
		fmt.Sprintf("consume q {Prefetch:%d AutoAck:true Exclusive:true Priority:-3 Tag:t}", Unlimited),
	}
	if got := fake.takeCalls(); !slices.Equal(got, want) {
		t.Errorf("the adapter got\n%q; want\n%q", got, want)
	}

	fake.onConsume = func(string, ConsumeOptions) (Subscription, error) { return nil, ErrNotFound }
	c, err := b.Consume(t.Context(), "q", nil)
	wantErr(t, "consume from a missing queue", err, ErrNotFound)
	if c != nil {
		t.Error("a Consumer came with the error")
	}
}

// TestConsumeDuringClose: the Broker closes while the adapter starts the
// consumer; it is not left behind.
func TestConsumeDuringClose(t *testing.T) {
	sub := newFakeSub()
	fake := &fakeAdapter{}
	b := New(fake, nil)
	fake.onConsume = func(string, ConsumeOptions) (Subscription, error) {
		wantErr(t, "close", b.Close())
		return sub, nil
	}
	c, err := b.Consume(t.Context(), "q", nil)
	wantErr(t, "consume", err, ErrClosed)
	if c != nil || sub.closed != 1 {
		t.Errorf("the subscription was closed %d times; want once", sub.closed)
	}
}

// TestConsumerLogs: that the broker ended a consumer is told behind the
// program's back; what the program did itself is not.
func TestConsumerLogs(t *testing.T) {
	for _, c := range []struct {
		end  error
		want string
	}{
		{fmt.Errorf("%w: queue 'q' was deleted", ErrConsumerCanceled), `level=WARN msg="consumer ended" queue=q error="consumer canceled by the broker: queue 'q' was deleted"` + "\n"},
		{ErrClosed, ""},
	} {
		var out bytes.Buffer
		log := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}}))
		sub := newFakeSub()
		cons, err := New((&fakeAdapter{}).consumes(sub), &Options{Logger: log}).Consume(t.Context(), "q", nil)
		wantErr(t, "consume", err)
		sub.finish(c.end)
		for range 2 {
			_, err = cons.Receive(t.Context())
			wantErr(t, "receive", err, c.end)
		}
		if out.String() != c.want {
			t.Errorf("logged %q; want %q", out.String(), c.want)
		}
	}
}
