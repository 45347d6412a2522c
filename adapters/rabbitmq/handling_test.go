package rabbitmq_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/gobindery/bindery/adapters/rabbitmq/rabbitmqtest"
	"github.com/gobindery/bindery/pubsub"
)

// A node that is killed, and started again, under programs that handle, retry, call and serve. A
// persistent message that rests in a delay queue comes again, and so does one whose handler runs
// say that their outcome is not known. What a handler has done may come again.
func TestHandlingAcrossRestart(t *testing.T) {
	node := rabbitmqtest.Run(t, nil)
	b, client := open(t, node.URL(), nil), open(t, node.URL(), nil)
	for _, q := range []string{"work", "keyed", "slow"} {
		b.queue(pubsub.Queue{Name: q, Durable: true})
	}
	k, err := client.NewCaller(b.ctx)
	b.ok(err)
	started, cut := make(chan string, 100), make(chan struct{})
	done := &seen{}
	notYet := errors.New("not yet")
	ctx, cancel := context.WithCancel(b.ctx)
	var handling sync.WaitGroup
	handle := func(queue string, o *pubsub.HandleOptions, h func(pubsub.Delivery) error) {
		c := b.consume(queue, nil)
		handling.Go(func() {
			if err := c.Handle(ctx, o, func(_ context.Context, d pubsub.Delivery) error { return h(d) }); err != nil {
				t.Errorf("Handle of %s: %v", queue, err)
			}
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	retry := &pubsub.Retry{Delays: []time.Duration{5 * time.Second}, Attempts: 3}
	handle("work", &pubsub.HandleOptions{Concurrency: 3, Retry: retry}, func(d pubsub.Delivery) error {
		body := string(d.Body)
		started <- body
		if body != "rests" {
			<-cut
		}
		if body != "succeeds" && d.Attempt() == 1 {
			return notYet
		}
		done.add(fmt.Sprintf("%s in attempt %d", body, d.Attempt()))
		return nil
	})
	order := &seen{}
	key := func(pubsub.Delivery) string { return "one" }
	handle("keyed", &pubsub.HandleOptions{Concurrency: 2, Key: key, Retry: retry}, func(d pubsub.Delivery) error {
		order.add(string(d.Body))
		if string(d.Body) == "1" && d.Attempt() == 1 {
			started <- "keyed"
			return notYet
		}
		return nil
	})
	handling.Go(func() {
		err := b.Serve(ctx, "slow", nil, func(_ context.Context, d pubsub.Delivery) (pubsub.Message, error) {
			started <- string(d.Body)
			<-cut
			return pubsub.Message{Body: append([]byte("re: "), d.Body...), DeliveryMode: pubsub.Persistent}, nil
		})
		if err != nil {
			t.Error("Serve:", err)
		}
	})
	send := func(queue, body string) {
		t.Helper()
		b.ok(b.Publish(b.ctx, "", queue, pubsub.Message{Body: []byte(body), DeliveryMode: pubsub.Persistent}, pubsub.Mandatory))
	}
	starts := func(what string) {
		t.Helper()
		select {
		case got := <-started:
			if got != what {
				t.Fatalf("the handler of %q started; want that of %q", got, what)
			}
		case <-b.ctx.Done():
			t.Fatalf("the handler of %q has not started", what)
		}
	}
	var calls sync.WaitGroup
	call := func(body string, sure bool) {
		calls.Go(func() {
			m, err := k.Call(b.ctx, "", "slow", pubsub.Message{Body: []byte(body), DeliveryMode: pubsub.Persistent})
			if err != nil && (sure || !errors.Is(err, pubsub.ErrUnconfirmed)) || err == nil && string(m.Body) != "re: "+body {
				t.Errorf("the call %q got %q, %v; want its reply", body, m.Body, err)
			}
		})
	}

	for _, body := range []string{"rests", "fails", "succeeds"} {
		send("work", body)
		starts(body)
	}
	for i := range 4 {
		send("keyed", fmt.Sprint(i))
	}
	starts("keyed")
	call("in its handler", false)
	starts("in its handler")
	call("in the queue", false)
	b.eventually("all to be where it should be", func() bool {
		info, err := b.InspectQueue(b.ctx, "slow")
		b.ok(err)
		publishes, _ := client.InFlight()
		return info.Ready == 1 && publishes == 0
	})
	b.ok(node.Flush(b.ctx)) // else RabbitMQ may forget durable queues that are this new
	b.ok(node.Kill())
	call("without a node", true)
	close(cut)
	b.ok(node.Restart(b.ctx))

	b.eventually("all to be handled", func() bool {
		return done.has("rests in attempt 2", "fails in attempt 2", "succeeds in attempt 1") && order.has("3")
	})
	calls.Wait()
	call("afterwards", true)
	calls.Wait()
	for _, q := range []string{"work", "keyed", "slow", "work.retry.5000", "work.parked", "keyed.parked"} {
		b.eventually("an empty queue "+q, func() bool {
			info, err := b.InspectQueue(b.ctx, q)
			b.ok(err)
			return info.Ready == 0
		})
	}
	cancel()
	handling.Wait()
	b.ok(k.Close())
	if got := order.first(); !slices.Equal(got, []string{"0", "1", "2", "3"}) {
		t.Errorf("keyed messages came first in the order %q", got)
	}
}

// What comes again anyway is not handled before, and a message that failed gets no second copy.
func TestLostIsNotHandled(t *testing.T) {
	server := rabbitmqtest.Shared(t)
	url := server.VHost(t)
	for _, c := range []struct {
		name string
		o    pubsub.HandleOptions
		want []string
	}{
		{"loop", pubsub.HandleOptions{}, []string{"0", "0", "1", "2"}},
		{"key", pubsub.HandleOptions{Key: func(pubsub.Delivery) string { return "" }}, []string{"0", "0", "1", "2"}},
		{"retry", pubsub.HandleOptions{Retry: &pubsub.Retry{Attempts: 3}}, []string{"0", "0", "1", "2", "0 again"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := open(t, url, nil)
			q := b.queue(pubsub.Queue{Name: c.name, Durable: true})
			for i := range 3 {
				b.publish("", q, fmt.Sprint(i))
			}
			got, started, cut := &seen{}, make(chan struct{}, 1), make(chan struct{})
			cons := b.consume(q, nil)
			ctx, cancel := context.WithCancel(b.ctx)
			ended := make(chan error, 1)
			go func() {
				ended <- cons.Handle(ctx, &c.o, func(_ context.Context, d pubsub.Delivery) error {
					if d.Attempt() > 1 {
						got.add(string(d.Body) + " again")
						return nil
					}
					got.add(string(d.Body))
					if string(d.Body) != "0" {
						return nil
					}
					select {
					case started <- struct{}{}:
						<-cut
					default:
					}
					if c.o.Retry == nil {
						return nil
					}
					return errors.New("not yet")
				})
			}()
			<-started
			if n, err := server.DropConnections(b.ctx, url); err != nil || n == 0 {
				t.Fatal(n, err)
			}
			b.reconnected(1)
			b.eventually("the consumer to be back", func() bool {
				info, err := b.InspectQueue(b.ctx, q)
				b.ok(err)
				return info.Consumers == 1
			})
			close(cut)
			b.eventually("all to be handled", func() bool { return got.has(c.want...) })
			// What else there were would come now.
			b.ok(b.Publish(b.ctx, "", q, pubsub.Message{Body: []byte("end")}))
			b.eventually("the end", func() bool { return got.has("end") })
			cancel()
			b.ok(<-ended)
			b.ok(b.Shutdown(b.ctx))
			if want := append(c.want, "end"); !slices.Equal(got.all, want) {
				t.Errorf("handled %q; want %q", got.all, want)
			}
		})
	}
}

// seen is what handlers have seen, in order.
type seen struct {
	mu  sync.Mutex
	all []string
}

func (s *seen) add(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, what)
}

// has reports whether all of these were seen.
func (s *seen) has(what ...string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range what {
		if !slices.Contains(s.all, w) {
			return false
		}
	}
	return true
}

// first returns each thing where it was seen first.
func (s *seen) first() (first []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range s.all {
		if !slices.Contains(first, w) {
			first = append(first, w)
		}
	}
	return first
}

// A Caller makes its queue for replies again when that is gone.
func TestCallAfterReplyQueueIsGone(t *testing.T) {
	b := open(t, rabbitmqtest.Shared(t).VHost(t), nil)
	q := b.queue(pubsub.Queue{Name: "q"})
	ctx, stop := context.WithCancel(b.ctx)
	served := make(chan error, 1)
	go func() {
		served <- b.Serve(ctx, q, nil, func(ctx context.Context, d pubsub.Delivery) (pubsub.Message, error) {
			if string(d.Body) == "delete" {
				_, err := b.DeleteQueue(ctx, d.ReplyTo, nil)
				return pubsub.Message{}, errors.Join(err, pubsub.ErrReject) // no reply
			}
			return d.Message, nil
		})
	}()
	k, err := b.NewCaller(b.ctx)
	b.ok(err)
	_, err = k.Call(b.ctx, "", q, pubsub.Message{Body: []byte("delete")})
	fails(t, err, pubsub.ErrConsumerCanceled)
	m, err := k.Call(b.ctx, "", q, pubsub.Message{Body: []byte("again")})
	if err != nil || string(m.Body) != "again" {
		t.Errorf("the next call got %q, %v; want its reply", m.Body, err)
	}
	stop()
	b.ok(<-served)
	b.ok(k.Close())
}
