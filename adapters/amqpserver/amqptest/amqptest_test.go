package amqptest_test

import (
	"testing"

	"github.com/gobindery/bindery/adapters/amqpserver/amqptest"
	"github.com/gobindery/bindery/pubsub"
	amqp "github.com/rabbitmq/amqp091-go"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A client declares, publishes and consumes, and what it made can be seen.
func TestServer(t *testing.T) {
	server := amqptest.NewServer(t)
	conn, err := amqp.Dial(server.URL())
	must(t, err)
	defer conn.Close()
	ch, err := conn.Channel()
	must(t, err)
	_, err = ch.QueueDeclare("jobs", true, false, false, false, nil)
	must(t, err)
	must(t, ch.QueueBind("jobs", "job.*", "amq.topic", false, nil))
	must(t, ch.Publish("amq.topic", "job.mail", false, false, amqp.Publishing{Body: []byte("hello")}))
	in, err := ch.Consume("jobs", "", true, false, false, false, nil)
	must(t, err)
	if d := <-in; string(d.Body) != "hello" || d.RoutingKey != "job.mail" {
		t.Errorf("got %q with key %q", d.Body, d.RoutingKey)
	}

	top := server.Topology(t)
	if len(top.Queues) != 1 || top.Queues[0].Name != "jobs" || !top.Queues[0].Durable || top.Queues[0].Consumers != 1 {
		t.Errorf("queues: %+v", top.Queues)
	}
	if len(top.Bindings) != 1 || top.Bindings[0].Key != "job.*" {
		t.Errorf("bindings: %+v", top.Bindings)
	}
}

// A test's own broker meets what clients sent.
func TestBroker(t *testing.T) {
	server := amqptest.NewServer(t)
	b := server.Broker(t)
	_, err := b.DeclareQueue(t.Context(), pubsub.Queue{Name: "q"})
	must(t, err)
	must(t, b.Publish(t.Context(), "", "q", pubsub.Message{Body: []byte("from the test")}))
	conn, err := amqp.Dial(server.URL())
	must(t, err)
	defer conn.Close()
	ch, err := conn.Channel()
	must(t, err)
	d, ok, err := ch.Get("q", true)
	must(t, err)
	if !ok || string(d.Body) != "from the test" {
		t.Errorf("got %q, %v", d.Body, ok)
	}
}

// Two servers share nothing; a vhost that there isn't is refused.
func TestSeparate(t *testing.T) {
	one, two := amqptest.NewServer(t), amqptest.NewServer(t)
	_, err := one.Broker(t).DeclareQueue(t.Context(), pubsub.Queue{Name: "q"})
	must(t, err)
	if q := two.Topology(t).Queues; len(q) != 0 {
		t.Errorf("the other server has %+v", q)
	}
	_, err = amqp.Dial(one.URL() + "nope")
	if e, ok := err.(*amqp.Error); !ok || e.Code != amqp.NotAllowed {
		t.Errorf("connecting to a vhost that isn't there: %v", err)
	}
}

// From start to the first message. The goal is 5 ms.
func BenchmarkFirstMessage(b *testing.B) {
	for b.Loop() {
		server := amqptest.NewServer(b)
		conn, err := amqp.Dial(server.URL())
		must(b, err)
		ch, err := conn.Channel()
		must(b, err)
		q, err := ch.QueueDeclare("", false, false, true, false, nil)
		must(b, err)
		in, err := ch.Consume(q.Name, "", true, false, false, false, nil)
		must(b, err)
		must(b, ch.Publish("", q.Name, false, false, amqp.Publishing{}))
		<-in
		conn.Close()
	}
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}
