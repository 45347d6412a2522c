package amqpserver_test

import (
	"bytes"
	"context"
	"runtime"
	"runtime/metrics"
	"sync/atomic"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/gobindery/bindery/adapters/amqpserver"
	"github.com/gobindery/bindery/adapters/amqpserver/internal/wire"
	"github.com/gobindery/bindery/adapters/memory"
	"github.com/gobindery/bindery/pubsub"
)

// limited is a server whose alarm is on while used is 1.
func limited() (s *amqpserver.Server, used *atomic.Int64) {
	used = new(atomic.Int64)
	return &amqpserver.Server{MemoryLimit: 1, MemoryUsed: used.Load}, used
}

// until waits until a server's figures are as wanted: nothing tells of that.
func until(t *testing.T, s *amqpserver.Server, holds func(amqpserver.Stats) bool) {
	t.Helper()
	late := time.After(20 * time.Second)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !holds(s.Stats()) {
		select {
		case <-tick.C:
		case <-late:
			t.Errorf("the figures stay %+v", s.Stats()) // the caller may be no test's goroutine
			return
		}
	}
}

var wantsBlocked = pubsub.Table{"capabilities": pubsub.Table{"connection.blocked": true}}

// openBlocked opens a connection, whose publish then waits.
func openBlocked(t *testing.T, s *amqpserver.Server, used *atomic.Int64, about pubsub.Table, heartbeat uint16) *rawClient {
	t.Helper()
	client := dialRaw(t, serveAs(t, s))
	client.send(header091)
	client.expect("connection.start")
	client.send(startOk("PLAIN", "\x00guest\x00guest", about))
	client.expect("connection.tune")
	client.send(method(0, &wire.ConnectionTuneOk{ChannelMax: 1, FrameMax: 131072, Heartbeat: heartbeat}) +
		method(0, &wire.ConnectionOpen{VirtualHost: "/"}) + method(1, &wire.ChannelOpen{}))
	client.expect("connection.open-ok", "channel.open-ok")
	used.Store(1)
	until(t, s, func(n amqpserver.Stats) bool { return n.MemoryAlarm })
	client.send(method(1, &wire.BasicPublish{RoutingKey: "nowhere", Mandatory: true}) + contentHeader(60, 0, 1, "\x00\x00") + frame(wire.FrameBody, 1, "a"))
	until(t, s, func(n amqpserver.Stats) bool { return n.Blocked == 1 })
	return client
}

// The server still sends heartbeats to a client that waits, and doesn't wait
// for any: what the client sends is not read.
func TestBlockedHeartbeats(t *testing.T) {
	t.Parallel()
	s, used := limited()
	client := openBlocked(t, s, used, wantsBlocked, 1)
	client.expect("connection.blocked")
	for range 7 { // 3.5 s; the silence of a client may last 2.5 s
		if f, err := client.in.Next(); err != nil || f.Type != wire.FrameHeartbeat {
			t.Fatalf("got %+v, %v; want a heartbeat", f, err)
		}
	}
	used.Store(0)
	for _, want := range []string{"connection.unblocked", "basic.return"} {
		f, err := client.in.Next()
		for f.Type == wire.FrameHeartbeat {
			f, err = client.in.Next()
		}
		if err != nil {
			t.Fatal(err)
		}
		if m, err := wire.DecodeMethod(f.Payload); err != nil || wire.Name(m) != want {
			t.Fatalf("got %v, %v; want %s", m, err, want)
		}
	}
	if n := s.Stats(); n.Blocked != 0 || n.MemoryAlarm {
		t.Errorf("%+v", n)
	}
}

// A client that is gone while it waits is let go: a heartbeat can't be sent.
func TestBlockedGone(t *testing.T) {
	t.Parallel()
	s, used := limited()
	client := openBlocked(t, s, used, wantsBlocked, 1)
	client.nc.Close()
	until(t, s, func(n amqpserver.Stats) bool { return n.Connections == 0 })
}

// hooked is an adapter that is told of publishes.
type hooked struct {
	pubsub.Adapter
	published func()
}

func (h hooked) Publish(ctx context.Context, p *pubsub.Publication) {
	h.Adapter.Publish(ctx, p)
	h.published()
}

// What was taken before a client waits is confirmed at once, though confirms of
// one burst are gathered.
func TestBlockedConfirms(t *testing.T) {
	t.Parallel()
	s, used := limited()
	s.Connect = func(context.Context, amqpserver.Login) (pubsub.Adapter, error) {
		return hooked{memory.NewServer().Connect(nil), func() {
			if used.Swap(1) == 0 {
				until(t, s, func(n amqpserver.Stats) bool { return n.MemoryAlarm })
			}
		}}, nil
	}
	client := dialRaw(t, serveAs(t, s))
	client.open()
	publish := method(1, &wire.BasicPublish{Exchange: "amq.fanout"}) + contentHeader(60, 0, 0, "\x00\x00")
	client.send(method(1, &wire.ConfirmSelect{}) + publish + publish)
	client.expect("confirm.select-ok", "basic.ack")
	until(t, s, func(n amqpserver.Stats) bool { return n.Blocked == 1 })
	used.Store(0)
	client.expect("basic.ack")
}

