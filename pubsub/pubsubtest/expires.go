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
	w.unhurried("find an unused queue before it expires", func(limit time.Duration) bool {
		start := time.Now()
		q := c.queue(pubsub.Queue{Name: "q" + limit.String(), Expires: limit})
		err := c.Bind(w.ctx, pubsub.Binding{Exchange: "amq.fanout", Queue: q})
		if err == nil {
			err = c.send("amq.fanout", "", text("x"), pubsub.Mandatory)
		}
		if time.Since(start) > limit/2 {
			return false
		}
		w.ok(err)
		c.expired("an unused queue", "amq.fanout", "")
		_, err = c.InspectQueue(w.ctx, q)
		w.fails(err, pubsub.ErrNotFound, "inspect an expired queue")
		c.queue(pubsub.Queue{Name: q, Expires: time.Minute})
		c.holds(q)
		return true
	})
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
			began := time.Now() // not after any use that counts from here
			c.queue(q)
			published := c.send("", q.Name, text("kept")) // by declare, a new queue would be empty
			for end := began.Add(3 * limit); began.Before(end); {
				time.Sleep(limit / 8)
				next := time.Now()
				err := use(q)
				if time.Since(began) > limit/2 {
					return false
				}
				began = next
				if err != nil {
					w.Errorf("%s after %v, with a queue that expires after %v: %v", what, limit/8, limit, err)
					return true
				}
			}
			w.ok(published)
			if what != "declare" {
				return true
			}
			_, found, err := c.Get(w.ctx, q.Name, nil)
			if time.Since(began) > limit/2 {
				return false
			}
			w.ok(err)
			w.equal("whether a message is in the queue kept by declare", found, true)
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
	c.expired("queue "+marker, "", marker)
	c.publish("", q, "x")
	(&consumer{cons, w}).gets("x")
	w.ok(cons.Close())
	c.expired("queue "+q, "", q)
}

// expired waits until the queue that a key of an exchange leads to has expired,
// without using it, though messages still come.
func (c *conn) expired(what, exchange, key string) {
	c.w.Helper()
	c.w.eventually(what+" to expire", func() (any, bool) {
		err := c.send(exchange, key, text("x"), pubsub.Mandatory)
		if err != nil {
			c.w.fails(err, pubsub.ErrUnroutable, "publish to an expired queue")
		}
		return "it is there", err != nil
	})
}
