package queue

import (
	"testing"

	"github.com/gobindery/bindery/pubsub"
)

// A settlement must wait for what is about to come where that would have gone to somebody, or
// pushed something out, had it come before.
func TestOrderMatters(t *testing.T) {
	one := 1
	for _, test := range []struct {
		name     string
		queue    pubsub.Queue
		prefetch int
		ready    int // messages that wait besides the one that is held
		outcome  pubsub.Outcome
		want     bool
	}{
		{"it gets nothing until it acks", pubsub.Queue{}, 1, 0, pubsub.Ack, true},
		{"nor until it rejects", pubsub.Queue{}, 1, 0, pubsub.Reject, true},
		{"it may have more anyway", pubsub.Queue{}, 2, 0, pubsub.Ack, false},
		{"what is requeued comes behind what it gets before", pubsub.Queue{}, 2, 0, pubsub.Requeue, true},
		{"another waits, and is next in any case", pubsub.Queue{}, 1, 1, pubsub.Ack, false},
		{"what is requeued is next in any case", pubsub.Queue{}, 1, 1, pubsub.Requeue, false},
		{"a higher priority may come before the one that waits", pubsub.Queue{MaxPriority: 9}, 1, 1, pubsub.Ack, true},
		{"the one that waits may be dropped", pubsub.Queue{MaxLength: &one}, 1, 1, pubsub.Ack, true},
		{"as for bytes", pubsub.Queue{MaxBytes: &one}, 1, 1, pubsub.Ack, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			q := New(test.queue, "/")
			c, err := q.Join(pubsub.ConsumeOptions{Prefetch: test.prefetch}, 0)
			if err != nil {
				t.Fatal(err)
			}
			for seq := range test.ready + 1 {
				q.Add(Entry{Seq: uint64(seq + 1), Message: &pubsub.Publication{}, Expires: Never}, 0)
			}
			if got := c.OrderMatters(test.outcome, 0); got != test.want {
				t.Errorf("OrderMatters(%v) = %v, want %v", test.outcome, got, test.want)
			}
		})
	}
	t.Run("what waits has expired", func(t *testing.T) {
		q := New(pubsub.Queue{}, "/")
		c, _ := q.Join(pubsub.ConsumeOptions{Prefetch: 1}, 0)
		q.Add(Entry{Seq: 1, Message: &pubsub.Publication{}, Expires: Never}, 0)
		q.Add(Entry{Seq: 2, Message: &pubsub.Publication{}, Expires: 5}, 0)
		if !c.OrderMatters(pubsub.Ack, 5) {
			t.Error("it does not matter, though nothing is ready any more")
		}
	})
	t.Run("a holder takes nothing by itself", func(t *testing.T) {
		q := New(pubsub.Queue{}, "/")
		h := q.Holder(0)
		q.Add(Entry{Seq: 1, Message: &pubsub.Publication{}, Expires: Never}, 0)
		q.Get(h, 0)
		if h.OrderMatters(pubsub.Ack, 0) {
			t.Error("it matters when a holder acks")
		}
	})
}
