package pubsubtest

import "github.com/gobindery/bindery/pubsub"

var settleCases = []Case{
	{"settle/twice", "a delivery is settled once; then it is settled", settleTwice},
	{"settle/ack through", "AckThrough acknowledges this delivery and the unsettled ones before it, no others", settleAckThrough},
	{"settle/ack through own consumer", "AckThrough leaves other consumers' deliveries alone", settleAckThroughOwn},
	{"settle/after close", "after the consumer's or the connection's end, a delivery is lost; it came back", settleAfterClose},
	{"settle/error's delivery", "a delivery that came with an error can't be settled", settleErrorsDelivery},
	{"settle/reject", "a rejected message is gone", settleReject},
}

func settleTwice(w *world) {
	c := w.open()
	q := c.temp()
	cons := c.consume(q, nil)
	type settle = func(pubsub.Delivery) error
	ways := map[string]settle{
		"ack":         func(d pubsub.Delivery) error { return d.Ack(w.ctx) },
		"requeue":     func(d pubsub.Delivery) error { return d.Requeue(w.ctx) },
		"reject":      func(d pubsub.Delivery) error { return d.Reject(w.ctx) },
		"ack through": func(d pubsub.Delivery) error { return d.AckThrough(w.ctx) },
	}
	for first, settle := range ways {
		for second, again := range ways {
			c.publish("", q, first)
			d := cons.next()
			w.settled(settle(d))
			w.fails(again(d), pubsub.ErrSettled, second+" after "+first)
			if first == "requeue" {
				w.ack(cons.gets(first + "+")...)
			}
		}
	}
	// None of that has disturbed the consumer.
	c.publish("", q, "last")
	w.ack(cons.gets("last")...)
	cons.close()
	w.equal("ready", c.ready(q), 0)
}

func settleAckThrough(w *world) {
	c := w.open()
	q := c.temp()
	c.publish("", q, numbers(8)...)
	cons := c.consume(q, nil)
	ds := cons.gets(numbers(8)...)
	w.reject(ds[1])
	w.settled(ds[3].AckThrough(w.ctx))
	for i, d := range ds[:4] {
		w.fails(d.Ack(w.ctx), pubsub.ErrSettled, "ack of a delivery settled with others, number "+numbers(8)[i])
	}
	w.ack(ds[6])
	w.settled(ds[4].AckThrough(w.ctx))
	cons.close()
	c.becomes(q, 2)
	w.equal("what came back", flagged(c.take(q)), []string{"5+", "7+"})
}

func settleAckThroughOwn(w *world) {
	c := w.open()
	q := c.temp()
	c.publish("", q, numbers(3)...)
	got := c.get(q)
	a := c.consume(q, &pubsub.ConsumeOptions{Prefetch: 1})
	a.gets("1")
	b := c.consume(q, &pubsub.ConsumeOptions{Prefetch: 1})
	w.settled(b.gets("2")[0].AckThrough(w.ctx))
	w.requeue(got)
	b.gets("0+")
	a.close()
	b.close()
	c.becomes(q, 2)
	w.equal("what came back", flagged(c.take(q)), []string{"0+", "1+"})
}

func settleAfterClose(w *world) {
	c, other := w.open(), w.open()
	q := c.queue(pubsub.Queue{Name: "q"})
	c.publish("", q, numbers(3)...)
	cons := other.consume(q, &pubsub.ConsumeOptions{Prefetch: 2})
	ds := cons.gets("0", "1")
	got := other.get(q)
	w.ack(ds[0])
	cons.close()
	w.lost(ds[1], "after the consumer's end")
	if err := ds[1].AckThrough(w.ctx); err == nil {
		w.Errorf("ack through after the consumer's end: no error")
	}
	w.ok(other.Close())
	w.lost(got, "after the connection's end")
	c.becomes(q, 2)
	w.equal("what came back", flagged(c.take(q)), []string{"1+", "2+"})
}

func settleErrorsDelivery(w *world) {
	c := w.open()
	q := c.temp()
	cons := c.consume(q, nil)
	cons.close()
	d, err := cons.Receive(w.ctx)
	w.fails(err, pubsub.ErrClosed, "receive after close")
	w.equal("body of a delivery that came with an error", string(d.Body), "")
	w.fails(d.Ack(w.ctx), pubsub.ErrInvalid, "ack of a delivery that came with an error")
	d, ok, err := c.Get(w.ctx, q, nil)
	w.ok(err)
	w.equal("found", ok, false)
	w.fails(d.Requeue(w.ctx), pubsub.ErrInvalid, "requeue of a delivery that wasn't there")
}

func settleReject(w *world) {
	c := w.open()
	q := c.temp()
	c.publish("", q, "0", "1")
	cons := c.consume(q, &pubsub.ConsumeOptions{Prefetch: 1})
	w.reject(cons.gets("0")...)
	w.reject(cons.gets("1")...)
	cons.close()
	w.equal("ready", c.ready(q), 0)
}
