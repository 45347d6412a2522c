package amqpserver_test

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/gobindery/bindery/adapters/amqpserver"
	"github.com/gobindery/bindery/adapters/amqpserver/internal/wire"
	"github.com/gobindery/bindery/adapters/memory"
	"github.com/gobindery/bindery/pubsub"
	amqp "github.com/rabbitmq/amqp091-go"
)

// subscribing is an adapter that counts the subscriptions which are open.
type subscribing struct {
	pubsub.Adapter
	open *atomic.Int64
}

func (a subscribing) Consume(ctx context.Context, queue string, o pubsub.ConsumeOptions) (pubsub.Subscription, error) {
	s, err := a.Adapter.Consume(ctx, queue, o)
	if err != nil {
		return nil, err
	}
	a.open.Add(1)
	return &countedSubscription{Subscription: s, open: a.open}, nil
}

type countedSubscription struct {
	pubsub.Subscription
	closed atomic.Bool
	open   *atomic.Int64
}

func (s *countedSubscription) Close() error {
	if !s.closed.Swap(true) {
		s.open.Add(-1)
	}
	return s.Subscription.Close()
}

// A consumer that was canceled stays until its last delivery is settled, and
// no longer.
func TestCanceledConsumerIsLetGo(t *testing.T) {
	t.Parallel()
	var open atomic.Int64
	broker := memory.NewServer()
	url := "amqp://guest:guest@" + serveAs(t, &amqpserver.Server{
		Connect: func(_ context.Context, l amqpserver.Login) (pubsub.Adapter, error) {
			return subscribing{broker.Connect(nil), &open}, nil
		},
	})
	conn, err := amqp.Dial(url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	must := func(t *testing.T, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	cancel := func(ch *amqp.Channel, q string) error { return ch.Cancel("c", false) }
	for _, c := range []struct {
		name   string
		cancel func(ch *amqp.Channel, q string) error
		settle func(t *testing.T, ch *amqp.Channel) error // the second and last one
	}{
		{"ack", cancel, func(_ *testing.T, ch *amqp.Channel) error { return ch.Ack(2, false) }},
		{"ack multiple", cancel, func(_ *testing.T, ch *amqp.Channel) error { return ch.Ack(2, true) }},
		{"nack all", cancel, func(_ *testing.T, ch *amqp.Channel) error { return ch.Nack(0, true, true) }},
		{"reject", cancel, func(_ *testing.T, ch *amqp.Channel) error { return ch.Reject(2, false) }},
		{"commit", cancel, func(t *testing.T, ch *amqp.Channel) error {
			must(t, ch.Tx())
			must(t, ch.Ack(2, false))
			must(t, ch.TxRollback())
			must(t, ch.Ack(2, false))
			if n := open.Load(); n != 1 {
				t.Errorf("%d subscriptions are open before commit, want 1", n)
			}
			return ch.TxCommit()
		}},
		{"channel close", cancel, func(_ *testing.T, ch *amqp.Channel) error { return ch.Close() }},
		{"canceled by the server", func(ch *amqp.Channel, q string) error {
			gone := ch.NotifyCancel(make(chan string, 1))
			_, err := ch.QueueDelete(q, false, false, false)
			<-gone
			return err
		}, func(_ *testing.T, ch *amqp.Channel) error { return ch.Ack(2, false) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			ch, err := conn.Channel()
			must(t, err)
			q, err := ch.QueueDeclare("", false, false, false, false, nil)
			must(t, err)
			in, err := ch.Consume(q.Name, "c", false, false, false, false, nil)
			must(t, err)
			for range 2 {
				must(t, ch.Publish("", q.Name, false, false, amqp.Publishing{}))
				<-in
			}
			must(t, c.cancel(ch, q.Name))
			must(t, ch.Ack(1, false))
			must(t, ch.Qos(1, 0, false)) // the ack is done
			if n := open.Load(); n != 1 {
				t.Errorf("%d subscriptions are open while a delivery is unsettled, want 1", n)
			}
			must(t, c.settle(t, ch))
			if !ch.IsClosed() {
				must(t, ch.Close())
			}
			if n := open.Load(); n != 0 {
				t.Errorf("%d subscriptions are open after all was settled, want none", n)
			}
		})
	}
}

// lingering is an adapter whose subscriptions have settled long before they say so.
type lingering struct {
	pubsub.Adapter
	until chan struct{}
}

func (a lingering) Consume(ctx context.Context, queue string, o pubsub.ConsumeOptions) (pubsub.Subscription, error) {
	s, err := a.Adapter.Consume(ctx, queue, o)
	return lingeringSubscription{s, a.until}, err
}

type lingeringSubscription struct {
	pubsub.Subscription
	until chan struct{}
}

func (s lingeringSubscription) Settle(ctx context.Context, tag uint64, o pubsub.Outcome, multiple bool) error {
	err := s.Subscription.Settle(ctx, tag, o, multiple)
	<-s.until
	return err
}

// A consumer has a message again before the server knows that it is back; the
// reply to basic.recover comes first all the same, as RabbitMQ's does.
func TestRecoverOkComesFirst(t *testing.T) {
	t.Parallel()
	broker := memory.NewServer()
	until := make(chan struct{})
	addr := serveAs(t, &amqpserver.Server{Connect: func(context.Context, amqpserver.Login) (pubsub.Adapter, error) {
		return lingering{broker.Connect(nil), until}, nil
	}})
	t.Cleanup(func() { close(until) }) // before the server closes
	c := dialRaw(t, addr)
	c.open()
	c.send(method(1, &wire.QueueDeclare{Queue: "q"}) + method(1, &wire.BasicConsume{Queue: "q", ConsumerTag: "c"}))
	c.expect("queue.declare-ok", "basic.consume-ok")
	c.send(method(1, &wire.BasicPublish{RoutingKey: "q"}) + contentHeader(60, 0, 0, "\x00\x00"))
	c.expect("basic.deliver")
	if _, err := c.in.Next(); err != nil { // the header; there is no body
		t.Fatal(err)
	}
	c.send(method(1, &wire.BasicRecover{Requeue: true}))
	c.expect("basic.recover-ok", "basic.deliver")
}
