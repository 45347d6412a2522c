package nats

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/gobindery/bindery/adapters/nats/natstest"
	"github.com/gobindery/bindery/pubsub"
)

// fill publishes numbered messages of a size.
func fill(t *testing.T, b *pubsub.Broker, queue string, messages, size int) {
	t.Helper()
	all := make([]pubsub.Confirmation, messages)
	for i := range all {
		all[i] = b.PublishAsync(t.Context(), "", queue, pubsub.Message{Body: binary.BigEndian.AppendUint64(make([]byte, size-8, size), uint64(i))})
	}
	for _, p := range all {
		if err := p.Wait(soon(t)); err != nil {
			t.Fatal(err)
		}
	}
}

// A queue may have more to bring than the server keeps for a connection that reads slower than it
// sends: it would close that, and exclusive queues would be gone. And its leader has no
// more of it in memory than the window.
func TestBacklogOfLargeMessages(t *testing.T) {
	t.Parallel()
	const messages, size = 450, 200 << 10 // more than max_pending
	url := newVHost(t)
	writer, reader := newEnd(t, url), newEnd(t, url)
	q := queueOf(t, writer.conn, writer.broker, pubsub.Queue{Name: "q"})
	fill(t, writer.broker, "q", messages, size)
	c, err := reader.broker.Consume(soon(t), "q", &pubsub.ConsumeOptions{Prefetch: 1})
	if err != nil {
		t.Fatal(err)
	}
	reader.conn.mu.Lock()
	l := reader.conn.leaders[q.record.Incarnation]
	reader.conn.mu.Unlock()
	most := 0
	for i := range messages {
		d, err := c.Receive(soon(t))
		if err != nil {
			t.Fatalf("message %d: %v", i, err)
		}
		if n := binary.BigEndian.Uint64(d.Body[size-8:]); n != uint64(i) || d.Redelivered {
			t.Fatalf("message %d came as number %d, redelivered: %v", n, i, d.Redelivered)
		}
		most = max(most, l.feed.held())
		if err := d.Ack(soon(t)); err != nil {
			t.Fatal(err)
		}
	}
	if n := reader.conn.nc.Stats().Reconnects; n != 0 {
		t.Errorf("the connection was lost %d times", n)
	}
	if limit := windowBytes + reader.conn.pullBytes() + size; most > limit {
		t.Errorf("%d bytes were in memory; the window and what comes at once are %d", most, limit)
	}
}

// A message that is larger than what the server takes now, and so than what a feed asks for, comes
// too, and those behind it.
func TestLargerThanTheLimit(t *testing.T) {
	t.Parallel()
	server := natstest.RunServer(t, natstest.Config("max_payload: 40MB"))
	writer, reader := newEnd(t, server.URL()), newEnd(t, server.URL())
	reader.conn.limit = 1 << 20 // as if the server had been started anew, with less
	queueOf(t, writer.conn, writer.broker, pubsub.Queue{Name: "q"})
	large := reader.conn.pullBytes() + 1
	fill(t, writer.broker, "q", 1, 10)
	fill(t, writer.broker, "q", 2, large)
	fill(t, writer.broker, "q", 1, 10)
	c, err := reader.broker.Consume(soon(t), "q", nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, d := range take(t, c, 4) {
		if want := []int{10, large, large, 10}[i]; len(d.Body) != want {
			t.Errorf("message %d has %d bytes, want %d", i, len(d.Body), want)
		}
	}
}

// A request whose bytes are used up is over, and the server doesn't say so: a feed counts
// the bytes as the server does.
func TestBytesOfARequest(t *testing.T) {
	t.Parallel()
	e := newEnd(t, natstest.RunServer(t).URL())
	js := e.conn.js
	_, err := js.CreateStream(soon(t), jetstream.StreamConfig{Name: "S", Subjects: []string{"subject"}})
	if err == nil {
		_, err = js.CreateConsumer(soon(t), "S", jetstream.ConsumerConfig{Durable: "C", AckPolicy: jetstream.AckExplicitPolicy})
	}
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		m := &nats.Msg{Subject: "subject", Header: nats.Header{"Name": {"value"}}, Data: bytes.Repeat([]byte{'x'}, 100)}
		if _, err := js.PublishMsg(soon(t), m); err != nil {
			t.Fatal(err)
		}
	}
	sub, err := e.conn.nc.SubscribeSync("inbox")
	if err != nil {
		t.Fatal(err)
	}
	request := func(batch, bytes int) {
		body, _ := json.Marshal(map[string]int{"batch": batch, "max_bytes": bytes})
		if err := e.conn.nc.PublishRequest("$JS.API.CONSUMER.MSG.NEXT.S.C", "inbox", body); err != nil {
			t.Fatal(err)
		}
	}
	next := func() *nats.Msg {
		m, err := sub.NextMsg(30 * time.Second)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	request(1, 0)
	size := next().Size()

	f := &feed{outstanding: 5, allowance: 2 * size}
	request(5, 2*size)
	request(1, 0) // served in turns with the other, and by its end
	came := 0
	for range 3 {
		m := next()
		if len(m.Data) == 0 {
			t.Fatalf("a message of %d bytes was expected, not %v", size, m.Header)
		}
		came++
	}
	request(1, size-1)
	if m := next(); m.Header.Get("Description") != "Message Size Exceeds MaxBytes" {
		t.Errorf("after %d messages came %v with %d bytes; the first request is over", came, m.Header, len(m.Data))
	}
	for range 2 {
		f.came(size)
	}
	if f.outstanding != 0 {
		t.Errorf("%d messages are expected of a request whose bytes are used up", f.outstanding)
	}
}
