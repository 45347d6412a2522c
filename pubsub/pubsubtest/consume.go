package pubsubtest

import (
	"fmt"

	"github.com/gobindery/bindery/pubsub"
)

var consumeCases = []Case{
	{"consume/order", "a consumer gets what is there and what comes, in order, with exchange and key, not redelivered", consumeOrder},
	{"consume/missing", "consuming a missing queue: not found (404)", consumeMissing},
	{"consume/prefetch", "a consumer gets no more than its prefetch until it settles", consumePrefetch},
	{"consume/prefetch each", "the prefetch counts for each consumer", consumePrefetchEach},
	{"consume/prefetch frees", "ack, requeue and reject each make room in the prefetch", consumePrefetchFrees},
	{"consume/prefetch default", "without a prefetch it is 256", consumePrefetchDefault},
	{"consume/unlimited", "an unlimited prefetch gets everything", consumeUnlimited},
	{"consume/automatic ack", "with AutoAck the prefetch doesn't count, and nothing comes back", consumeAutoAck},
	{"consume/ack", "what is acknowledged does not come again", consumeAck},
	{"consume/exclusive", "an exclusive consumer keeps others away, and others keep it away: access refused (403)", consumeExclusive},
	{"consume/same tag", "two consumers may have the same tag on different queues and connections", consumeSameTag},
	{"consume/invalid", "a negative prefetch, one over 65,535, or a long tag is invalid", consumeInvalid},
	{"consume/receivers", "several goroutines may receive from one consumer", consumeReceivers},
}

func consumeOrder(w *world) {
	c := w.open()
	q := c.temp()
	c.bind("amq.topic", q, "#")
	c.publish("amq.topic", "a.b", "0", "1")
	cons := c.consume(q, nil)
	d := cons.next()
	w.equal("body", string(d.Body), "0")
	w.equal("exchange", d.Exchange, "amq.topic")
	w.equal("key", d.RoutingKey, "a.b")
	w.equal("redelivered", d.Redelivered, false)
	cons.gets("1")
	for _, body := range numbers(20) {
		c.publish("", q, body)
		cons.gets(body)
	}
	w.equal("queue of the consumer", cons.Queue(), q)
}

func consumeMissing(w *world) {
	c := w.open()
	_, err := c.Consume(w.ctx, "nope", nil)
	w.fails(err, pubsub.ErrNotFound, "consume a missing queue")
	_, err = c.Consume(w.ctx, "", nil)
	w.fails(err, pubsub.ErrInvalid, "consume a queue without a name")
}

func consumePrefetch(w *world) {
	c := w.open()
	q := c.temp()
	c.publish("", q, numbers(5)...)
	cons := c.consume(q, &pubsub.ConsumeOptions{Prefetch: 2})
	ds := cons.gets("0", "1")
	w.equal("ready with a prefetch of 2 used up", c.ready(q), 3)
	w.equal("message by get", string(c.get(q).Body), "2")
	w.ack(ds[0])
	ds = append(ds, cons.gets("3")...)
	w.equal("ready after one ack", c.ready(q), 1)
	w.ack(ds[1:]...)
	cons.gets("4")
}

func consumePrefetchEach(w *world) {
	c := w.open()
	q := c.temp()
	a, b := c.consume(q, &pubsub.ConsumeOptions{Prefetch: 2}), c.consume(q, &pubsub.ConsumeOptions{Prefetch: 1})
	c.publish("", q, numbers(5)...)
	first, second := a.some(2), b.some(1)
	got := map[string]bool{}
	for _, d := range append(first, second...) {
		got[string(d.Body)] = true
	}
	w.equal("messages that both got", got, map[string]bool{"0": true, "1": true, "2": true})
	w.equal("ready", c.ready(q), 2)
	w.ack(second...)
	b.gets("3")
	w.equal("ready after b's ack", c.ready(q), 1)
	w.ack(first[0])
	a.gets("4")
}

func consumePrefetchFrees(w *world) {
	c := w.open()
	q := c.temp()
	cons := c.consume(q, &pubsub.ConsumeOptions{Prefetch: 1})
	c.publish("", q, "0", "1", "2")
	w.ack(cons.gets("0")...)
	w.reject(cons.gets("1")...)
	w.requeue(cons.gets("2")...)
	w.ack(cons.gets("2+")...)
	c.publish("", q, "3")
	cons.gets("3")
	w.equal("ready", c.ready(q), 0)
}

func consumePrefetchDefault(w *world) {
	c := w.open()
	q := c.temp()
	cons := c.consume(q, nil)
	for _, body := range numbers(pubsub.DefaultPrefetch + 10) {
		c.PublishAsync(w.ctx, "", q, text(body))
	}
	c.becomes(q, 10)
	ds := cons.gets(numbers(pubsub.DefaultPrefetch)...)
	w.equal("ready with the default prefetch used up", c.ready(q), 10)
	w.settled(ds[pubsub.DefaultPrefetch-1].AckThrough(w.ctx))
	w.equal("the next", string(cons.next().Body), fmt.Sprint(pubsub.DefaultPrefetch))
}

