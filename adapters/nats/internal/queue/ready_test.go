package queue

import (
	"testing"

	"github.com/gobindery/bindery/pubsub"
)

// A backlog that is gone leaves no space behind, whether it was new, requeued or held.
func TestBacklogLeavesNoSpace(t *testing.T) {
	q := New(pubsub.Queue{Name: "q"}, "v")
	c := join(t, q, pubsub.ConsumeOptions{Prefetch: 1})
	const messages = 2*keepSpace + 1
	message := &pubsub.Publication{}
	for seq := range uint64(messages) {
		q.Add(Entry{Seq: seq, Message: message, Expires: Never}, 0)
	}
	q.Leave(c, 0)
	c = join(t, q, pubsub.ConsumeOptions{Prefetch: pubsub.Unlimited})
	c.Return(0)
	q.Leave(c, 0)
	if n := q.Ready(); n != messages-1 {
		t.Fatalf("%d are ready, want %d", n, messages-1)
	}
	if n := q.Purge(); n != messages-1 {
		t.Fatalf("%d were purged, want %d", n, messages-1)
	}
	for what, n := range map[string]int{
		"new": len(q.levels[0].fresh.space), "requeued": cap(q.levels[0].requeued), "held": len(c.held.entries.space),
	} {
		if n > keepSpace {
			t.Errorf("space for %d %s entries stays, want at most %d", n, what, keepSpace)
		}
	}
}

// A head of high priority that goes uncovers lower ones, and one that comes
// back goes before them again.
func TestHighestLevelIsFound(t *testing.T) {
	q := New(pubsub.Queue{Name: "q", MaxPriority: 255}, "v")
	h := q.Holder(0)
	for seq, priority := range []uint8{0, 255, 7} {
		m := &pubsub.Publication{}
		m.Priority = priority
		q.Add(Entry{Seq: uint64(seq), Message: m, Expires: Never}, 0)
	}
	for _, step := range []struct {
		want    uint64 // Seq that comes
		requeue bool
	}{{1, true}, {1, false}, {2, false}, {0, true}, {0, false}} {
		d, ok := q.Get(h, 0)
		if !ok || d.Seq != step.want {
			t.Fatalf("got %d, %v; want %d", d.Seq, ok, step.want)
		}
		if step.requeue {
			h.Settle(d.Tag, pubsub.Requeue, false, 0)
		}
	}
}
