package pubsubtest

import "github.com/gobindery/bindery/pubsub"

var queueDeleteCases = []Case{
	{"queue/delete", "delete tells how many messages were ready, and takes the bindings", queueDelete},
	{"queue/delete missing", "deleting a missing queue succeeds, with 0 messages", queueDeleteMissing},
	{"queue/delete if unused", "if-unused with a consumer: precondition failed (406)", queueDeleteIfUnused},
	{"queue/delete if empty", "if-empty with ready messages: precondition failed (406)", queueDeleteIfEmpty},
	{"queue/purge", "purge drops the ready messages and tells how many; missing: not found (404)", queuePurge},
	{"queue/purge unacknowledged", "purge leaves unacknowledged messages", queuePurgeUnacknowledged},
	{"queue/auto-delete", "an auto-delete queue goes after its last consumer leaves", queueAutoDelete},
	{"queue/auto-delete connection", "an auto-delete queue goes when its last consumer's connection ends", queueAutoDeleteConnection},
	{"queue/auto-delete unsettled", "what the last consumer of an auto-delete queue had not settled goes with the queue, and dead-letters nothing", queueAutoDeleteUnsettled},
	{"queue/auto-delete unconsumed", "an auto-delete queue that was never consumed stays, also after get", queueAutoDeleteUnconsumed},
}

func queueDelete(w *world) {
	c := w.open()
	q := c.queue(pubsub.Queue{Name: "q"})
	c.bind("amq.fanout", q, "")
	c.publish("amq.fanout", "", "1", "2", "3")
	c.get(q)
	n, err := c.DeleteQueue(w.ctx, q, nil)
	w.ok(err)
	w.equal("deleted messages", n, 2)
	_, err = c.InspectQueue(w.ctx, q)
	w.fails(err, pubsub.ErrNotFound, "inspect after delete")
	_, _, err = c.Get(w.ctx, q, nil)
	w.fails(err, pubsub.ErrNotFound, "get after delete")
	w.fails(c.send("amq.fanout", "", text("x"), pubsub.Mandatory), pubsub.ErrUnroutable, "publish after delete")
	// The same name again is empty, and unbound.
	c.queue(pubsub.Queue{Name: "q"})
	w.fails(c.send("amq.fanout", "", text("x"), pubsub.Mandatory), pubsub.ErrUnroutable, "publish to a queue declared anew")
	c.holds(q)
}

func queueDeleteMissing(w *world) {
	c := w.open()
	for _, o := range []*pubsub.DeleteQueueOptions{nil, {IfUnused: true}, {IfEmpty: true}} {
		n, err := c.DeleteQueue(w.ctx, "nope", o)
		w.ok(err)
		w.equal("deleted messages", n, 0)
	}
}

func queueDeleteIfUnused(w *world) {
	c := w.open()
	q := c.queue(pubsub.Queue{Name: "q"})
	unused := &pubsub.DeleteQueueOptions{IfUnused: true}
	cons := c.consume(q, nil)
	_, err := c.DeleteQueue(w.ctx, q, unused)
	w.fails(err, pubsub.ErrPreconditionFailed, "delete with a consumer")
	c.publish("", q, "still consumed")
	cons.gets("still consumed")
	cons.close()
	n, err := c.DeleteQueue(w.ctx, q, unused)
	w.ok(err)
	w.equal("deleted messages", n, 1)
}

func queueDeleteIfEmpty(w *world) {
	c := w.open()
	q := c.queue(pubsub.Queue{Name: "q"})
	empty := &pubsub.DeleteQueueOptions{IfEmpty: true}
	c.publish("", q, "x")
	_, err := c.DeleteQueue(w.ctx, q, empty)
	w.fails(err, pubsub.ErrPreconditionFailed, "delete with a message")
	_, err = c.DeleteQueue(w.ctx, q, &pubsub.DeleteQueueOptions{IfEmpty: true, IfUnused: true})
	w.fails(err, pubsub.ErrPreconditionFailed, "delete with a message, if unused too")
	c.get(q)
	_, err = c.DeleteQueue(w.ctx, q, empty) // an unacknowledged one doesn't count
	w.ok(err)
	_, err = c.InspectQueue(w.ctx, q)
	w.fails(err, pubsub.ErrNotFound, "inspect after delete")
}

