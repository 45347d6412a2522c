package pubsubtest

import "github.com/gobindery/bindery/pubsub"

var exchangeDeleteCases = []Case{
	{"exchange/delete", "deleting an exchange takes its bindings with it; then it is missing", exchangeDelete},
	{"exchange/delete missing", "deleting a missing exchange succeeds, with if-unused too", exchangeDeleteMissing},
	{"exchange/delete reserved", "deleting any amq.* name, even a missing one: access refused (403)", exchangeDeleteReserved},
	{"exchange/delete if unused", "if-unused counts the bindings from the exchange; in use: precondition failed (406)", exchangeDeleteIfUnused},
	{"exchange/auto-delete unbind", "an auto-delete exchange goes with the last binding from it", autoDeleteUnbind},
	{"exchange/auto-delete queue", "an auto-delete exchange goes when the last queue bound to it goes", autoDeleteQueue},
	{"exchange/auto-delete chain", "an auto-delete exchange that goes takes away the last binding of another", autoDeleteChain},
	{"exchange/auto-delete never bound", "an auto-delete exchange that was never bound stays, also as a destination", autoDeleteNeverBound},
}

func exchangeDelete(w *world) {
	c := w.open()
	q := c.temp()
	fan := pubsub.Exchange{Kind: pubsub.Fanout}
	for _, name := range []string{"up", "middle", "down"} {
		fan.Name = name
		c.exchange(fan)
	}
	c.bindExchange("up", "middle", "")
	c.bindExchange("middle", "down", "")
	c.bind("down", q, "")
	c.publish("up", "", "before")
	c.holds(q, "before")

	w.ok(c.DeleteExchange(w.ctx, "middle", nil))
	w.fails(c.CheckExchange(w.ctx, "middle"), pubsub.ErrNotFound, "check after delete")
	w.fails(c.send("middle", "", text("x")), pubsub.ErrNotFound, "publish after delete")
	w.fails(c.send("up", "", text("x"), pubsub.Mandatory), pubsub.ErrUnroutable, "publish to an exchange whose destination was deleted")

	// The same name again has none of the old bindings.
	fan.Name = "middle"
	c.exchange(fan)
	w.fails(c.send("middle", "", text("x"), pubsub.Mandatory), pubsub.ErrUnroutable, "publish to an exchange declared anew")
	w.fails(c.send("up", "", text("x"), pubsub.Mandatory), pubsub.ErrUnroutable, "publish towards an exchange declared anew")
	c.publish("down", "", "after")
	c.holds(q, "after")
}

func exchangeDeleteMissing(w *world) {
	c := w.open()
	w.ok(c.DeleteExchange(w.ctx, "nope", nil))
	w.ok(c.DeleteExchange(w.ctx, "nope", &pubsub.DeleteExchangeOptions{IfUnused: true}))
}

func exchangeDeleteReserved(w *world) {
	c := w.open()
	for _, name := range []string{"amq.direct", "amq.topic", "amq.foo"} {
		w.fails(c.DeleteExchange(w.ctx, name, nil), pubsub.ErrAccessRefused, "delete "+name)
		w.fails(c.DeleteExchange(w.ctx, name, &pubsub.DeleteExchangeOptions{IfUnused: true}), pubsub.ErrAccessRefused, "delete "+name+" if unused")
	}
	w.ok(c.CheckExchange(w.ctx, "amq.direct"))
}

func exchangeDeleteIfUnused(w *world) {
	c := w.open()
	q := c.temp()
	unused := &pubsub.DeleteExchangeOptions{IfUnused: true}
	c.exchange(pubsub.Exchange{Name: "up", Kind: pubsub.Fanout})
	c.exchange(pubsub.Exchange{Name: "down", Kind: pubsub.Fanout})
	c.bindExchange("up", "down", "")
	w.fails(c.DeleteExchange(w.ctx, "up", unused), pubsub.ErrPreconditionFailed, "delete an exchange bound to another")
	c.bind("down", q, "")
	w.fails(c.DeleteExchange(w.ctx, "down", unused), pubsub.ErrPreconditionFailed, "delete an exchange that a queue is bound to")
	c.publish("up", "", "still there")
	c.holds(q, "still there")
	c.remove(pubsub.Binding{Exchange: "down", Queue: q})
	w.ok(c.DeleteExchange(w.ctx, "down", unused)) // only a destination now
	w.ok(c.DeleteExchange(w.ctx, "up", unused))   // down took the binding with it
	w.fails(c.CheckExchange(w.ctx, "up"), pubsub.ErrNotFound, "check after delete")
}

