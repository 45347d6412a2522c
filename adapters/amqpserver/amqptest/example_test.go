package amqptest_test

import (
	"testing"
	"time"

	"github.com/gobindery/bindery/adapters/amqpserver/amqptest"
	amqp "github.com/rabbitmq/amqp091-go"
)

var t *testing.T // that of your test

// A whole test: a message goes through the broker and back.
func ExampleNewServer() {
	server := amqptest.NewServer(t) // stops with the test
	conn, err := amqp.Dial(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ch, _ := conn.Channel()
	ch.QueueDeclare("hello", false, false, false, false, nil)
	ch.Publish("", "hello", false, false, amqp.Publishing{Body: []byte("Hello World!")})
	d, ok, err := ch.Get("hello", true)
	if err != nil || !ok || string(d.Body) != "Hello World!" {
		t.Errorf("got %q, %v, %v", d.Body, ok, err)
	}
}

// A program declares a queue whose messages expire after an hour, and the test
// need not wait for that.
func ExampleServer_Advance() {
	server := amqptest.NewServerAt(t, time.Now())
	// The program under test connects to server.URL() and publishes to "wait".
	server.Advance(time.Hour)
	if q := server.Topology(t).Queues; len(q) != 1 || q[0].Ready != 0 {
		t.Errorf("the message has not expired: %+v", q)
	}
}