// A client that doesn't know of connection.blocked waits without being told.
func TestBlockedUntold(t *testing.T) {
	t.Parallel()
	s, used := limited()
	client := openBlocked(t, s, used, nil, 0)
	used.Store(0)
	client.expect("basic.return")
}

// A client that waits does not hold up the server's end.
func TestBlockedShutdown(t *testing.T) {
	t.Parallel()
	s, used := limited()
	client := openBlocked(t, s, used, wantsBlocked, 0)
	ended := make(chan error, 1)
	go func() { ended <- s.Shutdown(context.Background()) }()
	client.expect("connection.blocked", "320 CONNECTION_FORCED - broker forced connection closure with reason 'shutdown' (class 0 method 0)")
	client.send(method(0, &wire.ConnectionCloseOk{}))
	client.expect(closed)
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestBlockedClose(t *testing.T) {
	t.Parallel()
	s, used := limited()
	client := openBlocked(t, s, used, wantsBlocked, 0)
	s.Close()
	client.expect("connection.blocked", closed)
}

// A message that can't fit is refused: else it waits for itself.
func TestLargerThanMemoryLimit(t *testing.T) {
	t.Parallel()
	client := dialRaw(t, serveAs(t, &amqpserver.Server{MemoryLimit: 1 << 40}))
	client.open()
	client.send(method(1, &wire.BasicPublish{}) + contentHeader(60, 0, 128<<20, "\x00\x00") + method(0, &wire.ConnectionClose{}))
	client.expect("connection.close-ok")
	client = dialRaw(t, serveAs(t, &amqpserver.Server{MemoryLimit: 1 << 20, MemoryUsed: func() int64 { return 0 }}))
	client.open()
	client.send(method(1, &wire.BasicPublish{}) + contentHeader(60, 0, 1<<20+1, "\x00\x00"))
	f, err := client.in.Next()
	if err != nil {
		t.Fatal(err)
	}
	m, err := wire.DecodeMethod(f.Payload)
	if c, ok := m.(*wire.ChannelClose); !ok || c.ReplyText != "PRECONDITION_FAILED - message size 1048577 is larger than configured max size 1048576" {
		t.Errorf("%+v, %v", m, err)
	}
}

// Without MemoryUsed the process's live heap counts: garbage raises no alarm,
// messages do, and once enough of them are gone it ends. Not parallel, because
// what other tests have counts too.
func TestMemoryLimit(t *testing.T) {
	const room = 64 << 20
	runtime.GC()
	before := heapBytes()
	s := &amqpserver.Server{MemoryLimit: before + room}
	url := "amqp://guest:guest@" + serveAs(t, s)
	connect := func() (*amqp.Connection, *amqp.Channel) {
		conn, err := amqp.Dial(url)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.CloseDeadline(time.Now().Add(time.Second)) }) // one that waits isn't read
		ch, err := conn.Channel()
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"q", "kept"} {
			if _, err := ch.QueueDeclare(name, false, false, false, false, nil); err != nil {
				t.Fatal(err)
			}
		}
		return conn, ch
	}
	conn, publisher := connect()
	if err := publisher.Confirm(false); err != nil {
		t.Fatal(err)
	}
	blocked := conn.NotifyBlocked(make(chan amqp.Blocking, 16))
	body := bytes.Repeat([]byte("x"), 64<<10)
	// publish reports whether a message was taken, or made the client wait.
	publish := func(queue string) bool {
		t.Helper()
		d, err := publisher.PublishWithDeferredConfirm("", queue, false, false, amqp.Publishing{Body: body})
		if err != nil {
			t.Fatal(err)
		}
		select {
		case <-d.Done():
			return true
		case <-blocked:
			return false
		case <-time.After(20 * time.Second):
			t.Fatal("a publish is neither taken nor does it wait")
			return false
		}
	}
	// With so much live, the runtime lets garbage pass the limit.
	for i := range 8 * room / len(body) {
		queue := "nowhere"
		if i < room*3/4/len(body) {
			queue = "kept"
		}
		if !publish(queue) {
			t.Fatalf("the alarm is on for messages that are gone: %d bytes are in use, %d were before", heapBytes(), before)
		}
	}
	taken := 0
	for publish("q") {
		if taken++; taken > 2*room/len(body) {
			t.Fatalf("%d messages of %d bytes raised no alarm at %d bytes", taken, len(body), room)
		}
	}
	_, consumer := connect()
	if _, err := consumer.QueuePurge("q", false); err != nil {
		t.Fatal(err)
	}
	select {
	case b := <-blocked:
		if b.Active {
			t.Errorf("told of another alarm: %v", b)
		}
	case <-time.After(20 * time.Second):
		t.Errorf("the alarm is on after messages are gone: %d bytes are in use, %d were before", heapBytes(), before)
	}
}

func heapBytes() int64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return int64(sample[0].Value.Uint64())
}
