package rabbitmq_test

import (
	"context"
	"errors"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/gobindery/bindery/adapters/rabbitmq"
	"github.com/gobindery/bindery/adapters/rabbitmq/rabbitmqtest"
	"github.com/gobindery/bindery/pubsub"
)

// connectRPC returns a Broker, and a channel of RabbitMQ's own client, on one
// vhost.
func connectRPC(t *testing.T, url string) (*pubsub.Broker, *amqp.Channel) {
	t.Helper()
	a, err := rabbitmq.Open(t.Context(), url, nil)
	if err != nil {
		t.Fatal(err)
	}
	b := pubsub.New(a, nil)
	t.Cleanup(func() { b.Close() })
	conn, err := amqp.Dial(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	ch, err := conn.Channel()
	if err != nil {
		t.Fatal(err)
	}
	return b, ch
}

// Clients of RabbitMQ's RPC tutorial call Serve, with a reply queue of their own
// or by direct reply-to.
func TestServeForeignClients(t *testing.T) {
	b, ch := connectRPC(t, rabbitmqtest.Shared(t).VHost(t))
	q, err := b.DeclareQueue(t.Context(), pubsub.Queue{Name: "rpc_queue"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() {
		served <- b.Serve(ctx, q, nil, func(_ context.Context, d pubsub.Delivery) (pubsub.Message, error) {
			return pubsub.Message{Body: append([]byte("re: "), d.Body...)}, nil
		})
	}()
	own, err := ch.QueueDeclare("", false, false, true, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, replyTo := range []string{own.Name, "amq.rabbitmq.reply-to"} {
		replies, err := ch.Consume(replyTo, "", true, false, false, false, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range []string{"1", "2"} {
			err := ch.PublishWithContext(t.Context(), "", q, false, false, amqp.Publishing{Body: []byte(id), CorrelationId: id, ReplyTo: replyTo})
			if err != nil {
				t.Fatal(err)
			}
			select {
			case d := <-replies:
				if string(d.Body) != "re: "+id || d.CorrelationId != id {
					t.Errorf("the reply by %s is %q of %q; want that to %s", replyTo, d.Body, d.CorrelationId, id)
				}
			case <-time.After(patience):
				t.Fatalf("no reply by %s", replyTo)
			}
		}
	}
	cancel()
	if err := <-served; err != nil {
		t.Error(err)
	}
}

// A server of RabbitMQ's RPC tutorial answers a Caller.
func TestCallForeignServer(t *testing.T) {
	b, ch := connectRPC(t, rabbitmqtest.Shared(t).VHost(t))
	q, err := ch.QueueDeclare("rpc_queue", false, false, false, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	requests, err := ch.Consume(q.Name, "", false, false, false, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	k, err := b.NewCaller(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	answered := make(chan error, 1)
	go func() {
		d := <-requests
		answered <- errors.Join(d.Ack(false), ch.PublishWithContext(t.Context(), "", d.ReplyTo, false, false, amqp.Publishing{
			ContentType: "text/plain", CorrelationId: d.CorrelationId, Body: append([]byte("re: "), d.Body...),
		}))
	}()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	m, err := k.Call(ctx, "", q.Name, pubsub.Message{Body: []byte("x")})
	if err != nil || string(m.Body) != "re: x" {
		t.Errorf("got %q, %v; want the reply", m.Body, err)
	}
	if err := <-answered; err != nil {
		t.Error(err)
	}
}

// A call that is being served when the connections break is answered when they
// are there again, or says that its outcome is unknown; those that follow are
// answered.
func TestCallAcrossReconnect(t *testing.T) {
	server := rabbitmqtest.Shared(t)
	url := server.VHost(t)
	b, _ := connectRPC(t, url)
	q, err := b.DeclareQueue(t.Context(), pubsub.Queue{Name: "slow", Durable: true})
	if err != nil {
		t.Fatal(err)
	}
	k, err := b.NewCaller(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	started, dropped := make(chan struct{}, 100), make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() {
		served <- b.Serve(ctx, q, nil, func(_ context.Context, d pubsub.Delivery) (pubsub.Message, error) {
			started <- struct{}{}
			<-dropped
			return pubsub.Message{Body: d.Body}, nil
		})
	}()
	type reply struct {
		body string
		err  error
	}
	call := func(body string) <-chan reply {
		got := make(chan reply, 1)
		go func() {
			ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
			defer cancel()
			m, err := k.Call(ctx, "", q, pubsub.Message{Body: []byte(body), DeliveryMode: pubsub.Persistent})
			got <- reply{string(m.Body), err}
		}()
		return got
	}
	first := call("in flight")
	<-started
	n, err := server.DropConnections(t.Context(), url)
	if err != nil || n == 0 {
		t.Fatal(n, err)
	}
	close(dropped)
	if r := <-first; r.err == nil && r.body != "in flight" || r.err != nil && !errors.Is(r.err, pubsub.ErrUnconfirmed) {
		t.Errorf("the call in flight got %q, %v; want its reply, or %v", r.body, r.err, pubsub.ErrUnconfirmed)
	}
	if r := <-call("afterwards"); r.err != nil || r.body != "afterwards" {
		t.Errorf("the call afterwards got %q, %v; want its reply", r.body, r.err)
	}
	cancel()
	if err := errors.Join(<-served, k.Close()); err != nil {
		t.Error(err)
	}
}

// Delay queues and the parking queue can be quorum queues.
func TestRetryByQuorumQueues(t *testing.T) {
	b, _ := connectRPC(t, rabbitmqtest.Shared(t).VHost(t))
	q, err := b.DeclareQueue(t.Context(), pubsub.Queue{Name: "work", Durable: true})
	if err != nil {
		t.Fatal(err)
	}
	c, err := b.Consume(t.Context(), q, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Publish(t.Context(), "", q, pubsub.Message{DeliveryMode: pubsub.Persistent}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	attempts := 0
	err = c.Handle(ctx, &pubsub.HandleOptions{Retry: &pubsub.Retry{
		Delays:    []time.Duration{10 * time.Millisecond},
		Arguments: pubsub.Table{"x-queue-type": "quorum"},
	}}, func(_ context.Context, d pubsub.Delivery) error {
		if attempts = d.Attempt(); attempts < 2 {
			return errors.New("no")
		}
		cancel()
		return nil
	})
	if err != nil || attempts != 2 {
		t.Errorf("there were %d attempts, and Handle returned %v", attempts, err)
	}
}
