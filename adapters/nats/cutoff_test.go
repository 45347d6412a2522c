package nats

import (
	"errors"
	"sync/atomic"
	"testing"

	"github.com/gobindery/bindery/pubsub"
)

// end is one connection of a test.
type end struct {
	net    *lossy
	conn   *Conn
	broker *pubsub.Broker
}

// newEnd connects a test to a vhost.
func newEnd(t *testing.T, url string) end {
	t.Helper()
	l, c, b := losing(t, url)
	return end{l, c, b}
}

// apart makes a queue that one connection leads, and another has a consumer of.
func apart(t *testing.T, q pubsub.Queue, o *pubsub.ConsumeOptions) (url string, leader, other end, is *queue, consumer *pubsub.Consumer) {
	t.Helper()
	url = newVHost(t)
	leader, other = newEnd(t, url), newEnd(t, url)
	is = queueOf(t, leader.conn, leader.broker, q)
	lead(t, leader, is)
	consumer, err := other.broker.Consume(t.Context(), q.Name, o)
	if err != nil {
		t.Fatal(err)
	}
	return url, leader, other, is, consumer
}

// lead makes a connection lead a queue.
func lead(t *testing.T, e end, q *queue) *leader {
	t.Helper()
	l, remote, err := e.conn.findLeader(t.Context(), q, true)
	if err != nil || l == nil {
		t.Fatalf("another connection leads, %q: %v", remote, err)
	}
	return l
}

// loses makes a connection lose what comes on a subject until it is opened anew, and returns
// a function that waits until something is lost.
func (e end) loses(t *testing.T, subject string) (lost func()) {
	var n atomic.Int64
	e.net.loseUntilNew(nil, func(s string, _ []byte) bool {
		if s != subject {
			return false
		}
		n.Add(1)
		return true
	})
	return func() {
		t.Helper()
		becomes(t, "something is lost", func() bool { return n.Load() > 0 })
	}
}

// opensAnew lets a connection be lost and opened again.
func (e end) opensAnew(t *testing.T) {
	t.Helper()
	if err := e.conn.nc.ForceReconnect(); err != nil {
		t.Fatal(err)
	}
}

// A message that was on its way to the queue's leader when its connection was lost comes again, though
// none comes after it that would show a gap.
func TestLeaderCutOffFromItsStream(t *testing.T) {
	t.Parallel()
	_, leader, other, q, consumer := apart(t, pubsub.Queue{Name: "q"}, nil)
	lost := leader.loses(t, q.subject)
	publishTo(t, other.broker, "q", 1)
	lost()
	leader.opensAnew(t)
	take(t, consumer, 1)
}

// What a leader sent to a consumer, and what was lost with the connection of either, goes back to the queue
// and comes again.
func TestDeliveriesCutOff(t *testing.T) {
	t.Parallel()
	t.Run("with the consumer's connection", func(t *testing.T) {
		t.Parallel()
		_, leader, other, _, consumer := apart(t, pubsub.Queue{Name: "q"}, nil)
		lost := other.loses(t, other.conn.names.deliverySubject(other.conn.id))
		publishTo(t, leader.broker, "q", 1)
		lost()
		other.opensAnew(t)
		take(t, consumer, 1)
	})
	t.Run("with the leader's connection", func(t *testing.T) {
		t.Parallel()
		_, leader, other, _, consumer := apart(t, pubsub.Queue{Name: "q"}, nil)
		lost := make(chan bool, 1)
		leader.net.loseUntilNew(func(subject string, _ []byte) bool {
			is := subject == leader.conn.names.deliverySubject(other.conn.id)
			if is {
				lost <- true
			}
			return is
		}, nil)
		publishTo(t, other.broker, "q", 1)
		<-lost
		leader.opensAnew(t)
		take(t, consumer, 1)
	})
	t.Run("one of several", func(t *testing.T) {
		t.Parallel()
		_, leader, other, _, consumer := apart(t, pubsub.Queue{Name: "q"}, nil)
		n := 0
		other.net.lose(nil, func(subject string, _ []byte) bool {
			if subject == other.conn.names.deliverySubject(other.conn.id) {
				n++
				return n == 2
			}
			return false
		})
		publishTo(t, leader.broker, "q", 3)
		got := make(map[string]int)
		for _, d := range take(t, consumer, 3) {
			got[string(d.Body)]++
		}
		if len(got) != 3 {
			t.Errorf("received %v", got)
		}
	})
}