func consumeUnlimited(w *world) {
	c := w.open()
	q := c.temp()
	cons := c.consume(q, &pubsub.ConsumeOptions{Prefetch: pubsub.Unlimited})
	const n = 2000
	for _, body := range numbers(n) {
		c.PublishAsync(w.ctx, "", q, text(body))
	}
	ds := cons.gets(numbers(n)...)
	w.equal("ready", c.ready(q), 0)
	w.settled(ds[n-1].AckThrough(w.ctx))
	cons.close()
	w.equal("ready after all are acknowledged", c.ready(q), 0)
}

func consumeAutoAck(w *world) {
	c := w.open()
	q := c.temp()
	c.publish("", q, numbers(5)...)
	cons := c.consume(q, &pubsub.ConsumeOptions{Prefetch: 1, AutoAck: true})
	d := cons.gets(numbers(5)...)[0]
	w.fails(d.Ack(w.ctx), pubsub.ErrSettled, "ack with AutoAck")
	w.fails(d.Requeue(w.ctx), pubsub.ErrSettled, "requeue with AutoAck")
	w.fails(d.AckThrough(w.ctx), pubsub.ErrSettled, "ack through with AutoAck")
	cons.close()
	c.publish("", q, "later")
	c.holds(q, "later")
}

func consumeAck(w *world) {
	c := w.open()
	q := c.temp()
	c.publish("", q, numbers(6)...)
	cons := c.consume(q, nil)
	ds := cons.gets(numbers(6)...)
	w.ack(ds[4], ds[0], ds[2])
	cons.close()
	c.becomes(q, 3)
	w.equal("what comes again", flagged(c.take(q)), []string{"1+", "3+", "5+"})
}

func consumeExclusive(w *world) {
	c, other := w.open(), w.open()
	q := c.queue(pubsub.Queue{Name: "q"})
	exclusive := &pubsub.ConsumeOptions{Exclusive: true}
	a := c.consume(q, exclusive)
	for _, from := range []*conn{c, other} {
		_, err := from.Consume(w.ctx, q, nil)
		w.fails(err, pubsub.ErrAccessRefused, "consume beside an exclusive consumer")
		_, err = from.Consume(w.ctx, q, exclusive)
		w.fails(err, pubsub.ErrAccessRefused, "consume exclusively beside an exclusive consumer")
	}
	c.publish("", q, "0", "1")
	w.ack(a.gets("0", "1")...)
	a.close()

	b := other.consume(q, nil)
	_, err := c.Consume(w.ctx, q, exclusive)
	w.fails(err, pubsub.ErrAccessRefused, "consume exclusively beside a consumer")
	b.close()
	c.consume(q, exclusive)
	c.publish("", q, "2")
	w.equal("get beside an exclusive consumer", c.ready(q), 0)
	w.ok(c.Close())
	other.becomes(q, 1)
	other.consume(q, exclusive).gets("2+")
}

func consumeSameTag(w *world) {
	c, other := w.open(), w.open()
	q1, q2 := c.queue(pubsub.Queue{Name: "1"}), c.queue(pubsub.Queue{Name: "2"})
	tag := &pubsub.ConsumeOptions{Tag: "tag"}
	a, b := c.consume(q1, tag), other.consume(q2, tag)
	again := c.consume(q2, tag)
	c.publish("", q1, "x")
	a.gets("x")
	b.close()
	c.publish("", q2, "y")
	again.gets("y")
}

func consumeInvalid(w *world) {
	c := w.open()
	q := c.temp()
	for what, o := range map[string]pubsub.ConsumeOptions{
		"prefetch -1":       {Prefetch: -1},
		"prefetch 65,536":   {Prefetch: 65536},
		"a tag of 256 byte": {Tag: string(make([]byte, 256))},
	} {
		_, err := c.Consume(w.ctx, q, &o)
		w.fails(err, pubsub.ErrInvalid, "consume with "+what)
	}
	c.consume(q, &pubsub.ConsumeOptions{Prefetch: 65535, Priority: -1})
}

func consumeReceivers(w *world) {
	c := w.open()
	q := c.temp()
	cons := c.consume(q, &pubsub.ConsumeOptions{Prefetch: 20})
	const n, receivers = 200, 4
	got := make(chan string, n)
	for range receivers {
		go func() {
			for {
				d, err := cons.Receive(w.ctx)
				if err != nil {
					return
				}
				if err := d.Ack(w.ctx); err != nil {
					return
				}
				select {
				case got <- string(d.Body):
				case <-w.ctx.Done():
					return
				}
			}
		}()
	}
	for _, body := range numbers(n) {
		c.PublishAsync(w.ctx, "", q, text(body))
	}
	seen := map[string]int{}
	for range n {
		seen[w.from(got, "a message at one of several receivers")]++
	}
	for _, body := range numbers(n) {
		if seen[body] != 1 {
			w.Errorf("message %s came %d times; want once", body, seen[body])
		}
	}
	cons.close()
}
