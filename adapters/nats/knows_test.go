package nats

import (
	"cmp"
	"reflect"
	"slices"
	"testing"

	engine "github.com/gobindery/bindery/adapters/nats/internal/queue"
	"github.com/gobindery/bindery/pubsub"
)

// A leader that leaves before it has heard what others have since the one before, leaves that to the next.
func TestLeavesWhileGathering(t *testing.T) {
	c := &Conn{id: "me", names: namesOf("v")}
	q, err := newQueue(&c.names, &queueRecord{Name: "q", Incarnation: "i"})
	if err != nil {
		t.Fatal(err)
	}
	l := newLeader(c, q)
	l.feed = newFeed(c, q.stream, l.take, l.room, nil)
	l.begun.Replicas = 3
	// The one before had 1 to 9. It was done with 1, 4, 5 and 9, and 3 was with a, 6 and 7 with b, who is to
	// come yet. 2 was requeued. Of all this, 2 to 4 have come here: 4 was passed over.
	l.gathering, l.handed = true, 9
	l.done = done{spans{{1, 1}, {4, 5}, {9, 9}}, 90}
	l.given = map[uint64]bool{2: true, 3: true, 6: true, 7: true}
	a, b := member{"a", 1}, member{"b", 2}
	l.members[a] = l.engine.Holder(0)
	l.heldBy = map[uint64]holding{3: {member: a, tag: 1}}
	l.expected = map[member]bool{b: true}
	l.settled = map[uint64]bool{8: true} // by another
	l.last, l.feed.seen, l.feed.seenAt = 4, 4, 40
	l.feed.replies = map[uint64]reply{2: {}, 3: {}}

	left := l.knows(l.stop())
	slices.SortFunc(left.Members, func(a, b leftMember) int { return cmp.Compare(a.Conn, b.Conn) })
	want := &leftRecord{
		Incarnation: "i", Name: "q", Leader: "me", Handed: 9, Given: "2-3,6-7", Members: []leftMember{{"a", 1}, {"b", 2}},
		Done: "1,4-5,8-9", Stored: 90,
	}
	if !reflect.DeepEqual(left, want) {
		t.Errorf("it tells\n%+v\nwant\n%+v", left, want)
	}
}

// What a leader tells of a stream with one replica are the messages that are out; those that are
// done with are not there any more.
func TestLeaves(t *testing.T) {
	for replicas, done := range map[int]string{1: "", 3: "1,3"} {
		c := &Conn{id: "me", names: namesOf("v")}
		q, err := newQueue(&c.names, &queueRecord{Name: "q", Incarnation: "i"})
		if err != nil {
			t.Fatal(err)
		}
		l := newLeader(c, q)
		l.feed = newFeed(c, q.stream, l.take, l.room, nil)
		l.begun.Replicas = replicas
		m := member{"a", 1}
		l.members[m] = l.engine.Holder(0)
		l.engine.Add(engine.Entry{Seq: 2, Message: &pubsub.Publication{}, Expires: engine.Never}, 0)
		l.engine.Add(engine.Entry{Seq: 4, Message: &pubsub.Publication{}, Expires: engine.Never}, 0)
		if d, ok := l.engine.Get(l.members[m], 0); !ok || d.Seq != 2 {
			t.Fatalf("got %+v, %t; want message 2", d, ok)
		}
		l.last, l.feed.seen, l.feed.seenAt = 4, 4, 40
		l.feed.replies = map[uint64]reply{2: {}, 4: {}}
		left := l.knows(l.stop())
		want := &leftRecord{Incarnation: "i", Name: "q", Leader: "me", Handed: 4, Given: "2", Members: []leftMember{{"a", 1}}, Done: done, Stored: 40}
		if !reflect.DeepEqual(left, want) {
			t.Errorf("with %d replicas it tells\n%+v\nwant\n%+v", replicas, left, want)
		}
	}
}
