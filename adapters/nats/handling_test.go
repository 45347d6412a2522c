package nats_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/gobindery/bindery/adapters/nats"
	"github.com/gobindery/bindery/adapters/nats/natstest"
	"github.com/gobindery/bindery/pubsub"
)

// outage is a server that goes and comes again under programs that handle, retry, call
// and serve.
type outage struct {
	*testing.T
	ctx    context.Context
	server *natstest.Server
}

// restarts runs a test with a server that is shut down, and with one that is killed.
func restarts(t *testing.T, test func(o *outage, down func() error)) {
	for _, how := range []string{"shut down", "killed"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
			defer cancel()
			s := natstest.RunServer(t, natstest.OwnProcess())
			down := s.Shutdown
			if how == "killed" {
				down = s.Kill
			}
			test(&outage{t, ctx, s}, down)
		})
	}
}

func (o *outage) broker() *pubsub.Broker {
	o.Helper()
	c, err := nats.Open(o.ctx, o.server.URL(), nil)
	o.ok(err)
	b := pubsub.New(c, nil)
	o.Cleanup(func() { b.Close() })
	return b
}

func (o *outage) ok(err error) {
	o.Helper()
	if err != nil {
		o.Fatal(err)
	}
}

// from waits for something from a channel.
func from[T any](o *outage, c <-chan T, what string) (v T) {
	o.Helper()
	select {
	case v = <-c:
	case <-o.ctx.Done():
		o.Fatalf("waited in vain for %s", what)
	}
	return v
}

// inFlight waits until a program has so many unsettled deliveries, and no publish under way.
func (o *outage) inFlight(b *pubsub.Broker, n int) {
	o.Helper()
	o.eventually("deliveries in flight", n, func() (int, bool) {
		publishes, deliveries := b.InFlight()
		return deliveries, publishes == 0
	})
}

// ready waits until a queue has so many messages.
func (o *outage) ready(b *pubsub.Broker, queue string, n int) {
	o.Helper()
	o.eventually("messages in queue "+queue, n, func() (int, bool) {
		info, err := b.InspectQueue(o.ctx, queue)
		o.ok(err)
		return info.Ready, true
	})
}

func (o *outage) eventually(what string, want int, look func() (n int, sure bool)) {
	o.Helper()
	for {
		n, sure := look()
		if n == want && sure {
			return
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-o.ctx.Done():
			o.Fatalf("there are %d %s; want %d", n, what, want)
		}
	}
}

// handles handles a queue until stop.
func (o *outage) handles(b *pubsub.Broker, queue string, opts *pubsub.HandleOptions, h func(context.Context, pubsub.Delivery) error) (stop func()) {
	o.Helper()
	c, err := b.Consume(o.ctx, queue, nil)
	o.ok(err)
	ctx, cancel := context.WithCancel(o.ctx)
	ended := make(chan error, 1)
	go func() { ended <- c.Handle(ctx, opts, h) }()
	return func() {
		o.Helper()
		cancel()
		o.ok(from(o, ended, "Handle to end"))
		o.ok(c.Close())
	}
}

// A message that rests in a delay queue while the server restarts comes again, and so does one
// whose handler runs meanwhile, and fails; one that a handler has done is done.
func TestRetryAcrossRestart(t *testing.T) {
	restarts(t, func(o *outage, down func() error) {
		b := o.broker()
		_, err := b.DeclareQueue(o.ctx, pubsub.Queue{Name: "work", Durable: true})
		o.ok(err)
		started, cut := make(chan string, 100), make(chan struct{})
		done := make(chan string, 100)
		opts := &pubsub.HandleOptions{Concurrency: 3, Retry: &pubsub.Retry{Delays: []time.Duration{3 * time.Second}, Attempts: 3}}
		stop := o.handles(b, "work", opts, func(_ context.Context, d pubsub.Delivery) error {
			body := string(d.Body)
			started <- body
			if body != "rests" {
				<-cut
			}
			if body != "succeeds" && d.Attempt() == 1 {
				return errors.New("not yet")
			}
			done <- fmt.Sprintf("%s in attempt %d", d.Body, d.Attempt())
			return nil
		})
		for _, body := range []string{"rests", "fails", "succeeds"} {
			o.ok(b.Publish(o.ctx, "", "work", pubsub.Message{Body: []byte(body)}, pubsub.Mandatory))
			from(o, started, "a handler to start")
		}
		o.inFlight(b, 2) // the first one rests now
		o.ok(down())
		close(cut)
		o.ok(o.server.Restart(o.ctx))
		var all []string
		for len(all) < 3 {
			if s := from(o, done, "the messages to be handled"); !slices.Contains(all, s) {
				all = append(all, s) // what is handled may come again
			}
		}
		slices.Sort(all)
		if want := []string{"fails in attempt 2", "rests in attempt 2", "succeeds in attempt 1"}; !slices.Equal(all, want) {
			o.Errorf("handled %q; want %q", all, want)
		}
		stop()
		for _, q := range []string{"work", "work.retry.3000", "work.parked"} {
			o.ready(b, q, 0)
		}
	})
}

