package queue

import (
	"testing"

	"github.com/gobindery/bindery/pubsub"
)

// Messages come one by one, or many at once as from a store: each is added, delivered
// to one consumer and acknowledged.
func BenchmarkOneConsumer(b *testing.B) {
	for _, bench := range []struct {
		name  string
		batch int
	}{{"batch=1", 1}, {"batch=64", 64}} {
		b.Run(bench.name, func(b *testing.B) {
			q := New(pubsub.Queue{Name: "q"}, "/")
			c := join(b, q, pubsub.ConsumeOptions{Prefetch: pubsub.DefaultPrefetch})
			m := &pubsub.Publication{}
			seq, acked := 0, 0
			b.ReportAllocs()
			for b.Loop() {
				for range bench.batch {
					seq++
					q.Add(Entry{Seq: uint64(seq), Message: m, Expires: Never}, 0)
				}
				for _, d := range q.Effects().Deliveries {
					c.Settle(d.Tag, pubsub.Ack, false, 0)
				}
				acked += len(q.Effects().Gone)
			}
			perMessage(b, seq, acked)
		})
	}
}

// A backlog of 256 priorities drains to a thousand consumers of three.
func BenchmarkManyConsumers(b *testing.B) {
	q := New(pubsub.Queue{Name: "q", MaxPriority: 255}, "/")
	for i := range 1000 {
		join(b, q, pubsub.ConsumeOptions{Prefetch: 2, Priority: int32(i % 3)})
	}
	messages := make([]*pubsub.Publication, 256)
	for i := range messages {
		messages[i] = &pubsub.Publication{}
		messages[i].Priority = uint8(i)
	}
	seq, acked := 0, 0
	b.ReportAllocs()
	for b.Loop() {
		for q.Ready() < 1000 {
			seq++
			q.Add(Entry{Seq: uint64(seq), Message: messages[seq*7%256], Expires: Never}, 0)
		}
		e := q.Effects()
		acked += len(e.Gone)
		for _, d := range e.Deliveries {
			d.To.Settle(d.Tag, pubsub.Ack, false, 0)
		}
	}
	perMessage(b, seq, acked+len(q.Effects().Gone)+q.Ready()+q.Unacked())
}

// Half of the messages are given back once, from everywhere in a backlog.
func BenchmarkRequeue(b *testing.B) {
	q := New(pubsub.Queue{Name: "q"}, "/")
	c := join(b, q, pubsub.ConsumeOptions{Prefetch: 1000})
	m := &pubsub.Publication{}
	seq, acked := 0, 0
	b.ReportAllocs()
	for b.Loop() {
		for q.Ready() < 1000 {
			seq++
			q.Add(Entry{Seq: uint64(seq), Message: m, Expires: Never}, 0)
		}
		e := q.Effects()
		acked += len(e.Gone)
		for _, d := range e.Deliveries {
			o := pubsub.Ack
			if d.Tag%2 == 0 && !d.Redelivered {
				o = pubsub.Requeue
			}
			c.Settle(d.Tag, o, false, 0)
		}
	}
	perMessage(b, seq, acked+len(q.Effects().Gone)+q.Ready()+q.Unacked())
}

// perMessage reports the time for a message, and makes sure that each was counted.
func perMessage(b *testing.B, added, accounted int) {
	b.Helper()
	if added == 0 || accounted != added {
		b.Fatalf("%d of %d messages are accounted for", accounted, added)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(added), "ns/msg")
}

func join(tb testing.TB, q *Queue, o pubsub.ConsumeOptions) *Consumer {
	tb.Helper()
	c, err := q.Join(o, 0)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}
