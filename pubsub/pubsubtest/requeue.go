package pubsubtest

import "github.com/gobindery/bindery/pubsub"

var requeueCases = []Case{
	{"requeue/position", "requeued messages go back to their original positions, in whatever order they are requeued", requeuePosition},
	{"requeue/redelivered", "a requeued message comes again, marked as redelivered, any number of times", requeueRedelivered},
	{"requeue/connections", "messages that several connections requeue go back to their positions", requeueConnections},
	{"requeue/behind newer", "a requeued message comes before those published after it", requeueBeforeNewer},
	{"requeue/at once", "a requeued message comes to the same consumer at once, if it is the only one", requeueAtOnce},
	{"requeue/siblings", "a requeue concerns its queue alone", requeueSiblings},
	{"requeue/unchanged", "a requeued message comes again as it was", requeueUnchanged},
}

func requeuePosition(w *world) {
	c := w.open()
	q := c.temp()
	c.publish("", q, numbers(8)...)
	var ds []pubsub.Delivery
	for range 6 {
		ds = append(ds, c.get(q))
	}
	w.requeue(ds[4], ds[0], ds[2])
	c.becomes(q, 5)
	w.equal("queue", flagged(c.take(q)), []string{"0+", "2+", "4+", "6", "7"})
	w.requeue(ds[3], ds[5], ds[1])
	c.becomes(q, 3)
	c.publish("", q, "8")
	w.equal("queue", flagged(c.take(q)), []string{"1+", "3+", "5+", "8"})
}

func requeueRedelivered(w *world) {
	c := w.open()
	q := c.temp()
	c.publish("", q, "x")
	d := c.get(q)
	w.equal("redelivered at first", d.Redelivered, false)
	for range 5 {
		w.requeue(d)
		c.becomes(q, 1)
		d = c.get(q)
		w.equal("redelivered after a requeue", d.Redelivered, true)
	}
}

func requeueConnections(w *world) {
	c := w.open()
	q := c.queue(pubsub.Queue{Name: "q"})
	c.publish("", q, numbers(9)...)
	conns := []*conn{c, w.open(), w.open()}
	var ds []pubsub.Delivery
	for i := range 6 {
		ds = append(ds, conns[i%3].get(q))
	}
	w.requeue(ds[5], ds[1], ds[3])
	c.becomes(q, 6)
	w.ok(conns[2].Close()) // ds[2], ds[5]
	c.becomes(q, 7)
	w.requeue(ds[0])
	c.becomes(q, 8)
	w.equal("queue", flagged(c.take(q)), []string{"0+", "1+", "2+", "3+", "5+", "6", "7", "8"})
}

func requeueBeforeNewer(w *world) {
	c := w.open()
	q := c.temp()
	c.publish("", q, "old")
	d := c.get(q)
	c.publish("", q, "new")
	w.requeue(d)
	c.becomes(q, 2)
	w.equal("queue", flagged(c.take(q)), []string{"old+", "new"})
}

func requeueAtOnce(w *world) {
	c := w.open()
	q := c.temp()
	c.publish("", q, numbers(3)...)
	cons := c.consume(q, &pubsub.ConsumeOptions{Prefetch: 1})
	for range 3 {
		d := cons.next()
		w.equal("body", string(d.Body), "0")
		w.requeue(d)
	}
	w.ack(cons.gets("0+")...)
	w.ack(cons.gets("1")...)
	cons.gets("2")
}

func requeueSiblings(w *world) {
	c := w.open()
	q, sibling := c.temp(), c.temp()
	c.bind("amq.fanout", q, "")
	c.bind("amq.fanout", sibling, "")
	c.publish("amq.fanout", "", "x")
	w.requeue(c.get(q))
	c.becomes(q, 1)
	w.equal("sibling", flagged(c.take(sibling)), []string{"x"})
	w.equal("queue", flagged(c.take(q)), []string{"x+"})
}

func requeueUnchanged(w *world) {
	c := w.open()
	q := c.temp()
	m := w.fullMessage()
	c.bind("amq.direct", q, "k")
	c.message("amq.direct", "k", m)
	d := c.get(q)
	w.sameMessage("at first", d, m)
	w.requeue(d)
	c.becomes(q, 1)
	d = c.get(q)
	w.sameMessage("after the requeue", d, m)
	w.equal("exchange", d.Exchange, "amq.direct")
	w.equal("key", d.RoutingKey, "k")
}
