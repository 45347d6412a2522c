package pubsubtest

import (
	"strings"

	"github.com/gobindery/bindery/pubsub"
)

var maxLengthCases = []Case{
	{"max-length/drop-head", "a full queue drops its oldest message, by default and with drop-head", maxLengthDropHead},
	{"max-length/zero", "a max-length of 0: only to a consumer that is ready", maxLengthZero},
	{"max-length/ready only", "unacknowledged messages don't count", maxLengthReadyOnly},
	{"max-length/requeue", "a requeue that makes the queue too long drops its head", maxLengthRequeue},
	{"max-length/bytes", "a queue over max-bytes drops from its head; a message larger than that empties the queue", maxLengthBytes},
	{"max-length/both", "whichever of the limits is reached counts", maxLengthBoth},
	{"max-length/reject-publish", "a full queue with reject-publish refuses new messages (nack)", maxLengthRejectPublish},
	{"max-length/reject-publish bytes", "reject-publish refuses what max-bytes has no room for", maxLengthRejectBytes},
	{"max-length/reject-publish ready", "reject-publish with a max-length of 0 refuses, though a consumer is ready", maxLengthRejectReady},
	{"max-length/fan-out", "one full queue of a fan-out: refused, though the others got it", maxLengthFanOut},
	{"max-length/reject-publish requeue", "a requeue into a full queue with reject-publish is kept", maxLengthRejectRequeue},
}

func maxLengthDropHead(w *world) {
	c := w.open()
	for _, o := range []pubsub.Overflow{"", pubsub.DropHead} {
		q := c.queue(pubsub.Queue{MaxLength: ptr(3), Overflow: o})
		c.publish("", q, numbers(5)...)
		w.equal("ready", c.ready(q), 3)
		c.holds(q, "2", "3", "4")
	}
}

func maxLengthZero(w *world) {
	c := w.open()
	q := c.queue(pubsub.Queue{MaxLength: ptr(0)})
	c.publish("", q, "x")
	w.equal("ready", c.ready(q), 0)
	cons := c.consume(q, &pubsub.ConsumeOptions{Prefetch: 1})
	c.publish("", q, "0")
	ds := cons.gets("0")
	c.publish("", q, "dropped")
	w.equal("ready", c.ready(q), 0)
	w.ack(ds...)
	cons.takes("1", func() { c.publish("", q, "1") })
}

func maxLengthReadyOnly(w *world) {
	c := w.open()
	q := c.queue(pubsub.Queue{MaxLength: ptr(3)})
	c.publish("", q, numbers(3)...)
	c.get(q)
	c.get(q)
	c.publish("", q, "3", "4")
	w.equal("ready", c.ready(q), 3)
	c.publish("", q, "5")
	c.holds(q, "3", "4", "5")
}

func maxLengthRequeue(w *world) {
	c := w.open()
	q := c.queue(pubsub.Queue{MaxLength: ptr(2)})
	c.publish("", q, "0", "1")
	d := c.get(q)
	c.publish("", q, "2")
	w.requeue(d)
	w.eventually("the requeued message to be dropped", func() (any, bool) {
		c.publish("", q, "3")
		got := flagged(c.take(q))
		return got, same(got, []string{"2", "3"}) || same(got, []string{"3"})
	})
}

func maxLengthBytes(w *world) {
	c := w.open()
	q := c.queue(pubsub.Queue{MaxBytes: ptr(10)})
	c.publish("", q, "aaaa", "bbbb", "", "cccc")
	c.holds(q, "bbbb", "", "cccc")
	c.publish("", q, strings.Repeat("d", 10), "")
	c.holds(q, strings.Repeat("d", 10), "")
	c.publish("", q, "aaaa", "bbbb", strings.Repeat("e", 11))
	c.holds(q)
	c.publish("", q, "after")
	// Headers don't count.
	c.message("", q, pubsub.Message{Body: []byte("x"), Headers: pubsub.Table{"h": strings.Repeat("h", 100)}})
	c.holds(q, "after", "x")
}

func maxLengthBoth(w *world) {
	c := w.open()
	q := c.queue(pubsub.Queue{MaxBytes: ptr(10), MaxLength: ptr(3)})
	c.publish("", q, "1", "2", "3", "4")
	w.equal("ready", c.ready(q), 3)
	c.publish("", q, "55555555")
	c.holds(q, "3", "4", "55555555")
}

func maxLengthRejectPublish(w *world) {
	c := w.open()
	q := c.queue(pubsub.Queue{MaxLength: ptr(3), Overflow: pubsub.RejectPublish})
	c.publish("", q, numbers(3)...)
	for range 2 {
		w.fails(c.send("", q, text("x")), pubsub.ErrRefused, "publish to a full queue")
	}
	w.fails(c.send("", q, text("x"), pubsub.Mandatory), pubsub.ErrRefused, "mandatory publish to a full queue")
	w.ack(c.get(q))
	c.publish("", q, "3")
	w.fails(c.send("", q, text("x")), pubsub.ErrRefused, "publish to a queue that is full again")
	c.holds(q, "1", "2", "3")
	c.publish("", q, "4")
	c.holds(q, "4")
}

func maxLengthRejectBytes(w *world) {
	c := w.open()
	q := c.queue(pubsub.Queue{MaxBytes: ptr(10), Overflow: pubsub.RejectPublish})
	c.publish("", q, "aaaa", "bbbb")
	w.fails(c.send("", q, text("ccc")), pubsub.ErrRefused, "publish of more bytes than the queue has room for")
	c.publish("", q, "dd", "")
	w.fails(c.send("", q, text("e")), pubsub.ErrRefused, "publish to a queue that holds max-bytes")
	c.holds(q, "aaaa", "bbbb", "dd", "")
}

func maxLengthRejectReady(w *world) {
	c := w.open()
	q := c.queue(pubsub.Queue{MaxLength: ptr(0), Overflow: pubsub.RejectPublish})
	c.consume(q, nil)
	w.fails(c.send("", q, text("x")), pubsub.ErrRefused, "publish to a queue that holds nothing")
	w.equal("ready", c.ready(q), 0)
}

func maxLengthFanOut(w *world) {
	c := w.open()
	full := c.queue(pubsub.Queue{MaxLength: ptr(1), Overflow: pubsub.RejectPublish})
	q, other := c.temp(), c.temp()
	for _, name := range []string{q, full, other} {
		c.bind("amq.fanout", name, "")
	}
	c.publish("amq.fanout", "", "0")
	w.fails(c.send("amq.fanout", "", text("1")), pubsub.ErrRefused, "publish to a fan-out with one full queue")
	c.becomes(q, 2)
	c.becomes(other, 2)
	c.holds(q, "0", "1")
	c.holds(other, "0", "1")
	c.holds(full, "0")
}

func maxLengthRejectRequeue(w *world) {
	c := w.open()
	q := c.queue(pubsub.Queue{MaxLength: ptr(2), Overflow: pubsub.RejectPublish})
	c.publish("", q, "0", "1")
	d := c.get(q)
	c.publish("", q, "2")
	w.requeue(d)
	c.becomes(q, 3)
	w.fails(c.send("", q, text("x")), pubsub.ErrRefused, "publish to a queue that is too long")
	w.equal("queue", flagged(c.take(q)), []string{"0+", "1", "2"})
}
