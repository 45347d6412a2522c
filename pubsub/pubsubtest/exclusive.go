package pubsubtest

import "github.com/gobindery/bindery/pubsub"

var exclusiveCases = []Case{
	{"exclusive/declare", "declare of another connection's exclusive queue, exclusively or not: resource locked (405)", exclusiveDeclare},
	{"exclusive/inspect", "passive declare of another connection's exclusive queue: resource locked (405)", lockedOut(func(c *conn, q string) error {
		_, err := c.InspectQueue(c.w.ctx, q)
		return err
	})},
	{"exclusive/consume", "consuming another connection's exclusive queue: resource locked (405)", lockedOut(func(c *conn, q string) error {
		_, err := c.Consume(c.w.ctx, q, nil)
		return err
	})},
	{"exclusive/get", "getting from another connection's exclusive queue: resource locked (405)", lockedOut(func(c *conn, q string) error {
		_, _, err := c.Get(c.w.ctx, q, nil)
		return err
	})},
	{"exclusive/bind", "binding another connection's exclusive queue: resource locked (405)", lockedOut(func(c *conn, q string) error {
		return c.Bind(c.w.ctx, pubsub.Binding{Exchange: "amq.fanout", Queue: q})
	})},
	{"exclusive/purge", "purging another connection's exclusive queue: resource locked (405)", lockedOut(func(c *conn, q string) error {
		_, err := c.PurgeQueue(c.w.ctx, q)
		return err
	})},
	{"exclusive/delete", "deleting another connection's exclusive queue: resource locked (405)", lockedOut(func(c *conn, q string) error {
		_, err := c.DeleteQueue(c.w.ctx, q, nil)
		return err
	})},
	{"exclusive/unbind", "unbinding another connection's exclusive queue: resource locked (405) if it is bound, else no error", exclusiveUnbind},
	{"exclusive/publish", "publishing to another connection's exclusive queue works", exclusivePublish},
	{"exclusive/owner", "the owner may do everything with its exclusive queue", exclusiveOwner},
	{"exclusive/gone", "an exclusive queue goes with its connection, with its messages and bindings", exclusiveGone},
}

// lockedOut is a case in which another connection is refused an exclusive queue,
// whether it has a name of its own or the broker's.
func lockedOut(try func(c *conn, queue string) error) func(*world) {
	return func(w *world) {
		owner, other := w.open(), w.open()
		for _, q := range []string{owner.queue(pubsub.Queue{Name: "mine", Exclusive: true}), owner.temp()} {
			w.fails(try(other, q), pubsub.ErrResourceLocked, "from another connection, on queue "+q)
			owner.publish("", q, "still mine")
			owner.holds(q, "still mine")
		}
	}
}

func exclusiveDeclare(w *world) {
	owner, other := w.open(), w.open()
	q := pubsub.Queue{Name: "mine", Exclusive: true}
	owner.queue(q)
	_, err := other.DeclareQueue(w.ctx, q)
	w.fails(err, pubsub.ErrResourceLocked, "declare another's queue, exclusively too")
	q.Exclusive = false
	_, err = other.DeclareQueue(w.ctx, q)
	w.fails(err, pubsub.ErrResourceLocked, "declare another's exclusive queue as shared")
	owner.publish("", "mine", "still mine")
	owner.holds("mine", "still mine")
}

func exclusiveUnbind(w *world) {
	owner, other := w.open(), w.open()
	q := owner.temp()
	owner.bind("amq.direct", q, "k")
	b := pubsub.Binding{Exchange: "amq.direct", Queue: q, Key: "k"}
	w.fails(other.Unbind(w.ctx, b), pubsub.ErrResourceLocked, "unbind another's queue")
	owner.message("amq.direct", "k", text("still bound"), pubsub.Mandatory)
	owner.holds(q, "still bound")
	owner.remove(b)
	other.remove(b) // isn't there
}

func exclusivePublish(w *world) {
	owner, other := w.open(), w.open()
	q := owner.temp()
	owner.bind("amq.fanout", q, "")
	other.message("", q, text("by name"), pubsub.Mandatory)
	other.message("amq.fanout", "", text("by binding"), pubsub.Mandatory)
	owner.holds(q, "by name", "by binding")
}

func exclusiveOwner(w *world) {
	c := w.open()
	q := c.queue(pubsub.Queue{Name: "mine", Exclusive: true})
	c.queue(pubsub.Queue{Name: "mine", Exclusive: true})
	c.bind("amq.fanout", q, "")
	c.publish("amq.fanout", "", "1", "2", "3")
	c.consume(q, &pubsub.ConsumeOptions{Prefetch: 1}).gets("1")
	w.equal("got", string(c.get(q).Body), "2")
	n, err := c.PurgeQueue(w.ctx, q)
	w.ok(err)
	w.equal("purged", n, 1)
	_, err = c.DeleteQueue(w.ctx, q, nil)
	w.ok(err)
	_, err = c.InspectQueue(w.ctx, q)
	w.fails(err, pubsub.ErrNotFound, "inspect after delete")
}

func exclusiveGone(w *world) {
	owner, other := w.open(), w.open()
	named, temp := owner.queue(pubsub.Queue{Name: "mine", Exclusive: true, Durable: true}), owner.temp()
	for _, q := range []string{named, temp} {
		owner.bind("amq.fanout", q, "")
	}
	other.message("amq.fanout", "", text("x"), pubsub.Mandatory)
	owner.consume(named, nil).next()
	w.ok(owner.Close())
	other.gone(named)
	other.gone(temp)
	w.fails(other.send("amq.fanout", "", text("x"), pubsub.Mandatory), pubsub.ErrUnroutable, "publish after the connection's end")
	w.fails(other.send("", temp, text("x"), pubsub.Mandatory), pubsub.ErrUnroutable, "publish to the queue that is gone")
	other.queue(pubsub.Queue{Name: "mine"})
	other.holds("mine")
}
