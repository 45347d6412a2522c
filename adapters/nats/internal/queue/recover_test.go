package queue

import (
	"testing"

	"github.com/gobindery/bindery/pubsub"
)

// A consumer that is there before the messages: a new one comes to it even if it
// has expired, as with TTL 0; one that waited before does not. What the consumer
// holds counts, though it is restored in between.
func TestRecoveredMessages(t *testing.T) {
	q := New(pubsub.Queue{Name: "q"}, "v")
	c := join(t, q, pubsub.ConsumeOptions{Prefetch: 2})
	entry := func(seq uint64, expires int64) Entry {
		return Entry{Seq: seq, Message: &pubsub.Publication{}, Expires: expires}
	}
	q.Recover(entry(1, 10))
	q.Recover(entry(2, Never))
	q.Restore(c, 1, entry(3, Never))
	q.Recover(entry(4, Never))
	if e := q.Effects(); len(e.Deliveries)+len(e.Gone) != 0 {
		t.Fatalf("before Dispatch: %+v", e)
	}
	q.Dispatch(10)
	e := q.Effects()
	if len(e.Gone) != 1 || e.Gone[0].Seq != 1 || e.Gone[0].Reason != Expired {
		t.Errorf("gone is %+v, want 1, expired", e.Gone)
	}
	if len(e.Deliveries) != 1 || e.Deliveries[0].Seq != 2 || e.Deliveries[0].Tag != 2 {
		t.Errorf("delivered is %+v, want 2 with tag 2", e.Deliveries)
	}
	c.Settle(2, pubsub.Ack, true, 10)
	q.Effects()
	q.Add(entry(5, 10), 10)
	if e := q.Effects(); len(e.Deliveries) != 1 || e.Deliveries[0].Seq != 5 {
		t.Errorf("a new one: %+v, want it delivered", e)
	}
}
