package pubsubtest

import (
	"context"
	"errors"
	"time"

	"github.com/gobindery/bindery/pubsub"
)

var ttlCases = []Case{
	{"ttl/queue", "a queue's messages expire after its TTL, and not before", ttlQueue},
	{"ttl/message", "a message expires after its expiration, and not before", ttlMessage},
	{"ttl/smaller", "the smaller of the queue's TTL and the message's expiration counts", ttlSmaller},
	{"ttl/head", "messages expire at the head: behind one that stays they are counted, and never delivered", ttlHead},
	{"ttl/zero", "a TTL of 0: only to a consumer that is ready", ttlZero},
	{"ttl/unacknowledged", "an unacknowledged message does not expire; requeued after its time, it does", ttlUnacknowledged},
	{"ttl/consumed in time", "a message that a consumer has can be settled after its TTL", ttlConsumedInTime},
}

// lives checks that a message with a lifetime is there before it and gone after.
func (c *conn) lives(what string, declare func(limit time.Duration) (pubsub.Queue, pubsub.Message)) {
	w := c.w
	w.unhurried(what, func(limit time.Duration) bool {
		q, m := declare(limit)
		name := c.queue(q)
		start := time.Now()
		c.message("", name, m)
		time.Sleep(limit / 4)
		n := c.ready(name)
		if time.Since(start) >= limit*3/4 {
			return false
		}
		w.equal(what+": ready before its time", n, 1)
		c.becomes(name, 0)
		if early := limit - time.Since(start); early > 0 {
			w.Errorf("%s: gone %v before its time of %v", what, early, limit)
		}
		c.holds(name)
		return true
	})
}

func ttlQueue(w *world) {
	c := w.open()
	c.lives("queue's TTL", func(limit time.Duration) (pubsub.Queue, pubsub.Message) {
		return pubsub.Queue{MessageTTL: &limit}, text("x")
	})
	q := c.queue(pubsub.Queue{MessageTTL: ms(20)})
	c.publish("", q, numbers(10)...)
	c.becomes(q, 0)
	c.publish("", q, numbers(10)...)
	c.becomes(q, 0)
}

func ttlMessage(w *world) {
	c := w.open()
	c.lives("message's expiration", func(limit time.Duration) (pubsub.Queue, pubsub.Message) {
		return pubsub.Queue{}, pubsub.Message{Expiration: &limit}
	})
	q := c.temp()
	c.message("", q, pubsub.Message{Body: []byte("short"), Expiration: ms(20)})
	c.message("", q, pubsub.Message{Body: []byte("long"), Expiration: ms(3_600_000)})
	c.publish("", q, "for ever")
	c.becomes(q, 2)
	c.holds(q, "long", "for ever")
}

func ttlSmaller(w *world) {
	c := w.open()
	c.lives("queue's TTL under a long expiration", func(limit time.Duration) (pubsub.Queue, pubsub.Message) {
		return pubsub.Queue{MessageTTL: &limit}, pubsub.Message{Expiration: ms(3_600_000)}
	})
	c.lives("expiration under a long TTL of the queue", func(limit time.Duration) (pubsub.Queue, pubsub.Message) {
		return pubsub.Queue{MessageTTL: ms(3_600_000)}, pubsub.Message{Expiration: &limit}
	})
}

func ttlHead(w *world) {
	c := w.open()
	q, marker := c.temp(), c.temp()
	c.publish("", q, "stays")
	c.message("", q, pubsub.Message{Body: []byte("expires"), Expiration: ms(30)})
	c.message("", q, pubsub.Message{Body: []byte("expires too"), Expiration: ms(10)})
	c.message("", marker, pubsub.Message{Expiration: ms(150)})
	c.becomes(marker, 0)
	w.equal("ready, with two expired behind the head", c.ready(q), 3)
	d := c.get(q)
	w.equal("head", string(d.Body), "stays")
	c.becomes(q, 0)
	w.requeue(d)
	c.becomes(q, 1)
	c.publish("", q, "later")
	w.equal("queue", flagged(c.take(q)), []string{"stays+", "later"})
}

func ttlZero(w *world) {
	c := w.open()
	q, plain := c.queue(pubsub.Queue{MessageTTL: ms(0)}), c.temp()
	now := pubsub.Message{Body: []byte("now"), Expiration: ms(0)}
	c.publish("", q, "x")
	c.message("", plain, now)
	c.becomes(q, 0)
	c.becomes(plain, 0)
	c.holds(q)
	c.holds(plain)
	a, b := c.consume(q, &pubsub.ConsumeOptions{Prefetch: 1}), c.consume(plain, &pubsub.ConsumeOptions{Prefetch: 1})
	c.publish("", q, "now")
	c.message("", plain, now)
	da, db := a.gets("now")[0], b.gets("now")[0]
	// Their prefetch is used up: nobody is ready.
	c.publish("", q, "lost")
	c.message("", plain, now)
	c.becomes(q, 0)
	c.becomes(plain, 0)
	w.ack(da, db)
	a.takes("again", func() { c.publish("", q, "again") })
	b.takes("again", func() { c.message("", plain, pubsub.Message{Body: []byte("again"), Expiration: ms(0)}) })
}

func ttlUnacknowledged(w *world) {
	c := w.open()
	q, marker := c.temp(), c.temp()
	w.unhurried("get a message before it expires", func(limit time.Duration) bool {
		m := pubsub.Message{Body: []byte("x"), Expiration: &limit}
		c.message("", q, m)
		d, ok, err := c.Get(w.ctx, q, nil)
		w.ok(err)
		if !ok {
			return false
		}
		c.message("", marker, m)
		c.becomes(marker, 0)
		w.requeue(d)
		c.publish("", q, "later")
		w.eventually("the requeued message to expire", func() (any, bool) {
			n := c.ready(q)
			return n, n == 1
		})
		c.holds(q, "later")
		return true
	})
}

func ttlConsumedInTime(w *world) {
	c := w.open()
	w.unhurried("requeue a message before it expires", func(limit time.Duration) bool {
		q, marker := c.queue(pubsub.Queue{MessageTTL: &limit}), c.queue(pubsub.Queue{MessageTTL: &limit})
		cons := c.consume(q, nil)
		c.publish("", q, "0")
		ds := cons.gets("0")
		c.publish("", marker, "x")
		c.becomes(marker, 0)
		w.ack(ds...)
		c.publish("", q, "1")
		w.requeue(cons.gets("1")...)
		// If it doesn't come, the requeue may have come too late, however soon
		// it was sent: it expires then.
		d, err := cons.receive(limit)
		if errors.Is(err, context.DeadlineExceeded) {
			return false
		}
		w.ok(err)
		w.equal("requeued", flagged([]pubsub.Delivery{d}), []string{"1+"})
		return true
	})
}
