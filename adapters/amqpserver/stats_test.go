package amqpserver_test

import (
	"testing"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/gobindery/bindery/adapters/amqpserver"
)

// Each figure counts what its comment says.
func TestStats(t *testing.T) {
	t.Parallel()
	s := &amqpserver.Server{MaxConnections: 1, MemoryUsed: func() int64 { return 3 }}
	addr := serveAs(t, s)
	conn, err := amqp.Dial("amqp://guest:guest@" + addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	open := func() *amqp.Channel {
		t.Helper()
		ch, err := conn.Channel()
		ok(err)
		return ch
	}
	declare := func(ch *amqp.Channel, name string, args amqp.Table) {
		t.Helper()
		_, err := ch.QueueDeclare(name, false, false, false, false, args)
		ok(err)
	}
	compare := func(want amqpserver.Stats) {
		t.Helper()
		got := s.Stats()
		if got.BytesIn <= want.BytesIn || got.BytesOut <= want.BytesOut {
			t.Errorf("%d bytes came and %d went, with at least %d and %d before", got.BytesIn, got.BytesOut, want.BytesIn, want.BytesOut)
		}
		got.BytesIn, got.BytesOut, want.BytesIn, want.BytesOut = 0, 0, 0, 0
		if got != want {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
	}

	dialRaw(t, addr).expect(closed) // one too many
	plain, confirming := open(), open()
	ok(confirming.Confirm(false))
	publish := func(ch *amqp.Channel, name string, mandatory bool) {
		t.Helper()
		ok(ch.Publish("", name, mandatory, false, amqp.Publishing{Body: []byte("hello")}))
	}
	declare(plain, "q", nil)
	declare(plain, "full", amqp.Table{"x-max-length": int32(0), "x-overflow": "reject-publish"})
	confirms := confirming.NotifyPublish(make(chan amqp.Confirmation, 8))
	for range 4 {
		publish(confirming, "q", false)
	}
	publish(confirming, "nowhere", true)
	publish(confirming, "full", false)
	publish(plain, "q", false)
	for range 6 {
		<-confirms
	}
	declare(plain, "q", nil) // what came before is done
	want := amqpserver.Stats{MemoryUsed: 3, Connections: 1, Channels: 2, Accepted: 1, TurnedAway: 1, Published: 7, Confirmed: 5, Refused: 1, Returned: 1}
	compare(want)

	in, err := plain.Consume("q", "one", false, false, false, false, nil)
	ok(err)
	_, err = confirming.Consume("amq.rabbitmq.reply-to", "two", true, false, false, false, nil)
	ok(err)
	var last amqp.Delivery
	for range 5 {
		last = <-in
	}
	ok(plain.Ack(2, true))
	ok(plain.Reject(3, false))
	ok(plain.Nack(4, false, true))
	again := <-in
	ok(plain.Cancel("one", false))
	want.Consumers, want.Delivered, want.Acked, want.Rejected, want.Requeued = 1, 6, 2, 1, 1
	compare(want)

	ok(last.Ack(false))
	ok(again.Nack(false, true))
	got, there, err := plain.Get("q", true)
	if err != nil || !there || string(got.Body) != "hello" {
		t.Fatalf("%q, %v, %v", got.Body, there, err)
	}
	ok(confirming.Close())
	want.Channels, want.Consumers, want.Delivered, want.Acked, want.Requeued = 1, 0, 7, 3, 2
	compare(want)

	bytes := s.Stats()
	ok(conn.Close())
	until(t, s, func(n amqpserver.Stats) bool { return n.Connections == 0 })
	want.Connections, want.Channels, want.BytesIn, want.BytesOut = 0, 0, bytes.BytesIn, bytes.BytesOut
	compare(want)
}