// What pauses in the program while the server restarts keeps its place before those of its key,
// and counts its attempts.
func TestKeyAcrossRestart(t *testing.T) {
	restarts(t, func(o *outage, down func() error) {
		b := o.broker()
		_, err := b.DeclareQueue(o.ctx, pubsub.Queue{Name: "work", Durable: true})
		o.ok(err)
		for i := range 4 {
			o.ok(b.Publish(o.ctx, "", "work", pubsub.Message{Body: fmt.Append(nil, i)}, pubsub.Mandatory))
		}
		var mu sync.Mutex
		var order []string
		failed, last := make(chan struct{}, 100), make(chan struct{}, 100)
		opts := &pubsub.HandleOptions{
			Concurrency: 2,
			Key:         func(pubsub.Delivery) string { return "one" },
			Retry:       &pubsub.Retry{Delays: []time.Duration{3 * time.Second}, Attempts: 3},
		}
		stop := o.handles(b, "work", opts, func(_ context.Context, d pubsub.Delivery) error {
			mu.Lock()
			defer mu.Unlock()
			order = append(order, string(d.Body))
			switch {
			case string(d.Body) == "1" && d.Attempt() == 1:
				failed <- struct{}{}
				return errors.New("not yet")
			case string(d.Body) == "3":
				last <- struct{}{}
			}
			return nil
		})
		from(o, failed, "the first failure")
		o.ok(down())
		o.ok(o.server.Restart(o.ctx))
		from(o, last, "the last message")
		stop()
		o.ready(b, "work", 0)
		if want := []string{"0", "1", "1", "2", "3"}; !slices.Equal(order, want) {
			o.Errorf("handled %q; want %q", order, want)
		}
	})
}

// Calls whose request is being handled, or waits, while the server restarts are answered; so are
// those that are made meanwhile and afterwards.
func TestCallAcrossRestart(t *testing.T) {
	restarts(t, func(o *outage, down func() error) {
		server, client := o.broker(), o.broker()
		_, err := server.DeclareQueue(o.ctx, pubsub.Queue{Name: "slow", Durable: true})
		o.ok(err)
		started, cut := make(chan struct{}, 100), make(chan struct{})
		ctx, cancel := context.WithCancel(o.ctx)
		served := make(chan error, 1)
		go func() {
			served <- server.Serve(ctx, "slow", nil, func(_ context.Context, d pubsub.Delivery) (pubsub.Message, error) {
				started <- struct{}{}
				<-cut
				return pubsub.Message{Body: append([]byte("re: "), d.Body...)}, nil
			})
		}()
		k, err := client.NewCaller(o.ctx)
		o.ok(err)
		var calls sync.WaitGroup
		call := func(body string) {
			calls.Go(func() {
				m, err := k.Call(o.ctx, "", "slow", pubsub.Message{Body: []byte(body)})
				if err != nil || string(m.Body) != "re: "+body {
					o.Errorf("the call %q got %q, %v; want its reply", body, m.Body, err)
				}
			})
		}
		call("in its handler")
		from(o, started, "the handler")
		call("in the queue")
		o.ready(client, "slow", 1)
		o.ok(down())
		call("without a server")
		close(cut)
		o.ok(o.server.Restart(o.ctx))
		calls.Wait()
		call("afterwards")
		calls.Wait()
		cancel()
		o.ok(from(o, served, "Serve to end"))
		o.ok(k.Close())
		o.ready(client, "slow", 0)
	})
}

// A Caller makes its queue for replies again when that is gone.
func TestCallAfterReplyQueueIsGone(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	o := &outage{t, ctx, natstest.RunServer(t)}
	b := o.broker()
	_, err := b.DeclareQueue(ctx, pubsub.Queue{Name: "q"})
	o.ok(err)
	serving, stop := context.WithCancel(ctx)
	served := make(chan error, 1)
	go func() {
		served <- b.Serve(serving, "q", nil, func(ctx context.Context, d pubsub.Delivery) (pubsub.Message, error) {
			if string(d.Body) == "delete" {
				_, err := b.DeleteQueue(ctx, d.ReplyTo, nil)
				return pubsub.Message{}, errors.Join(err, pubsub.ErrReject) // no reply
			}
			return d.Message, nil
		})
	}()
	k, err := b.NewCaller(ctx)
	o.ok(err)
	if _, err := k.Call(ctx, "", "q", pubsub.Message{Body: []byte("delete")}); !errors.Is(err, pubsub.ErrConsumerCanceled) {
		t.Errorf("the call whose reply queue is deleted got %v; want %v", err, pubsub.ErrConsumerCanceled)
	}
	m, err := k.Call(ctx, "", "q", pubsub.Message{Body: []byte("again")})
	if err != nil || string(m.Body) != "again" {
		t.Errorf("the next call got %q, %v; want its reply", m.Body, err)
	}
	stop()
	o.ok(from(o, served, "Serve to end"))
	o.ok(k.Close())
}
