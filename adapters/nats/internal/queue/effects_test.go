package queue

import (
	"testing"

	"github.com/gobindery/bindery/pubsub"
)

// Who walks through the deliveries may settle them meanwhile.
func TestEffectsStayUntilTheNext(t *testing.T) {
	q := New(pubsub.Queue{Name: "q"}, "v")
	c := join(t, q, pubsub.ConsumeOptions{Prefetch: 5})
	for round := range uint64(3) {
		for i := range uint64(10) {
			q.Add(Entry{Seq: 10*round + i, Message: &pubsub.Publication{}, Expires: Never}, 0)
		}
		for left := 10; left > 0; {
			deliveries := q.Effects().Deliveries
			if len(deliveries) == 0 {
				t.Fatalf("round %d: %d messages were not delivered", round, left)
			}
			first := deliveries[0].Tag
			for i := range deliveries {
				c.Settle(deliveries[i].Tag, pubsub.Ack, false, 0) // the next one is delivered
				left--
			}
			for i, d := range deliveries {
				if d.Tag != first+uint64(i) || d.Seq != d.Tag-1 || d.Message == nil {
					t.Fatalf("round %d: delivery %d from tag %d is now %+v", round, i, first, d)
				}
			}
		}
	}
}

// The space of effects lets messages go with the next call, and is let go itself
// after a burst.
func TestEffectsLetGo(t *testing.T) {
	var l effects[Gone]
	l.add(Gone{Entry: Entry{Seq: 1, Message: &pubsub.Publication{}}})
	first := l.take()
	l.take()
	if first[0].Message != nil {
		t.Error("the space still has a message after the next call")
	}
	for range keepEffects + 1 {
		l.add(Gone{})
	}
	l.take()
	l.take()
	if n := cap(l.items) + cap(l.taken); n > keepEffects {
		t.Errorf("space for %d items stays, want at most %d", n, keepEffects)
	}
}

func TestReasonNames(t *testing.T) {
	for reason, want := range map[Reason]string{
		Acked: "acked", Rejected: "rejected", Expired: "expired", Overflowed: "maxlen", Purged: "purged", 0: "invalid reason",
	} {
		if got := reason.String(); got != want {
			t.Errorf("Reason(%d).String() = %q, want %q", reason, got, want)
		}
	}
}
