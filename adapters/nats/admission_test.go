package nats

import (
	"testing"

	"github.com/gobindery/bindery/pubsub"
)

// A publish whose answer was lost is sent again. It was let in, and may be what makes the queue
// full by now: to refuse it would be wrong.
func TestSentAgainIsNotRefused(t *testing.T) {
	one := 1
	q := &queue{settings: pubsub.Queue{Name: "q", MaxLength: &one, Overflow: pubsub.RejectPublish}, record: &queueRecord{}}
	c := &Conn{names: namesOf("/")}
	l := newLeader(c, q)
	l.feed = newFeed(c, "stream", l.take, l.room, func() {})
	admit := func(id string) bool {
		t.Helper()
		ok, err := l.admit(id, 1, func() *pubsub.Publication { return new(pubsub.Publication) })
		if err != nil {
			t.Fatal(err)
		}
		return ok
	}
	if !admit("conn.1") {
		t.Fatal("the first one was refused")
	}
	l.arrive(arrival{seq: 1, id: "conn.1", pub: new(pubsub.Publication)})
	if !admit("conn.1") {
		t.Error("it was refused when it was sent again")
	}
	if admit("conn.2") {
		t.Error("another was let into the full queue")
	}
	if admit("conn.2") {
		t.Error("it was let in when it was sent again")
	}
}
