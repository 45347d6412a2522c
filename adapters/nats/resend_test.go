package nats

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gobindery/bindery/pubsub"
	"github.com/gobindery/bindery/pubsub/classic"
)

// unanswered publishes messages whose answers are lost, and returns when they are.
func unanswered(t *testing.T, l *lossy, c *Conn, b *pubsub.Broker, queue string, n int) []pubsub.Confirmation {
	t.Helper()
	var lost atomic.Int64
	l.loseUntilNew(nil, func(subject string, _ []byte) bool {
		if !strings.HasPrefix(subject, c.publisher.inbox) {
			return false
		}
		lost.Add(1)
		return true
	})
	var all []pubsub.Confirmation
	for range n {
		all = append(all, b.PublishAsync(t.Context(), "", queue, pubsub.Message{}, pubsub.Mandatory))
	}
	becomes(t, "the answers are lost", func() bool { return lost.Load() >= int64(n) })
	return all
}

// sentBefore makes all copies without an answer look as if they had been sent some time before they
// were; a negative one lets nothing be late.
func (p *publisher) sentBefore(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.sent {
		s.at, s.since = s.at-d, s.since-d
	}
}

// A publish without an answer is sent again, and stored once.
func TestPublishWithoutAnswer(t *testing.T) {
	t.Parallel()
	const messages = 5
	url := newVHost(t)
	l, c, b := losing(t, url)
	for what, again := range map[string]func(){
		"after a while": func() {
			l.lose(nil, nil)
			c.publisher.sentBefore(retryAfter)
		},
		"on a new connection": func() {
			c.publisher.sentBefore(-time.Hour) // not for being late
			if err := c.nc.ForceReconnect(); err != nil {
				t.Fatal(err)
			}
		},
	} {
		q := queueOf(t, c, b, pubsub.Queue{Name: what})
		all := unanswered(t, l, c, b, q.name(), messages)
		again()
		for _, p := range all {
			if err := p.Wait(soon(t)); err != nil {
				t.Errorf("%s: %v", what, err)
			}
		}
		if n := inStream(t, c, q.stream); n != messages {
			t.Errorf("sent again %s, %d messages are stored %d times", what, messages, n)
		}
	}
}

// A publish that NATS doesn't answer for so long that it might forget its id is not sent again.
func TestPublishIsGivenUp(t *testing.T) {
	t.Parallel()
	l, c, b := losing(t, newVHost(t))
	q := queueOf(t, c, b, pubsub.Queue{Name: "q"})
	all := unanswered(t, l, c, b, q.name(), 1)
	c.publisher.sentBefore(dedupWindow)
	becomes(t, "it has an outcome", func() bool {
		select {
		case <-all[0].Done():
			return true
		default:
			return false
		}
	})
	if err := all[0].Err(); !errors.Is(err, pubsub.ErrUnconfirmed) {
		t.Errorf("it ends with %v", err)
	}
}