// Acks that are lost with the connection are sent again.
func TestAcksCutOff(t *testing.T) {
	t.Parallel()
	t.Run("of the leader", func(t *testing.T) {
		t.Parallel()
		e := newEnd(t, newVHost(t))
		q := queueOf(t, e.conn, e.broker, pubsub.Queue{Name: "q"})
		consumer, err := e.broker.Consume(t.Context(), "q", nil)
		if err != nil {
			t.Fatal(err)
		}
		publishTo(t, e.broker, "q", 3)
		got := take(t, consumer, 3)
		var lost atomic.Int64
		e.net.loseUntilNew(func(subject string, _ []byte) bool {
			is := len(subject) > 8 && subject[:8] == "$JS.ACK."
			if is {
				lost.Add(1)
			}
			return is
		}, nil)
		for _, d := range got {
			if err := d.Ack(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		becomes(t, "the acks are lost", func() bool { return lost.Load() >= 3 })
		e.opensAnew(t)
		becomes(t, "the messages are gone", func() bool { return inStream(t, e.conn, q.stream) == 0 })
	})
	t.Run("to a leader that dies", func(t *testing.T) {
		t.Parallel()
		_, leader, other, q, consumer := apart(t, pubsub.Queue{Name: "q"}, &pubsub.ConsumeOptions{Prefetch: 3})
		publishTo(t, other.broker, "q", 4)
		got := take(t, consumer, 3)
		lost := make(chan bool, 100)
		other.net.lose(func(subject string, body []byte) bool {
			is := subject == leader.conn.names.controlSubject(leader.conn.id) && len(body) > 20 // no ping
			if is {
				lost <- true
			}
			return is
		}, nil)
		if err := got[0].Ack(t.Context()); err != nil {
			t.Fatal(err)
		}
		<-lost
		Kill(leader.conn)
		// The next leader is here. It hears of the ack, and of what is held.
		last := take(t, consumer, 1)[0]
		if string(last.Body) != "3" {
			t.Errorf("received %s", last.Body)
		}
		for _, d := range append(got[1:], last) {
			if err := d.Ack(t.Context()); err != nil {
				t.Errorf("message %s: %v", d.Body, err)
			}
		}
		becomes(t, "the messages are gone", func() bool { return inStream(t, other.conn, q.stream) == 0 })
	})
}

// A leader that was only cut off hears that another leads now: what its consumers had is lost to
// them, and comes again from the new one.
func TestLeaderIsReplaced(t *testing.T) {
	t.Parallel()
	url := newVHost(t)
	old, next := newEnd(t, url), newEnd(t, url)
	q := queueOf(t, old.conn, old.broker, pubsub.Queue{Name: "q"})
	consumer, err := old.broker.Consume(t.Context(), "q", &pubsub.ConsumeOptions{Prefetch: 2})
	if err != nil {
		t.Fatal(err)
	}
	publishTo(t, old.broker, "q", 3)
	got := take(t, consumer, 2)
	f := lead(t, old, q).feed
	f.mu.Lock()
	name := f.consumer
	f.mu.Unlock()
	// It does not hear from its stream that its consumer is gone.
	old.net.lose(nil, func(subject string, _ []byte) bool { return subject == f.inbox })
	if err := next.conn.removeConsumer(t.Context(), q.stream, name); err != nil {
		t.Fatal(err)
	}
	next.conn.forgetRemote(q)
	lead(t, next, q)
	want := map[string]bool{"0": true, "1": true, "2": true}
	again := take(t, consumer, 1)
	for _, d := range got {
		if err := d.Ack(t.Context()); !errors.Is(err, pubsub.ErrDeliveryLost) {
			t.Errorf("message %s, which the old leader had handed out: %v", d.Body, err)
		}
	}
	for len(want) > 0 {
		for _, d := range again {
			if !want[string(d.Body)] {
				t.Fatalf("message %s came once more", d.Body)
			}
			delete(want, string(d.Body))
			if err := d.Ack(t.Context()); err != nil {
				t.Errorf("message %s: %v", d.Body, err)
			}
		}
		again = take(t, consumer, min(len(want), 1))
	}
	becomes(t, "the messages are gone", func() bool { return inStream(t, next.conn, q.stream) == 0 })
}
