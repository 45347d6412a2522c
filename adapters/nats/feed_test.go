package nats

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/gobindery/bindery/pubsub"
)

// newPull is a connection that leads its queue q, and consumes from it.
func newPull(t *testing.T) (*lossy, *leader, *pubsub.Broker, *pubsub.Consumer) {
	t.Helper()
	network, c, b := losing(t, newVHost(t))
	q := queueOf(t, c, b, pubsub.Queue{Name: "q"})
	cons, err := b.Consume(t.Context(), "q", nil)
	if err != nil {
		t.Fatal(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return network, c.leaders[q.record.Incarnation], b, cons
}

// consumes takes and acks messages that have these bodies, and come for the first time.
func consumes(t *testing.T, c *pubsub.Consumer, bodies ...string) {
	t.Helper()
	for i, d := range take(t, c, len(bodies)) {
		if string(d.Body) != bodies[i] {
			t.Fatalf("got message %s, want %s", d.Body, bodies[i])
		}
		if err := d.Ack(soon(t)); err != nil {
			t.Fatal(err)
		}
	}
}

// skip has a feed receive a message as if the one before it were lost.
func (f *feed) skip() {
	f.mu.Lock()
	reply := fmt.Sprintf("$JS.ACK.%s.%s.1.%d.%d.1.0", f.stream, f.consumer, f.seen+2, f.sequence+2)
	f.mu.Unlock()
	f.receive(&nats.Msg{Reply: reply})
}

// madeAnew reports whether a feed has its second consumer.
func (f *feed) madeAnew() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.HasSuffix(f.consumer, "-2")
}

func isAck(subject string, _ []byte) bool { return strings.HasPrefix(subject, "$JS.ACK.") }

// What is acknowledged isn't handed out again when the consumer is made anew, though the
// server has it still, as it may on several replicas.
func TestGapAfterAcks(t *testing.T) {
	network, l, b, cons := newPull(t)
	network.lose(isAck, nil)
	// From a plain client: the adapter's own are known by their ids, too.
	for _, body := range []string{"a", "b", "c"} {
		if _, err := l.conn.nc.RequestWithContext(soon(t), l.queue.subject, []byte(body)); err != nil {
			t.Fatal(err)
		}
	}
	consumes(t, cons, "a", "b", "c")
	becomes(t, "the acks are sent", func() bool {
		l.feed.mu.Lock()
		defer l.feed.mu.Unlock()
		return len(l.feed.replies) == 0 && len(l.feed.unsent) == 0 && !l.feed.sending
	})
	if err := l.conn.nc.FlushWithContext(soon(t)); err != nil {
		t.Fatal(err)
	}
	network.lose(nil, nil)
	l.feed.skip()
	publishTo(t, b, "q", 1)
	consumes(t, cons, "0")
	if !l.feed.madeAnew() {
		t.Error("the feed has its first consumer yet; want another, after a message was lost")
	}
	if l.feed.unacked() > 0 {
		t.Errorf("%d messages are not done", l.feed.unacked())
	}
}

// A gap that is seen while the consumer is being checked has the consumer made anew.
func TestGapDuringCheck(t *testing.T) {
	_, l, b, cons := newPull(t)
	publishTo(t, b, "q", 3)
	consumes(t, cons, "0", "1", "2")
	l.feed.life.Lock() // the check waits
	l.feed.receive(&nats.Msg{Header: nats.Header{"Status": {"409"}, "Description": {"Leadership Change"}}})
	l.feed.skip()
	l.feed.life.Unlock()
	becomes(t, "there is another consumer", l.feed.madeAnew)
	publishTo(t, b, "q", 2)
	consumes(t, cons, "0", "1")
}

// A request for messages that is lost is made again.
func TestPullLost(t *testing.T) {
	network, l, b, cons := newPull(t)
	f := l.feed
	network.lose(func(subject string, _ []byte) bool { return strings.Contains(subject, "CONSUMER.MSG.NEXT.") }, nil)
	f.mu.Lock()
	f.outstanding = 0 // what was asked for before is forgotten here, and by the server with its consumer
	f.mu.Unlock()
	f.check(true)
	becomes(t, "messages are asked for", func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		return !f.checking && f.outstanding > 0
	})
	network.lose(nil, nil)
	f.mu.Lock()
	f.heard = f.heard.Add(-time.Hour)
	f.mu.Unlock()
	publishTo(t, b, "q", 3)
	consumes(t, cons, "0", "1", "2")
}
