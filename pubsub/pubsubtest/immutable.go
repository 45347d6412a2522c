package pubsubtest

import (
	"bytes"
	"fmt"

	"github.com/gobindery/bindery/pubsub"
)

var immutableCases = []Case{
	{"immutable/received", "a message that was received never changes, whatever becomes of it elsewhere", immutableReceived},
	{"immutable/many", "messages held while many others pass stay as they were", immutableMany},
}

func immutableReceived(w *world) {
	c := w.open()
	grave := c.grave()
	q := c.queue(pubsub.Queue{DeadLetter: toGrave()})
	twin := c.temp()
	c.bind("amq.fanout", q, "")
	c.bind("amq.fanout", twin, "")
	m := w.fullMessage()
	m.Headers = pubsub.Table{"t": pubsub.Table{"k": int32(1)}, "l": []any{"a", []byte("b")}}
	want := m
	want.Body, want.Headers = bytes.Clone(m.Body), m.Headers.Clone()
	c.message("amq.fanout", "", m)
	m.Body[0] = 'X'
	m.Headers["t"].(pubsub.Table)["k"] = int32(2)
	m.Headers["l"].([]any)[1].([]byte)[0] = 'X'

	cons := c.consume(q, nil)
	first := cons.next()
	held := c.get(twin)
	w.requeue(first)
	second := cons.next()
	w.equal("redelivered of the first, after its requeue", first.Redelivered, false)
	w.reject(second)
	letter := c.letter(grave)
	w.sameMessage("the one that was requeued", first, want)
	w.sameMessage("the one that was rejected", second, want)
	w.sameMessage("the copy from another queue", held, want)
	// The dead letter's history and expiration are its own.
	dead := want
	dead.Headers, dead.Expiration = letter.Headers, nil
	w.sameMessage("the dead letter", letter, dead)
}

func immutableMany(w *world) {
	c := w.open()
	q := c.temp()
	cons := c.consume(q, &pubsub.ConsumeOptions{Prefetch: pubsub.Unlimited})
	const n = 500
	body := func(i int) []byte { return bytes.Repeat([]byte(fmt.Sprintf("%06d", i)), i%50) }
	for i := range n {
		c.PublishAsync(w.ctx, "", q, pubsub.Message{Body: body(i), Headers: pubsub.Table{"i": int64(i), "b": body(i)}})
	}
	ds := cons.some(n)
	for i := range n {
		c.PublishAsync(w.ctx, "", q, pubsub.Message{Body: []byte("noise, noise, noise"), Headers: pubsub.Table{"i": "noise", "x": int64(i)}})
	}
	cons.some(n)
	for i, d := range ds {
		if want := (pubsub.Table{"i": int64(i), "b": body(i)}); !bytes.Equal(d.Body, body(i)) || !d.Headers.Equal(want) {
			w.Fatalf("message %d has become body %q, headers %s", i, clip(d.Body), typed(d.Headers))
		}
	}
}