func queuePurge(w *world) {
	c := w.open()
	_, err := c.PurgeQueue(w.ctx, "nope")
	w.fails(err, pubsub.ErrNotFound, "purge a missing queue")
	q := c.queue(pubsub.Queue{Name: "q"})
	n, err := c.PurgeQueue(w.ctx, q)
	w.ok(err)
	w.equal("purged from an empty queue", n, 0)
	c.publish("", q, numbers(4)...)
	n, err = w.open().PurgeQueue(w.ctx, q)
	w.ok(err)
	w.equal("purged", n, 4)
	w.equal("ready after purge", c.ready(q), 0)
	c.publish("", q, "later")
	c.holds(q, "later")
}

func queuePurgeUnacknowledged(w *world) {
	c := w.open()
	q := c.temp()
	c.publish("", q, numbers(5)...)
	first, second := c.get(q), c.get(q)
	n, err := c.PurgeQueue(w.ctx, q)
	w.ok(err)
	w.equal("purged", n, 3)
	w.ack(first)
	w.requeue(second)
	c.becomes(q, 1)
	w.equal("left", flagged(c.take(q)), []string{"1+"})
}

func queueAutoDelete(w *world) {
	c, other := w.open(), w.open()
	q := c.queue(pubsub.Queue{Name: "auto", AutoDelete: true})
	c.publish("", q, "1", "2")
	a, b := c.consume(q, &pubsub.ConsumeOptions{Prefetch: 1}), other.consume(q, &pubsub.ConsumeOptions{Prefetch: 1})
	a.gets("1")
	a.close()
	b.gets("2")
	c.becomes(q, 1) // "1" comes back a moment after Close, as with RabbitMQ
	info, err := c.InspectQueue(w.ctx, q)
	w.ok(err)
	w.equal("counts after one of two consumers left", info, pubsub.QueueInfo{Name: q, Ready: 1, Consumers: 1})
	b.cancel()
	c.gone(q)
	c.queue(pubsub.Queue{Name: "auto", AutoDelete: true})
	w.equal("ready in the queue declared anew", c.ready(q), 0)
}

func queueAutoDeleteConnection(w *world) {
	c, other := w.open(), w.open()
	q := c.queue(pubsub.Queue{Name: "auto", AutoDelete: true})
	other.consume(q, nil)
	w.ok(other.Close())
	c.gone(q)
}

func queueAutoDeleteUnconsumed(w *world) {
	c, other := w.open(), w.open()
	q := other.queue(pubsub.Queue{Name: "auto", AutoDelete: true})
	c.publish("", q, "x", "y")
	w.ack(other.get(q))
	w.ok(other.Close())
	c.holds(q, "y")
	w.equal("ready", c.ready(q), 0)
}

func queueAutoDeleteUnsettled(w *world) {
	c := w.open()
	grave := c.grave()
	auto := pubsub.Queue{Name: "auto", AutoDelete: true, MaxLength: ptr(1), DeadLetter: toGrave()}
	for _, end := range []func(*conn, *consumer){
		func(_ *conn, cons *consumer) { cons.close() },
		func(other *conn, _ *consumer) { w.ok(other.Close()) },
	} {
		other := w.open()
		q := other.queue(auto)
		cons := other.consume(q, nil)
		c.publish("", q, "0", "1", "2")
		cons.gets("0", "1", "2")
		end(other, cons) // were they requeued, there would be too many
		c.gone(q)
	}
	c.publish("dlx", "", "marker")
	c.holds(grave, "marker")
}
