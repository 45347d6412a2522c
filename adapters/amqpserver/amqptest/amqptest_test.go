package amqptest_test

import (
	"strings"
	"testing"
	"time"

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

// An hour passes at once: the client's message expires, and comes to its
// consumer by the dead-letter exchange.
func TestAdvance(t *testing.T) {
	server := amqptest.NewServerAt(t, time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC))
	conn, err := amqp.Dial(server.URL())
	must(t, err)
	defer conn.Close()
	ch, err := conn.Channel()
	must(t, err)
	_, err = ch.QueueDeclare("retry", false, false, false, false, nil)
	must(t, err)
	_, err = ch.QueueDeclare("wait", false, false, false, false, amqp.Table{
		"x-message-ttl": int32(3_600_000), "x-dead-letter-exchange": "", "x-dead-letter-routing-key": "retry",
	})
	must(t, err)
	must(t, ch.Confirm(false))
	taken, err := ch.PublishWithDeferredConfirm("", "wait", false, false, amqp.Publishing{Body: []byte("later")})
	must(t, err)
	taken.Wait()
	server.Advance(time.Hour - time.Millisecond)
	if _, ok, err := ch.Get("retry", true); ok || err != nil {
		t.Fatalf("it came before its time: %v, %v", ok, err)
	}
	server.Advance(time.Millisecond)
	d, ok, err := ch.Get("retry", true)
	must(t, err)
	if !ok || string(d.Body) != "later" {
		t.Fatalf("after an hour got %q, %v", d.Body, ok)
	}
	death := d.Headers["x-death"].([]any)[0].(amqp.Table)
	if at := death["time"].(time.Time).UTC(); at != time.Date(2026, 1, 2, 13, 0, 0, 0, time.UTC) {
		t.Errorf("it died at %v", at)
	}
}

// Advance is for servers with a clock of their own, and says so.
func TestAdvanceOnTheMachinesClock(t *testing.T) {
	server := amqptest.NewServer(t)
	defer func() {
		if what, _ := recover().(string); !strings.Contains(what, "NewServerAt") {
			t.Errorf("it says %q", what)
		}
	}()
	server.Advance(time.Hour)
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
