package nats

import (
	"slices"
	"testing"

	"github.com/gobindery/bindery/pubsub"
)

// follow lets a connection lead a queue once its leader has gone, before another connection
// can, which is one that consumes.
func follow(t *testing.T, next, consumes end, q *queue, goes func()) *leader {
	t.Helper()
	unlock := consumes.conn.claims.lock(q.record.Incarnation)
	defer unlock()
	goes()
	next.conn.forgetRemote(q)
	return lead(t, next, q)
}

// bodies are those of messages.
func bodies(got []pubsub.Delivery) (bodies []string) {
	for _, d := range got {
		bodies = append(bodies, string(d.Body))
	}
	return bodies
}

// A consumer keeps what it has when the queue's leader leaves in good order or dies, gets no more than
// its prefetch from the next one, and its acks count there.
func TestConsumerKeepsWhatItHas(t *testing.T) {
	t.Parallel()
	for _, dies := range []bool{false, true} {
		name := "leaves"
		if dies {
			name = "dies"
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, old, consumes, q, consumer := apart(t, pubsub.Queue{Name: "q"}, &pubsub.ConsumeOptions{Prefetch: 3})
			publishTo(t, consumes.broker, "q", 6)
			got := take(t, consumer, 3)
			next := newEnd(t, url)
			l := follow(t, next, consumes, q, func() {
				if dies {
					Kill(old.conn)
				} else if err := old.broker.Close(); err != nil {
					t.Error(err)
				}
			})
			becomes(t, "the next leader hands out", func() bool {
				l.mu.Lock()
				defer l.mu.Unlock()
				return !l.gathering
			})
			l.mu.Lock()
			ready, unacked := l.engine.Ready(), l.engine.Unacked()
			l.mu.Unlock()
			if ready != 3 || unacked != 3 {
				t.Errorf("%d messages are ready, %d unacked; want 3, 3", ready, unacked)
			}
			for range 3 {
				if err := got[0].Ack(t.Context()); err != nil {
					t.Fatal(err)
				}
				got = append(got[1:], take(t, consumer, 1)...)
				if d := got[2]; d.Redelivered && !dies {
					t.Errorf("message %s is marked as redelivered", d.Body)
				}
			}
			if is := bodies(got); !slices.Equal(is, []string{"3", "4", "5"}) {
				t.Errorf("received %v", is)
			}
			for _, d := range got {
				if err := d.Ack(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			becomes(t, "the messages are gone", func() bool { return inStream(t, next.conn, q.stream) == 0 })
			becomes(t, "the consumer holds nothing", func() bool {
				held := 0
				for _, s := range consumes.conn.subscriptions(q.record.Incarnation) {
					s.mu.Lock()
					held += len(s.held)
					s.mu.Unlock()
				}
				return held == 0
			})
		})
	}
}

// The next leader doesn't wait for consumers of the one before that are dead.
func TestNextLeaderWaitsForNoDead(t *testing.T) {
	t.Parallel()
	url, old, consumes, q, consumer := apart(t, pubsub.Queue{Name: "q"}, nil)
	publishTo(t, consumes.broker, "q", 1)
	take(t, consumer, 1)
	next := newEnd(t, url)
	Kill(consumes.conn) // the leader has not found out when it leaves
	if err := old.broker.Close(); err != nil {
		t.Fatal(err)
	}
	l := lead(t, next, q)
	becomes(t, "all that it expects have come or are dead", func() bool {
		select {
		case <-l.gathered:
			return true
		default:
			return false
		}
	})
	if d, ok, err := next.broker.Get(soon(t), "q", nil); err != nil || !ok || !d.Redelivered {
		t.Errorf("got %t, redelivered %t, %v", ok, ok && d.Redelivered, err)
	}
}

// A leader that leaves before all that it waits for have joined tells the next one what it was told.
func TestLeaderLeavesWhileItWaits(t *testing.T) {
	t.Parallel()
	url, old, consumes, q, consumer := apart(t, pubsub.Queue{Name: "q"}, nil)
	publishTo(t, consumes.broker, "q", 1)
	take(t, consumer, 1)
	second, third := newEnd(t, url), newEnd(t, url)
	unlock := consumes.conn.claims.lock(q.record.Incarnation) // it joins nobody
	defer unlock()
	if err := old.broker.Close(); err != nil {
		t.Fatal(err)
	}
	l := lead(t, second, q)
	becomes(t, "the message has come", func() bool { return l.feed.last() == 1 })
	if err := second.broker.Close(); err != nil {
		t.Fatal(err)
	}
	third.conn.forgetRemote(q)
	if d, ok, err := third.broker.Get(soon(t), "q", nil); err != nil || !ok || !d.Redelivered {
		t.Errorf("got %t, redelivered %t, %v", ok, ok && d.Redelivered, err)
	}
}

// What a consumer that is cancelled had not been handed over is back in the queue, for the next leader too.
func TestCancelledBeforeTheLeaderDies(t *testing.T) {
	t.Parallel()
	url := newVHost(t)
	old, consumes := newEnd(t, url), newEnd(t, url)
	q := queueOf(t, old.conn, old.broker, pubsub.Queue{Name: "q"})
	lead(t, old, q)
	s, err := consumes.conn.Consume(t.Context(), "q", pubsub.ConsumeOptions{Prefetch: 3})
	if err != nil {
		t.Fatal(err)
	}
	publishTo(t, old.broker, "q", 3)
	sub := s.(*subscription)
	becomes(t, "all have come", func() bool {
		sub.mu.Lock()
		defer sub.mu.Unlock()
		return len(sub.held) == 3
	})
	if n, err := s.Receive(soon(t), make([]pubsub.Incoming, 1)); n != 1 || err != nil {
		t.Fatalf("received %d, %v", n, err)
	}
	if err := s.Cancel(t.Context()); err != nil {
		t.Fatal(err)
	}
	next := newEnd(t, url)
	l := follow(t, next, consumes, q, func() { Kill(old.conn) })
	becomes(t, "what it was handed over is known", func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return !l.gathering && len(l.members) == 1
	})
	if s, err := next.broker.InspectQueue(t.Context(), "q"); err != nil || s.Ready != 2 {
		t.Errorf("%d messages are ready, %v", s.Ready, err)
	}
}

