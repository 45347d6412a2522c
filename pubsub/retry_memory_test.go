package pubsub_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gobindery/bindery/adapters/memory"
	"github.com/gobindery/bindery/pubsub"
)

// shop is a Broker on memory whose errors fail the test.
type shop struct {
	*testing.T
	*pubsub.Broker
	ctx context.Context
}

func newShop(t *testing.T) *shop {
	b := pubsub.New(memory.NewServer().Connect(nil), nil)
	t.Cleanup(func() { b.Close() })
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return &shop{t, b, ctx}
}

func (s *shop) ok(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *shop) queue(q pubsub.Queue) {
	s.Helper()
	_, err := s.DeclareQueue(s.ctx, q)
	s.ok(err)
}

// handle handles a queue with a prefetch of 1, until h returns done.
func (s *shop) handle(queue string, r pubsub.Retry, h func(d pubsub.Delivery) (done bool, err error)) error {
	s.Helper()
	c, err := s.Consume(s.ctx, queue, &pubsub.ConsumeOptions{Prefetch: 1})
	s.ok(err)
	defer c.Close()
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	err = c.Handle(ctx, &pubsub.HandleOptions{Retry: &r}, func(_ context.Context, d pubsub.Delivery) error {
		done, err := h(d)
		if done {
			cancel()
		}
		return err
	})
	s.ok(s.ctx.Err())
	return err
}

var errBusy = errors.New("busy")

// A queue that has a delay queue's name, or a delay queue that was declared with
// other arguments, ends Handle before it handles anything.
func TestRetryQueueTaken(t *testing.T) {
	s := newShop(t)
	s.queue(pubsub.Queue{Name: "work"})
	s.queue(pubsub.Queue{Name: "work.retry.1000", Durable: true})
	s.queue(pubsub.Queue{Name: "taken"})
	for _, c := range []struct {
		r    pubsub.Retry
		says string
	}{
		{pubsub.Retry{Delays: []time.Duration{time.Second}}, `the queue for messages that are retried after 1s: declare queue "work.retry.1000"`},
		{pubsub.Retry{Park: "taken"}, `the queue for parked messages: declare queue "taken"`},
	} {
		err := s.handle("work", c.r, func(pubsub.Delivery) (bool, error) {
			t.Error("a message was handled")
			return true, nil
		})
		if !errors.Is(err, pubsub.ErrPreconditionFailed) || !strings.HasPrefix(err.Error(), c.says) {
			t.Errorf("Handle returned %v; want %v, beginning with %s", err, pubsub.ErrPreconditionFailed, c.says)
		}
	}
}

// Two services with other Delays and Attempts handle one queue: failures of both
// count, and each failure goes by the service that had it.
func TestRetryByTwoServices(t *testing.T) {
	s := newShop(t)
	s.queue(pubsub.Queue{Name: "work"})
	s.ok(s.Publish(s.ctx, "", "work", pubsub.Message{}))
	patient := pubsub.Retry{Delays: []time.Duration{10 * time.Millisecond}, Attempts: 9}
	for want := 1; want <= 4; want++ {
		s.ok(s.handle("work", patient, func(d pubsub.Delivery) (bool, error) {
			if d.Attempt() != want {
				t.Errorf("it is attempt %d; want %d", d.Attempt(), want)
			}
			return true, errBusy
		}))
	}
	s.ok(s.handle("work", pubsub.Retry{Delays: []time.Duration{0}, Attempts: 2}, func(pubsub.Delivery) (bool, error) { return true, errBusy }))
	d, ok, err := s.Get(s.ctx, "work.parked", nil)
	s.ok(err)
	if want := "attempt 5 of 2 failed: busy"; !ok || d.Headers["x-parked"] != want {
		t.Fatalf("parked %v, with %v; want %q", ok, d.Headers["x-parked"], want)
	}
	s.ok(d.Ack(s.ctx))
}

// A message that is retried keeps its priority.
func TestRetryKeepsPriority(t *testing.T) {
	s := newShop(t)
	s.queue(pubsub.Queue{Name: "work", MaxPriority: 9})
	for _, m := range []pubsub.Message{{Body: []byte("low"), Priority: 1}, {Body: []byte("lowest")}, {Body: []byte("high"), Priority: 7}} {
		s.ok(s.Publish(s.ctx, "", "work", m))
	}
	var seen []string
	s.ok(s.handle("work", pubsub.Retry{Attempts: 2}, func(d pubsub.Delivery) (bool, error) {
		seen = append(seen, string(d.Body))
		if len(seen) == 1 {
			return false, errBusy
		}
		return len(seen) == 4, nil
	}))
	if want := []string{"high", "high", "low", "lowest"}; !slices.Equal(seen, want) {
		t.Errorf("handled %q; want %q", seen, want)
	}
}

// A message's own time to live doesn't end its pause, nor drop it.
func TestRetryOutlastsExpiration(t *testing.T) {
	s := newShop(t)
	s.queue(pubsub.Queue{Name: "work", DeadLetter: &pubsub.DeadLetter{RoutingKey: new("late")}})
	s.queue(pubsub.Queue{Name: "late"})
	const pause = 200 * time.Millisecond
	var failed time.Time
	c, err := s.Consume(s.ctx, "work", nil) // there before it can expire
	s.ok(err)
	s.ok(s.Publish(s.ctx, "", "work", pubsub.Message{Expiration: new(50 * time.Millisecond)}))
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	s.ok(c.Handle(ctx, &pubsub.HandleOptions{Retry: &pubsub.Retry{Delays: []time.Duration{pause}}}, func(_ context.Context, d pubsub.Delivery) error {
		if d.Expiration == nil || *d.Expiration != 50*time.Millisecond {
			t.Errorf("the handler sees the expiration %v; want that of the publish", d.Expiration)
		}
		if d.Attempt() == 1 {
			failed = time.Now()
			return errBusy
		}
		if after := time.Since(failed); after < pause {
			t.Errorf("it came after %v; want %v at least", after, pause)
		}
		cancel()
		return nil
	}))
	s.ok(s.ctx.Err())
	info, err := s.InspectQueue(s.ctx, "late")
	s.ok(err)
	if info.Ready != 0 {
		t.Errorf("%d messages expired", info.Ready)
	}
}
