package queue

import (
	"testing"

	"github.com/gobindery/bindery/pubsub"
)

// Consumers that come and go, without any message, leave nothing in the line.
func TestConsumersThatWentLeaveNoTurn(t *testing.T) {
	q := New(pubsub.Queue{Name: "q"}, "v")
	stays := join(t, q, pubsub.ConsumeOptions{Prefetch: 1, Priority: 5})
	for priority := range int32(10) {
		q.Leave(join(t, q, pubsub.ConsumeOptions{Prefetch: 1, Priority: priority}), 0)
	}
	if len(q.line) != 1 || q.line[0].consumers.n != 1 {
		t.Errorf("the line is %v, want one turn of one consumer", q.line)
	}
	if last := q.Leave(stays, 0); !last || len(q.line) != 0 {
		t.Errorf("last is %v, the line %v; want true and none", last, q.line)
	}
}
