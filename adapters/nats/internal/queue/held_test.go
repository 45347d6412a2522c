package queue

import (
	"testing"

	"github.com/gobindery/bindery/pubsub"
)

// A consumer that never settles one delivery and all others must not need space
// for all that it ever had.
func TestDeliveryThatIsNeverSettledHoldsUpNoSpace(t *testing.T) {
	q := New(pubsub.Queue{Name: "q"}, "v")
	c := join(t, q, pubsub.ConsumeOptions{Prefetch: 10})
	const messages = 100_000
	for seq := range uint64(messages) {
		q.Add(Entry{Seq: seq, Message: &pubsub.Publication{}, Expires: Never}, 0)
		if seq > 5 && !c.Settle(seq-3, pubsub.Ack, false, 0) {
			t.Fatalf("tag %d was settled already", seq-3)
		}
		q.Effects()
	}
	if n := len(c.held.entries.space); n > 4*fewMarks {
		t.Errorf("%d held deliveries take space for %d", q.Unacked(), n)
	}
	// 1, 2 and what came after the last settled one.
	for _, tag := range []uint64{1, 2, messages - 3, messages - 2, messages - 1, messages} {
		if !c.Settle(tag, pubsub.Ack, false, 0) {
			t.Errorf("tag %d is not held", tag)
		}
		if c.Settle(tag, pubsub.Ack, false, 0) {
			t.Errorf("tag %d was settled twice", tag)
		}
	}
	if n := q.Unacked(); n != 0 {
		t.Errorf("%d are unacknowledged, want none", n)
	}
}

// Tidying must leave alone what is not settled, and with it the order of the tags.
func TestHeldIsTidiedUp(t *testing.T) {
	var h held
	const tags = 1000
	message := &pubsub.Publication{}
	for tag := range uint64(tags) {
		h.add(tag, Entry{Seq: tag, Message: message})
	}
	for tag := range uint64(tags) {
		if tag%10 != 0 {
			if e, ok := h.take(tag); !ok || e.Seq != tag {
				t.Fatalf("take(%d) = %v, %v", tag, e, ok)
			}
		}
	}
	if n := h.entries.n; h.count != tags/10 || n > 2*h.count {
		t.Errorf("%d entries for %d that are not settled, want %d", n, h.count, tags/10)
	}
	for tag := range uint64(tags) {
		e, ok := h.take(tag)
		if want := tag%10 == 0; ok != want || ok && e.Seq != tag {
			t.Errorf("take(%d) = %v, %v; want it: %v", tag, e, ok, want)
		}
	}
}
