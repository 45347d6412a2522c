package pubsubtest

import "github.com/gobindery/bindery/pubsub"

var alternateCases = []Case{
	{"alternate/takes", "the alternate exchange gets what is unroutable, with its exchange and key; mandatory isn't returned", alternateTakes},
	{"alternate/not needed", "the alternate exchange gets nothing that a binding matched", alternateNotNeeded},
	{"alternate/missing", "with a missing alternate exchange, unroutable is unroutable; it counts once it is declared", alternateMissing},
	{"alternate/chain", "an alternate exchange that can't route either has its own alternate", alternateChain},
	{"alternate/cycle", "alternates that name one another, or themselves, end", alternateCycle},
	{"alternate/internal", "an internal exchange can be the alternate", alternateInternal},
	{"alternate/of a destination", "a bound exchange that can't route uses its own alternate; the one before it has routed", alternateOfDestination},
}

func alternateTakes(w *world) {
	c := w.open()
	main := c.exchange(pubsub.Exchange{Name: "main", Kind: pubsub.Direct, Alternate: "alt"})
	alt := c.exchange(pubsub.Exchange{Name: "alt", Kind: pubsub.Fanout})
	q := c.temp()
	c.bind(alt, q, "")
	c.publish(main, "k1", "plain")
	c.message(main, "k2", text("mandatory"), pubsub.Mandatory)
	ds := c.take(q)
	w.equal("messages", bodies(ds), []string{"plain", "mandatory"})
	for i, d := range ds {
		w.equal("exchange", d.Exchange, main)
		w.equal("key", d.RoutingKey, []string{"k1", "k2"}[i])
		w.equal("headers", len(d.Headers), 0)
	}
}

func alternateNotNeeded(w *world) {
	c := w.open()
	main := c.exchange(pubsub.Exchange{Name: "main", Kind: pubsub.Direct, Alternate: "amq.fanout"})
	q, rest := c.temp(), c.temp()
	c.bind(main, q, "known")
	c.bind("amq.fanout", rest, "")
	c.publish(main, "known", "1")
	c.publish(main, "unknown", "2")
	c.holds(q, "1")
	c.holds(rest, "2")
}

func alternateMissing(w *world) {
	c := w.open()
	main := c.exchange(pubsub.Exchange{Name: "main", Kind: pubsub.Direct, Alternate: "alt"})
	w.fails(c.send(main, "k", text("x"), pubsub.Mandatory), pubsub.ErrUnroutable, "publish with a missing alternate")
	c.publish(main, "k", "dropped")
	c.exchange(pubsub.Exchange{Name: "alt", Kind: pubsub.Fanout})
	w.fails(c.send(main, "k", text("x"), pubsub.Mandatory), pubsub.ErrUnroutable, "publish with an alternate that has no binding")
	q := c.temp()
	c.bind("alt", q, "")
	c.message(main, "k", text("taken"), pubsub.Mandatory)
	c.holds(q, "taken")
}

func alternateChain(w *world) {
	c := w.open()
	c.exchange(pubsub.Exchange{Name: "1", Kind: pubsub.Direct, Alternate: "2"})
	c.exchange(pubsub.Exchange{Name: "2", Kind: pubsub.Topic, Alternate: "3"})
	c.exchange(pubsub.Exchange{Name: "3", Kind: pubsub.Headers, Alternate: "4"})
	c.exchange(pubsub.Exchange{Name: "4", Kind: pubsub.Fanout})
	last, second := c.temp(), c.temp()
	c.bind("2", second, "a.#")
	c.bind("4", last, "")
	c.message("1", "a.b", text("second"), pubsub.Mandatory)
	c.message("1", "b", text("last"), pubsub.Mandatory)
	c.holds(second, "second")
	c.holds(last, "last")
}

func alternateCycle(w *world) {
	c := w.open()
	c.exchange(pubsub.Exchange{Name: "1", Kind: pubsub.Direct, Alternate: "2"})
	c.exchange(pubsub.Exchange{Name: "2", Kind: pubsub.Direct, Alternate: "1"})
	c.exchange(pubsub.Exchange{Name: "self", Kind: pubsub.Direct, Alternate: "self"})
	for _, name := range []string{"1", "2", "self"} {
		w.fails(c.send(name, "k", text("x"), pubsub.Mandatory), pubsub.ErrUnroutable, "publish to exchange "+name)
		c.publish(name, "k", "dropped")
	}
	q := c.temp()
	c.bind("1", q, "k")
	c.publish("2", "k", "x")
	c.holds(q, "x")
}

func alternateInternal(w *world) {
	c := w.open()
	c.exchange(pubsub.Exchange{Name: "main", Kind: pubsub.Direct, Alternate: "alt"})
	c.exchange(pubsub.Exchange{Name: "alt", Kind: pubsub.Fanout, Internal: true})
	q := c.temp()
	c.bind("alt", q, "")
	c.message("main", "k", text("x"), pubsub.Mandatory)
	c.holds(q, "x")
}

func alternateOfDestination(w *world) {
	c := w.open()
	c.exchange(pubsub.Exchange{Name: "front", Kind: pubsub.Fanout, Alternate: "front-alt"})
	c.exchange(pubsub.Exchange{Name: "back", Kind: pubsub.Direct, Alternate: "back-alt"})
	c.exchange(pubsub.Exchange{Name: "front-alt", Kind: pubsub.Fanout})
	c.exchange(pubsub.Exchange{Name: "back-alt", Kind: pubsub.Fanout})
	c.bindExchange("front", "back", "")
	frontRest, backRest, q := c.temp(), c.temp(), c.temp()
	c.bind("front-alt", frontRest, "")
	c.bind("back-alt", backRest, "")
	c.bind("back", q, "known")
	c.message("front", "unknown", text("1"), pubsub.Mandatory)
	c.message("front", "known", text("2"), pubsub.Mandatory)
	c.holds(frontRest)
	c.holds(backRest, "1")
	c.holds(q, "2")
}