// A delivery that comes to a consumer that has gone is not handed over: it is back in the queue.
func TestDeliveryAfterCancel(t *testing.T) {
	t.Parallel()
	s := newSubscription(newEnd(t, newVHost(t)).conn, nil, pubsub.ConsumeOptions{Prefetch: 1}, false)
	defer s.conn.forgetSubscription(s)
	s.stopTaking()
	s.push(pubsub.Incoming{Envelope: new(pubsub.Envelope), Tag: 1}, &heldItem{Tag: 1, Seq: 1})
	if n, err := s.Receive(t.Context(), make([]pubsub.Incoming, 1)); n != 0 || err == nil || len(s.held) != 0 {
		t.Errorf("received %d, %v; it holds %v", n, err, s.held)
	}
}

// Settlements that are dropped while they are sent, because the deliveries are lost, stay
// dropped.
func TestSettlementsLostWhileSent(t *testing.T) {
	t.Parallel()
	_, leader, consumes, q, consumer := apart(t, pubsub.Queue{Name: "q"}, nil)
	publishTo(t, leader.broker, "q", 1)
	d := take(t, consumer, 1)[0]
	s := consumes.conn.subscriptions(q.record.Incarnation)[0]
	dropped := make(chan bool, 100)
	consumes.net.lose(func(subject string, body []byte) bool {
		if subject == leader.conn.names.controlSubject(leader.conn.id) && len(body) > len(pingRequest) {
			s.mu.Lock()
			s.unsent.clear()
			s.mu.Unlock()
			dropped <- true
		}
		return false
	}, nil)
	if err := d.Ack(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-dropped
	becomes(t, "nothing is being sent", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return !s.unsent.sending && s.unsent.waiting == nil
	})
}

// Settlements that the leader has not taken are sent again, though nobody settles anything further.
func TestSettlementsAreSentAgain(t *testing.T) {
	t.Parallel()
	_, leader, other, q, consumer := apart(t, pubsub.Queue{Name: "q"}, nil)
	publishTo(t, leader.broker, "q", 1)
	d := take(t, consumer, 1)[0]
	c := leader.conn
	c.mu.Lock()
	l := c.leaders[q.record.Incarnation]
	delete(c.leaders, q.record.Incarnation) // it says that it doesn't lead
	c.mu.Unlock()
	asked := make(chan bool, 100)
	other.net.lose(func(subject string, body []byte) bool {
		if subject == c.names.controlSubject(c.id) && len(body) > len(pingRequest) {
			asked <- true
		}
		return false
	}, nil)
	if err := d.Ack(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-asked
	s := other.conn.subscriptions(q.record.Incarnation)[0]
	becomes(t, "the ack is not taken", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return !s.unsent.sending && len(s.unsent.waiting) == 1
	})
	c.mu.Lock()
	c.leaders[q.record.Incarnation] = l
	c.mu.Unlock()
	becomes(t, "the message is gone", func() bool { return inStream(t, c, q.stream) == 0 })
}

// When several leave together, what they had goes to others in its order.
func TestLeavingTogether(t *testing.T) {
	t.Parallel()
	url := newVHost(t)
	e, other := newEnd(t, url), newEnd(t, url)
	q := queueOf(t, e.conn, e.broker, pubsub.Queue{Name: "q"})
	publish := func(body string) {
		t.Helper()
		if err := e.broker.Publish(t.Context(), "", "q", pubsub.Message{Body: []byte(body)}); err != nil {
			t.Fatal(err)
		}
	}
	var members []member
	for _, first := range []string{"a", "b"} {
		s, err := e.conn.Consume(t.Context(), "q", pubsub.ConsumeOptions{Prefetch: 1})
		if err != nil {
			t.Fatal(err)
		}
		members = append(members, s.(*subscription).member())
		publish(first)
	}
	publish("c")
	consumer, err := other.broker.Consume(t.Context(), "q", &pubsub.ConsumeOptions{Prefetch: 10})
	if err != nil {
		t.Fatal(err)
	}
	rest := take(t, consumer, 1)
	slices.Reverse(members)
	if err := lead(t, e, q).leaveNow(members...); err != nil {
		t.Fatal(err)
	}
	if is := bodies(append(rest, take(t, consumer, 2)...)); !slices.Equal(is, []string{"c", "a", "b"}) {
		t.Errorf("received %v", is)
	}
}
