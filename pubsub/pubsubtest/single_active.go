package pubsubtest

import "github.com/gobindery/bindery/pubsub"

var singleActiveCases = []Case{
	{"single active/one", "one consumer gets everything; all of them count", singleActiveOne},
	{"single active/takes over", "the next consumer takes over, with the unacknowledged messages in order", singleActiveTakesOver},
	{"single active/cancel", "after a Cancel the next consumer gets what comes", singleActiveCancel},
	{"single active/exclusive", "an exclusive consumer on such a queue: access refused (403)", singleActiveExclusive},
	{"single active/waiting leaves", "a waiting consumer that leaves changes nothing", singleActiveWaitingLeaves},
}

var singleActive = pubsub.Queue{Name: "q", SingleActiveConsumer: true}

func singleActiveOne(w *world) {
	c, other := w.open(), w.open()
	q := c.queue(singleActive)
	a := c.consume(q, &pubsub.ConsumeOptions{Prefetch: 2})
	b := other.consume(q, nil)
	c.publish("", q, numbers(4)...)
	ds := a.gets("0", "1")
	w.equal("ready, though another consumer waits", c.ready(q), 2)
	info, err := c.InspectQueue(w.ctx, q)
	w.ok(err)
	w.equal("consumers", info.Consumers, 2)
	w.ack(ds...)
	w.ack(a.gets("2", "3")...)
	a.close()
	c.publish("", q, "4")
	b.gets("4")
}

func singleActiveTakesOver(w *world) {
	c, other := w.open(), w.open()
	q := c.queue(singleActive)
	a := other.consume(q, &pubsub.ConsumeOptions{Prefetch: 3})
	b := c.consume(q, nil)
	third := c.consume(q, nil)
	c.publish("", q, numbers(5)...)
	w.ack(a.gets("0", "1", "2")[1])
	a.gets("3")
	w.ok(other.Close())
	b.gets("0+", "2+", "3+", "4")
	b.close()
	third.gets("0+", "2+", "3+", "4+")
}

func singleActiveCancel(w *world) {
	c := w.open()
	q := c.queue(singleActive)
	a := c.consume(q, &pubsub.ConsumeOptions{Prefetch: 1})
	b := c.consume(q, nil)
	// Nothing may be unsettled: with that, RabbitMQ 3.10 loses the queue.
	c.publish("", q, "0", "1")
	w.ack(a.gets("0")...)
	w.ack(a.gets("1")...)
	c.publish("", q, "2")
	w.ack(a.gets("2")...)
	c.publish("", q, "3")
	w.reject(a.gets("3")...)
	a.cancel()
	c.publish("", q, "4", "5")
	b.gets("4", "5")
}

func singleActiveExclusive(w *world) {
	c := w.open()
	q := c.queue(singleActive)
	_, err := c.Consume(w.ctx, q, &pubsub.ConsumeOptions{Exclusive: true})
	w.fails(err, pubsub.ErrAccessRefused, "consume exclusively from a queue with a single active consumer")
	c.publish("", q, "x")
	c.consume(q, nil).gets("x")
}

func singleActiveWaitingLeaves(w *world) {
	c := w.open()
	q := c.queue(singleActive)
	a, b, third := c.consume(q, nil), c.consume(q, nil), c.consume(q, nil)
	b.close()
	c.publish("", q, "0")
	a.gets("0")
	a.close()
	third.gets("0+")
}
