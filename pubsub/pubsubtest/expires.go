package pubsubtest

import (
	"errors"
	"time"

	"github.com/gobindery/bindery/pubsub"
)

var expiresCases = []Case{
	{"expires/unused", "an unused queue expires, with its messages and bindings; publishing doesn't count as use", expiresUnused},
	{"expires/use", "declare, inspect and get count as use", expiresUse},
	{"expires/consumer", "a queue with a consumer does not expire; once it leaves, it does", expiresConsumer},
}

func expiresUnused(w *world) {
	c := w.open()
	q := c.queue(pubsub.Queue{Name: "q", Expires: 100 * time.Millisecond})
	c.bind("amq.fanout", q, "")
	c.message("amq.fanout", "", text("x"), pubsub.Mandatory)
	w.eventually("an unused queue to expire, with messages still coming", func() (any, bool) {
		err := c.send("amq.fanout", "", text("x"), pubsub.Mandatory)
		if err != nil {
			w.fails(err, pubsub.ErrUnroutable, "publish to an expired queue")
		}
		return "messages are routed", err != nil
	})
	_, err := c.InspectQueue(w.ctx, q)
	w.fails(err, pubsub.ErrNotFound, "inspect an expired queue")
	c.queue(pubsub.Queue{Name: "q", Expires: time.Minute})
	c.holds(q)
}

func expiresUse(w *world) {
	c := w.open()
	for what, use := range map[string]func(q pubsub.Queue) error{
		"declare": func(q pubsub.Queue) error { _, err := c.DeclareQueue(w.ctx, q); return err },
		"inspect": func(q pubsub.Queue) error { _, err := c.InspectQueue(w.ctx, q.Name); return err },
		"get":     func(q pubsub.Queue) error { _, _, err := c.Get(w.ctx, q.Name, nil); return err },
	} {
		w.unhurried("keep a queue from expiring by "+what, func(limit time.Duration) bool {
			q := pubsub.Queue{Name: what + limit.String(), Expires: limit}
			c.queue(q)
			c.publish("", q.Name, "kept") // by declare, a new queue would be empty
			last := time.Now()
			for end := last.Add(3 * limit); last.Before(end); {
				time.Sleep(limit / 8)
				err := use(q)
				now := time.Now()
				if now.Sub(last) > limit/2 {
					return false
				}
				last = now
				if err != nil {
					w.Errorf("%s after %v, with a queue that expires after %v: %v", what, limit/8, limit, err)
					return true
				}
			}
			if what == "declare" {
				w.equal("messages in the queue kept by declare", len(c.take(q.Name)), 1)
			}
			return true
		})
	}
}

func expiresConsumer(w *world) {
	c := w.open()
	q := c.queue(pubsub.Queue{Name: "q", Expires: 100 * time.Millisecond})
	marker := c.queue(pubsub.Queue{Name: "marker", Expires: 300 * time.Millisecond})
	cons, err := c.Consume(w.ctx, q, nil)
	if errors.Is(err, pubsub.ErrNotFound) {
		// A slow machine: the queue has expired before.
		q = c.queue(pubsub.Queue{Name: "q2", Expires: 3 * time.Second})
		cons, err = c.Consume(w.ctx, q, nil)
	}
	w.ok(err)
	// Once the marker has expired, q would have, too.
	c.expired(marker)
	c.publish("", q, "x")
	(&consumer{cons, w}).gets("x")
	w.ok(cons.Close())
	c.expired(q)
}

// expired waits until a queue has expired, without using it.
func (c *conn) expired(queue string) {
	c.w.Helper()
	c.w.eventually("queue "+queue+" to expire", func() (any, bool) {
		err := c.send("", queue, text("x"), pubsub.Mandatory)
		if err != nil {
			c.w.fails(err, pubsub.ErrUnroutable, "publish to an expired queue")
		}
		return "it is there", err != nil
	})
}
