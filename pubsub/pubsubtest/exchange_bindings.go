package pubsubtest

import "github.com/gobindery/bindery/pubsub"

var exchangeBindingCases = []Case{
	{"exchange binding/passes on", "a bound exchange passes messages on with the exchange and key that they were published with", exchangeBindingPassesOn},
	{"exchange binding/filters", "each exchange on the way matches by its own kind", exchangeBindingFilters},
	{"exchange binding/cycle", "cycles of exchanges, and one bound to itself, give one copy a queue", exchangeBindingCycle},
	{"exchange binding/diamond", "two ways to one queue give one copy", exchangeBindingDiamond},
	{"exchange binding/idempotent", "binding an exchange twice and unbinding once leaves no binding", exchangeBindingIdempotent},
	{"exchange binding/missing", "binding to or from a missing exchange: not found (404)", exchangeBindingMissing},
	{"exchange binding/same name", "an exchange and a queue of one name are different destinations", exchangeBindingSameName},
}

// fanouts declares fanout exchanges.
func (c *conn) fanouts(names ...string) {
	c.w.Helper()
	for _, name := range names {
		c.exchange(pubsub.Exchange{Name: name, Kind: pubsub.Fanout})
	}
}

func exchangeBindingPassesOn(w *world) {
	c := w.open()
	c.fanouts("1", "2", "3")
	q := c.temp()
	c.bindExchange("1", "2", "")
	c.bindExchange("2", "3", "")
	c.bind("3", q, "")
	c.message("1", "the.key", text("x"), pubsub.Mandatory)
	d := c.get(q)
	w.equal("body", string(d.Body), "x")
	w.equal("exchange", d.Exchange, "1")
	w.equal("key", d.RoutingKey, "the.key")
}

func exchangeBindingFilters(w *world) {
	c := w.open()
	c.exchange(pubsub.Exchange{Name: "topic", Kind: pubsub.Topic})
	c.exchange(pubsub.Exchange{Name: "direct", Kind: pubsub.Direct})
	c.exchange(pubsub.Exchange{Name: "headers", Kind: pubsub.Headers})
	q := c.temp()
	c.bindExchange("topic", "direct", "a.#")
	c.bindExchange("direct", "headers", "a.b")
	c.add(pubsub.Binding{Exchange: "headers", Queue: q, Arguments: pubsub.Table{"h": "yes"}})
	yes, no := pubsub.Table{"h": "yes"}, pubsub.Table{"h": "no"}
	for _, m := range []struct {
		key     string
		headers pubsub.Table
		arrives bool
	}{{"a.b", yes, true}, {"a.b", no, false}, {"a.c", yes, false}, {"b", yes, false}, {"a.b", nil, false}} {
		c.message("topic", m.key, pubsub.Message{Headers: m.headers})
		if n := len(c.take(q)); (n == 1) != m.arrives {
			w.Errorf("key %q, headers %v: %d copies arrived; want it to arrive: %v", m.key, m.headers, n, m.arrives)
		}
	}
}

func exchangeBindingCycle(w *world) {
	c := w.open()
	c.fanouts("1", "2", "3", "self")
	q, own := c.temp(), c.temp()
	c.bindExchange("1", "2", "")
	c.bindExchange("2", "3", "")
	c.bindExchange("3", "1", "")
	c.bind("3", q, "")
	c.bindExchange("self", "self", "")
	c.bind("self", own, "")
	for _, from := range []string{"1", "2", "3"} {
		c.message(from, "", text(from), pubsub.Mandatory)
	}
	c.holds(q, "1", "2", "3")
	c.message("self", "", text("x"), pubsub.Mandatory)
	c.holds(own, "x")
	c.remove(pubsub.Binding{Exchange: "3", Queue: q})
	w.fails(c.send("1", "", text("x"), pubsub.Mandatory), pubsub.ErrUnroutable, "publish into a cycle without a queue")
}

func exchangeBindingDiamond(w *world) {
	c := w.open()
	c.fanouts("top", "left", "right", "bottom")
	q := c.temp()
	for _, side := range []string{"left", "right"} {
		c.bindExchange("top", side, "")
		c.bindExchange(side, "bottom", "")
		c.bind(side, q, "")
	}
	c.bind("bottom", q, "")
	c.bind("top", q, "")
	c.publish("top", "", "x")
	c.holds(q, "x")
}

func exchangeBindingIdempotent(w *world) {
	c := w.open()
	c.fanouts("to")
	q := c.temp()
	c.bind("to", q, "")
	b := pubsub.Binding{Exchange: "amq.direct", ToExchange: "to", Key: "k"}
	c.add(b)
	c.add(b)
	c.bindExchange("amq.direct", "to", "other")
	c.publish("amq.direct", "k", "x")
	c.holds(q, "x")
	c.remove(b)
	w.fails(c.send("amq.direct", "k", text("x"), pubsub.Mandatory), pubsub.ErrUnroutable, "publish after the unbind")
	c.message("amq.direct", "other", text("y"), pubsub.Mandatory)
	c.holds(q, "y")
}

func exchangeBindingMissing(w *world) {
	c := w.open()
	w.fails(c.Bind(w.ctx, pubsub.Binding{Exchange: "nope", ToExchange: "amq.direct"}), pubsub.ErrNotFound, "bind from a missing exchange")
	w.fails(c.Bind(w.ctx, pubsub.Binding{Exchange: "amq.direct", ToExchange: "nope"}), pubsub.ErrNotFound, "bind to a missing exchange")
}

func exchangeBindingSameName(w *world) {
	c := w.open()
	c.fanouts("twin")
	twin := c.queue(pubsub.Queue{Name: "twin"})
	behind := c.temp()
	c.bind("twin", behind, "")
	c.bindExchange("amq.direct", "twin", "exchange")
	c.bind("amq.direct", twin, "queue")
	c.publish("amq.direct", "exchange", "1")
	c.publish("amq.direct", "queue", "2")
	c.holds(behind, "1")
	c.holds(twin, "2")
	c.remove(pubsub.Binding{Exchange: "amq.direct", Queue: twin, Key: "exchange"}) // isn't there
	c.message("amq.direct", "exchange", text("3"), pubsub.Mandatory)
	c.holds(behind, "3")
}
