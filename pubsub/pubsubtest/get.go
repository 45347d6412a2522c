package pubsubtest

import "github.com/gobindery/bindery/pubsub"

var getCases = []Case{
	{"get/one", "get takes the first message and tells how many are left", getOne},
	{"get/empty", "get from an empty queue finds nothing", getEmpty},
	{"get/missing", "get from a missing queue: not found (404)", getMissing},
	{"get/automatic ack", "get with AutoAck settles", getAutoAck},
	{"get/settle", "a message by get is acknowledged, requeued and rejected as others are", getSettle},
	{"get/queue deleted", "settling a message by get after its queue was deleted is ignored, also after another get has failed", getQueueDeleted},
	{"get/beside a consumer", "get takes what a consumer's prefetch leaves", getBesideConsumer},
}

func getOne(w *world) {
	c := w.open()
	q := c.temp()
	c.bind("amq.direct", q, "k")
	c.publish("amq.direct", "k", "0", "1", "2")
	for i, body := range numbers(3) {
		d := c.get(q)
		w.equal("body", string(d.Body), body)
		w.equal("left", d.Ready, 2-i)
		w.equal("exchange", d.Exchange, "amq.direct")
		w.equal("key", d.RoutingKey, "k")
		w.equal("redelivered", d.Redelivered, false)
	}
}

func getEmpty(w *world) {
	c := w.open()
	q := c.temp()
	_, ok, err := c.Get(w.ctx, q, nil)
	w.ok(err)
	w.equal("found in a new queue", ok, false)
	c.publish("", q, "x")
	c.get(q)
	_, ok, err = c.Get(w.ctx, q, &pubsub.GetOptions{AutoAck: true})
	w.ok(err)
	w.equal("found with one message unacknowledged", ok, false)
}

func getMissing(w *world) {
	c := w.open()
	_, _, err := c.Get(w.ctx, "nope", nil)
	w.fails(err, pubsub.ErrNotFound, "get from a missing queue")
	_, _, err = c.Get(w.ctx, "", nil)
	w.fails(err, pubsub.ErrInvalid, "get from a queue without a name")
}

func getAutoAck(w *world) {
	c, other := w.open(), w.open()
	q := c.queue(pubsub.Queue{Name: "q"})
	c.publish("", q, "0", "1")
	d, ok, err := other.Get(w.ctx, q, &pubsub.GetOptions{AutoAck: true})
	w.ok(err)
	w.equal("found", ok, true)
	w.equal("body", string(d.Body), "0")
	w.fails(d.Ack(w.ctx), pubsub.ErrSettled, "ack with AutoAck")
	w.fails(d.Reject(w.ctx), pubsub.ErrSettled, "reject with AutoAck")
	w.ok(other.Close())
	c.publish("", q, "2")
	w.equal("left", flagged(c.take(q)), []string{"1", "2"})
}

func getSettle(w *world) {
	c, other := w.open(), w.open()
	q := c.queue(pubsub.Queue{Name: "q"})
	c.publish("", q, numbers(5)...)
	ds := []pubsub.Delivery{other.get(q), other.get(q), other.get(q), other.get(q)}
	w.ack(ds[0])
	w.requeue(ds[1])
	c.becomes(q, 2)
	w.reject(ds[2])
	w.fails(ds[2].Ack(w.ctx), pubsub.ErrSettled, "ack after reject")
	w.ok(other.Close()) // returns ds[3]
	c.becomes(q, 3)
	w.equal("left", flagged(c.take(q)), []string{"1+", "3+", "4"})
}

func getQueueDeleted(w *world) {
	c := w.open()
	q := c.queue(pubsub.Queue{Name: "q"})
	c.publish("", q, "0", "1", "2")
	ds := []pubsub.Delivery{c.get(q), c.get(q), c.get(q)}
	_, err := c.DeleteQueue(w.ctx, q, nil)
	w.ok(err)
	w.ack(ds[0])
	_, _, err = c.Get(w.ctx, q, nil)
	w.fails(err, pubsub.ErrNotFound, "get from a queue that was deleted")
	w.ack(ds[1])
	w.requeue(ds[2])
	c.queue(pubsub.Queue{Name: "q"})
	c.publish("", q, "marker")
	c.holds(q, "marker")
}

func getBesideConsumer(w *world) {
	c := w.open()
	q := c.temp()
	cons := c.consume(q, &pubsub.ConsumeOptions{Prefetch: 1})
	c.publish("", q, numbers(4)...)
	ds := cons.gets("0")
	w.equal("first by get", string(c.get(q).Body), "1")
	w.equal("second by get", string(c.get(q).Body), "2")
	w.ack(ds...)
	cons.gets("3")
}
