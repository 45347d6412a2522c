package nats

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/gobindery/bindery/pubsub"
)

// A purge drops all that was stored, though its leader has room for a part of it only.
func TestPurgeOfMoreThanTheWindow(t *testing.T) {
	t.Parallel()
	const messages = window + 100
	e := newEnd(t, newVHost(t))
	q := queueOf(t, e.conn, e.broker, pubsub.Queue{Name: "q"})
	var all []pubsub.Confirmation
	for range messages {
		all = append(all, e.broker.PublishAsync(t.Context(), "", "q", pubsub.Message{}))
	}
	for _, p := range all {
		if err := p.Wait(soon(t)); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := e.broker.PurgeQueue(soon(t), "q"); err != nil || n != messages {
		t.Errorf("%d of %d messages were purged, %v", n, messages, err)
	}
	becomes(t, "the stream is empty", func() bool { return inStream(t, e.conn, q.stream) == 0 })
}

// A message's age is told by the server's clock, however far this machine's is from that.
func TestClocksDiffer(t *testing.T) {
	t.Parallel()
	e := newEnd(t, newVHost(t))
	queueOf(t, e.conn, e.broker, pubsub.Queue{Name: "q", MessageTTL: new(time.Minute)})
	e.conn.offset.Store(int64(time.Hour)) // as if this clock were an hour ahead
	arrivals := make(chan int64, 1)
	q, _ := e.conn.topology.table.Load().Queue("q")
	l := lead(t, e, q)
	take := l.feed.take
	l.feed.mu.Lock()
	l.feed.take = func(m stored) {
		arrivals <- m.at
		take(m)
	}
	l.feed.mu.Unlock()
	publishTo(t, e.broker, "q", 1)
	if ahead := time.Duration(<-arrivals - now()); ahead < 30*time.Minute {
		t.Errorf("a message that was just stored counts as %v old", -ahead)
	}
}

// Exclusive queues take nothing further while too much of theirs waits in memory.
func TestExclusiveQueuesAreBounded(t *testing.T) {
	t.Parallel()
	e := newEnd(t, newVHost(t))
	queueOf(t, e.conn, e.broker, pubsub.Queue{Name: "own", Exclusive: true})
	f := e.conn.tempFeed()
	hold := func(bytes int) {
		f.mu.Lock()
		f.bytes += bytes
		f.mu.Unlock()
	}
	hold(tempMost)
	if n := e.conn.tempRoom(); n != 0 {
		t.Errorf("there is room for %d", n)
	}
	hold(-tempMost)
	if n := e.conn.tempRoom(); n == 0 {
		t.Error("there is no room once they are done with")
	}
}

// What no exclusive queue wants, or a deleted one had, doesn't stay in the stream of the others.
func TestExclusiveQueuesLeaveNoMessages(t *testing.T) {
	t.Parallel()
	e := newEnd(t, newVHost(t))
	q := queueOf(t, e.conn, e.broker, pubsub.Queue{Name: "own", Exclusive: true})
	queueOf(t, e.conn, e.broker, pubsub.Queue{Name: "other", Exclusive: true})
	publishTo(t, e.broker, "own", 2)
	if n := inStream(t, e.conn, q.stream); n != 2 {
		t.Fatalf("%d messages are stored", n)
	}
	if _, err := e.broker.DeleteQueue(t.Context(), "own", nil); err != nil {
		t.Fatal(err)
	}
	for what, m := range map[string]*nats.Msg{
		"for a queue that is gone": {Header: nats.Header{toHeader: {"99"}}},
		"that can't be read":       {Header: nats.Header{toHeader: {"2"}, "Bindery": {"h.n=i32:many"}}},
	} {
		m.Subject = q.subject
		if _, err := e.conn.nc.RequestMsgWithContext(soon(t), m); err != nil {
			t.Fatalf("publish one %s: %v", what, err)
		}
	}
	becomes(t, "the stream is empty", func() bool { return inStream(t, e.conn, q.stream) == 0 })
}