// What is published waits for room, as long as its context lets it.
func TestPublishWaitsForRoom(t *testing.T) {
	t.Parallel()
	p := newPublisher(new(Conn)) // nobody sends
	for range mostWaiting {
		if err := p.add(t.Context(), new(outgoing), mostWaiting); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := p.add(ctx, new(outgoing), mostWaiting); !errors.Is(err, pubsub.ErrUnavailable) {
		t.Errorf("one more than there is room for: %v", err)
	}
	added := make(chan error)
	go func() { added <- p.add(t.Context(), new(outgoing), mostWaiting) }()
	p.mu.Lock()
	p.waiting = nil
	p.room.Broadcast()
	p.mu.Unlock()
	if err := <-added; err != nil {
		t.Error(err)
	}
}

// A queue that is deleted after a message was routed to it, and before that is stored, takes the
// message with it, as if it had gone just after.
func TestPublishToDeletedQueue(t *testing.T) {
	t.Parallel()
	url := newVHost(t)
	l, c, b := losing(t, url)
	q := queueOf(t, c, b, pubsub.Queue{Name: "q"})
	_, _, other := losing(t, url)
	var deleted atomic.Bool
	l.lose(func(subject string, _ []byte) bool {
		if subject == q.subject && deleted.CompareAndSwap(false, true) {
			if _, err := other.DeleteQueue(t.Context(), "q", nil); err != nil {
				t.Error(err)
			}
		}
		return false
	}, nil)
	if err := b.Publish(soon(t), "", "q", pubsub.Message{}, pubsub.Mandatory); err != nil || !deleted.Load() {
		t.Errorf("deleted %t, published: %v", deleted.Load(), err)
	}
}

// A queue whose stream is missing, since its declarer died or a server lost it, gets the stream from
// who publishes to it.
func TestPublishMakesTheStream(t *testing.T) {
	t.Parallel()
	_, c, b := losing(t, newVHost(t))
	q := queueOf(t, c, b, pubsub.Queue{Name: "q"})
	if err := c.deleteStream(t.Context(), q.stream); err != nil {
		t.Fatal(err)
	}
	publishTo(t, b, "q", 1)
	if n := inStream(t, c, q.stream); n != 1 {
		t.Errorf("%d messages are stored", n)
	}
}

// What is for the exclusive queue of a connection that is dead goes the way of that queue, at once.
func TestPublishToDeadOwner(t *testing.T) {
	t.Parallel()
	url := newVHost(t)
	_, owner, o := losing(t, url)
	q := queueOf(t, owner, o, pubsub.Queue{Name: "own", Exclusive: true})
	l, c, b := losing(t, url)
	Kill(owner)
	if err := c.deleteStream(t.Context(), q.stream); err != nil {
		t.Fatal(err)
	}
	var sent atomic.Int64
	l.lose(func(subject string, _ []byte) bool {
		if subject == q.subject {
			sent.Add(1)
		}
		return false
	}, nil)
	if err := b.Publish(soon(t), "", "own", pubsub.Message{}); err != nil || sent.Load() != 1 {
		t.Errorf("sent %d times, published: %v", sent.Load(), err)
	}
}

// A message for many exclusive queues of a connection is stored once.
func TestOneCopyForExclusiveQueues(t *testing.T) {
	t.Parallel()
	url := newVHost(t)
	_, c, b := losing(t, url)
	var stream string
	for _, name := range []string{"a", "b", "c"} {
		stream = queueOf(t, c, b, pubsub.Queue{Name: name, Exclusive: true}).stream
		if err := b.Bind(t.Context(), pubsub.Binding{Exchange: "amq.fanout", Queue: name}); err != nil {
			t.Fatal(err)
		}
	}
	_, _, other := losing(t, url)
	if err := other.Publish(t.Context(), "amq.fanout", "", pubsub.Message{}); err != nil {
		t.Fatal(err)
	}
	if n := inStream(t, c, stream); n != 1 {
		t.Errorf("%d copies are stored", n)
	}
	for _, name := range []string{"a", "b", "c"} {
		d, ok, err := b.Get(t.Context(), name, nil)
		if err != nil || !ok {
			t.Fatalf("queue %s: got %t, %v", name, ok, err)
		}
		if n := inStream(t, c, stream); n != 1 {
			t.Errorf("%d messages are stored while one has it unacknowledged", n)
		}
		if err := d.Ack(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	becomes(t, "the message is gone once all have acknowledged it", func() bool { return inStream(t, c, stream) == 0 })
}

// A dead letter is stored once, whoever sends it again: the next leader does, if one died before
// it had acknowledged the message.
func TestDeadLetterSentTwice(t *testing.T) {
	t.Parallel()
	_, c, b := losing(t, newVHost(t))
	q := queueOf(t, c, b, pubsub.Queue{Name: "letters"})
	own := queueOf(t, c, b, pubsub.Queue{Name: "own", Exclusive: true})
	// It is no plain exclusive queue: a copy for it alone goes to the same stream.
	full := queueOf(t, c, b, pubsub.Queue{Name: "full", Exclusive: true, MaxLength: new(10), Overflow: pubsub.RejectPublish})
	for _, q := range []*queue{q, own, full} {
		if err := b.Bind(t.Context(), pubsub.Binding{Exchange: "amq.fanout", Queue: q.name()}); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		done := make(chan bool)
		letter := &pubsub.Publication{Envelope: pubsub.Envelope{Exchange: "amq.fanout"}}
		c.publisher.publishDead(letter, "stream.incarnation.1", classic.Expired, func() { close(done) })
		<-done
	}
	if n := inStream(t, c, q.stream); n != 1 {
		t.Errorf("%d dead letters are stored", n)
	}
	for _, q := range []*queue{own, full} {
		if s, err := b.InspectQueue(t.Context(), q.name()); err != nil || s.Ready != 1 {
			t.Errorf("queue %s has %d of them, %v", q.name(), s.Ready, err)
		}
	}
}

// A message that expires in the same queue again and again is dropped when it comes round.
func TestDeadLetterGoesRoundOnce(t *testing.T) {
	t.Parallel()
	_, c, b := losing(t, newVHost(t))
	q := queueOf(t, c, b, pubsub.Queue{Name: "self", MessageTTL: new(time.Millisecond), DeadLetter: &pubsub.DeadLetter{RoutingKey: new("self")}})
	publishTo(t, b, "self", 1)
	// It is taken out only when its letter is there: as long as it goes round, there is one.
	becomes(t, "the message is dropped", func() bool { return inStream(t, c, q.stream) == 0 })
}

// A dead letter that can't be sent stays where it died, for the next leader.
func TestDeadLetterThatIsNotSentStays(t *testing.T) {
	t.Parallel()
	url := newVHost(t)
	_, c, b := losing(t, url)
	_, _, other := losing(t, url)
	queueOf(t, c, b, pubsub.Queue{Name: "letters"})
	queueOf(t, c, b, pubsub.Queue{Name: "q", DeadLetter: &pubsub.DeadLetter{RoutingKey: new("letters")}})
	publishTo(t, b, "q", 1)
	d, ok, err := b.Get(t.Context(), "q", nil)
	if err != nil || !ok {
		t.Fatalf("got %t, %v", ok, err)
	}
	c.publisher.end(0) // it sends nothing any more, as in a client that dies
	if err := d.Reject(t.Context()); err != nil {
		t.Fatal(err)
	}
	Kill(c)
	got, ok, err := other.Get(soon(t), "q", nil)
	if err != nil || !ok || !got.Redelivered {
		t.Errorf("after the leader's death: got %t, redelivered %t, %v", ok, ok && got.Redelivered, err)
	}
}