func autoDeleteUnbind(w *world) {
	c := w.open()
	q := c.temp()
	e := c.exchange(pubsub.Exchange{Name: "auto", Kind: pubsub.Direct, AutoDelete: true})
	c.bind(e, q, "1")
	c.bind(e, q, "2")
	c.remove(pubsub.Binding{Exchange: e, Queue: q, Key: "3"}) // isn't there
	c.remove(pubsub.Binding{Exchange: e, Queue: q, Key: "1"})
	w.ok(c.CheckExchange(w.ctx, e))
	c.publish(e, "2", "x")
	c.holds(q, "x")
	c.remove(pubsub.Binding{Exchange: e, Queue: q, Key: "2"})
	w.fails(c.CheckExchange(w.ctx, e), pubsub.ErrNotFound, "check after the last unbind")

	to := c.exchange(pubsub.Exchange{Name: "to", Kind: pubsub.Fanout})
	c.exchange(pubsub.Exchange{Name: e, Kind: pubsub.Fanout, AutoDelete: true})
	c.bindExchange(e, to, "")
	c.remove(pubsub.Binding{Exchange: e, ToExchange: to})
	w.fails(c.CheckExchange(w.ctx, e), pubsub.ErrNotFound, "check after the last unbind of an exchange")
}

func autoDeleteQueue(w *world) {
	c, other := w.open(), w.open()
	declare := func() {
		c.exchange(pubsub.Exchange{Name: "auto", Kind: pubsub.Fanout, AutoDelete: true})
	}
	declare()
	first, second := c.queue(pubsub.Queue{Name: "first"}), c.queue(pubsub.Queue{Name: "second"})
	c.bind("auto", first, "")
	c.bind("auto", second, "")
	_, err := c.DeleteQueue(w.ctx, first, nil)
	w.ok(err)
	w.ok(c.CheckExchange(w.ctx, "auto"))
	_, err = c.DeleteQueue(w.ctx, second, nil)
	w.ok(err)
	w.fails(c.CheckExchange(w.ctx, "auto"), pubsub.ErrNotFound, "check after the last queue was deleted")

	declare()
	q := c.queue(pubsub.Queue{Name: "auto", AutoDelete: true})
	c.bind("auto", q, "")
	c.consume(q, nil).close()
	c.goneExchange("auto")

	declare()
	other.bind("auto", other.temp(), "")
	w.ok(other.Close())
	c.goneExchange("auto")
}

func autoDeleteChain(w *world) {
	c := w.open()
	q := c.queue(pubsub.Queue{Name: "q"})
	for _, name := range []string{"1", "2", "3"} {
		c.exchange(pubsub.Exchange{Name: name, Kind: pubsub.Fanout, AutoDelete: name != "1"})
	}
	c.bindExchange("1", "2", "")
	c.bindExchange("2", "3", "")
	c.bind("3", q, "")
	c.publish("1", "", "x")
	c.holds(q, "x")
	_, err := c.DeleteQueue(w.ctx, q, nil)
	w.ok(err)
	w.fails(c.CheckExchange(w.ctx, "3"), pubsub.ErrNotFound, "check the exchange whose queue was deleted")
	w.fails(c.CheckExchange(w.ctx, "2"), pubsub.ErrNotFound, "check the exchange whose destination went")
	w.ok(c.CheckExchange(w.ctx, "1"))
	w.fails(c.send("1", "", text("x"), pubsub.Mandatory), pubsub.ErrUnroutable, "publish at the chain's beginning")
}

func autoDeleteNeverBound(w *world) {
	c := w.open()
	e := c.exchange(pubsub.Exchange{Name: "auto", Kind: pubsub.Fanout, AutoDelete: true})
	c.exchange(pubsub.Exchange{Name: "up", Kind: pubsub.Fanout})
	c.publish(e, "", "x")
	c.bindExchange("up", e, "")
	c.remove(pubsub.Binding{Exchange: "up", ToExchange: e})
	c.remove(pubsub.Binding{Exchange: e, Queue: c.temp()})
	w.ok(c.DeleteExchange(w.ctx, "up", nil))
	w.ok(c.CheckExchange(w.ctx, e))
}
