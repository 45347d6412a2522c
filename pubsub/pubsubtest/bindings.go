package pubsubtest

import (
	"errors"
	"strings"

	"github.com/gobindery/bindery/pubsub"
)

var bindingCases = []Case{
	{"binding/direct", "a direct exchange compares the whole key, byte by byte", bindingDirect},
	{"binding/fanout", "a fanout exchange ignores keys", bindingFanout},
	{"binding/idempotent", "binding twice and unbinding once leaves no binding", bindingIdempotent},
	{"binding/one copy", "a queue gets one copy, however many bindings match; unbinding one leaves the others", bindingOneCopy},
	{"binding/arguments", "arguments are part of a binding's identity, in any order, with their types", bindingArguments},
	{"binding/missing queue", "binding a missing queue: not found (404)", bindingMissingQueue},
	{"binding/missing both", "with queue and exchange missing, the exchange is reported", bindingMissingBoth},
	{"binding/unbind missing", "unbinding what is missing succeeds: binding, queue or exchange", bindingUnbindMissing},
	{"binding/many queues", "every bound queue gets its own copy", bindingManyQueues},
}

func bindingDirect(w *world) {
	c := w.open()
	e := c.exchange(pubsub.Exchange{Name: "e", Kind: pubsub.Direct})
	keys := []string{"", "a", "A", "a.b", "a.*", "#", "*", "é", strings.Repeat("k", 255)}
	queues := map[string]string{}
	for _, k := range keys {
		queues[k] = c.temp()
		c.bind(e, queues[k], k)
	}
	for _, k := range keys {
		c.publish(e, k, k)
	}
	for _, k := range keys {
		c.holds(queues[k], k)
	}
	w.fails(c.send(e, "b", text("x"), pubsub.Mandatory), pubsub.ErrUnroutable, "publish with a key that isn't bound")
}

func bindingFanout(w *world) {
	c := w.open()
	e := c.exchange(pubsub.Exchange{Name: "e", Kind: pubsub.Fanout})
	q := c.temp()
	c.bind(e, q, "some key")
	for _, k := range []string{"", "some key", "another"} {
		c.message(e, k, text(k), pubsub.Mandatory)
	}
	c.holds(q, "", "some key", "another")
}

func bindingIdempotent(w *world) {
	c := w.open()
	q := c.temp()
	for _, e := range []string{"amq.direct", "amq.fanout", "amq.topic", "amq.match"} {
		b := pubsub.Binding{Exchange: e, Queue: q, Key: "k", Arguments: pubsub.Table{"a": int32(1)}}
		c.add(b)
		c.add(b)
		m := pubsub.Message{Headers: pubsub.Table{"a": int32(1)}}
		c.message(e, "k", m, pubsub.Mandatory)
		w.equal("copies through "+e, len(c.take(q)), 1)
		c.remove(b)
		w.fails(c.send(e, "k", m, pubsub.Mandatory), pubsub.ErrUnroutable, "publish to "+e+" after the unbind")
	}
}

func bindingOneCopy(w *world) {
	c := w.open()
	q := c.temp()
	patterns := []string{"#", "a.*", "*.b", "a.b", "a.#"}
	for _, p := range patterns {
		c.bind("amq.topic", q, p)
	}
	for _, p := range patterns {
		c.message("amq.topic", "a.b", text(p), pubsub.Mandatory)
		c.holds(q, p)
		c.remove(pubsub.Binding{Exchange: "amq.topic", Queue: q, Key: p})
	}
	w.fails(c.send("amq.topic", "a.b", text("x"), pubsub.Mandatory), pubsub.ErrUnroutable, "publish after the last unbind")
}

func bindingArguments(w *world) {
	c := w.open()
	q := c.temp()
	with := func(t pubsub.Table) pubsub.Binding {
		return pubsub.Binding{Exchange: "amq.direct", Queue: q, Key: "k", Arguments: t}
	}
	bound := func(want bool, what string) {
		w.Helper()
		err := c.send("amq.direct", "k", text("x"), pubsub.Mandatory)
		if got := err == nil; got != want {
			w.Errorf("%s: bound is %v (%v); want %v", what, got, err, want)
		}
		c.take(q)
	}
	c.add(with(pubsub.Table{"a": int32(1), "b": "x"}))
	c.remove(with(nil))
	bound(true, "after an unbind without arguments")
	c.remove(with(pubsub.Table{"a": int32(1)}))
	bound(true, "after an unbind with some of the arguments")
	c.remove(with(pubsub.Table{"a": int64(1), "b": "x"}))
	bound(true, "after an unbind with another type of integer")
	c.remove(with(pubsub.Table{"b": "x", "a": int32(1)}))
	bound(false, "after an unbind with the same arguments")
	c.add(with(nil))
	c.add(with(pubsub.Table{"a": int32(1)}))
	c.remove(with(nil))
	bound(true, "with arguments, after an unbind of the one without")
}

func bindingMissingQueue(w *world) {
	c := w.open()
	w.fails(c.Bind(w.ctx, pubsub.Binding{Exchange: "amq.direct", Queue: "nope"}), pubsub.ErrNotFound, "bind a missing queue")
	q := c.temp()
	w.fails(c.Bind(w.ctx, pubsub.Binding{Exchange: "nope", Queue: q}), pubsub.ErrNotFound, "bind to a missing exchange")
	// Neither has left anything behind.
	c.queue(pubsub.Queue{Name: "nope"})
	w.fails(c.send("amq.direct", "", text("x"), pubsub.Mandatory), pubsub.ErrUnroutable, "publish after a bind that failed")
}

func bindingMissingBoth(w *world) {
	c := w.open()
	err := c.Bind(w.ctx, pubsub.Binding{Exchange: "no-exchange", Queue: "no-queue"})
	w.fails(err, pubsub.ErrNotFound, "bind a missing queue to a missing exchange")
	var e *pubsub.Error
	if errors.As(err, &e) {
		if why := e.Err.Error(); !strings.Contains(why, "no-exchange") || strings.Contains(why, "no-queue") {
			w.Errorf("bind a missing queue to a missing exchange: the reason is %q; want it to name the exchange alone", why)
		}
	}
}

func bindingUnbindMissing(w *world) {
	c := w.open()
	q := c.temp()
	for _, b := range []pubsub.Binding{
		{Exchange: "amq.direct", Queue: q, Key: "never bound"},
		{Exchange: "amq.direct", Queue: "nope"},
		{Exchange: "nope", Queue: q},
		{Exchange: "nope", Queue: "nope"},
		{Exchange: "amq.direct", ToExchange: "amq.fanout"},
		{Exchange: "amq.direct", ToExchange: "nope"},
		{Exchange: "nope", ToExchange: "amq.direct"},
	} {
		if err := c.Unbind(w.ctx, b); err != nil {
			w.Errorf("unbind what is missing: %v", err)
		}
	}
}

func bindingManyQueues(w *world) {
	c, other := w.open(), w.open()
	var queues []string
	for i := range 20 {
		from := []*conn{c, other}[i%2]
		q := from.queue(pubsub.Queue{Name: "q" + numbers(20)[i]})
		queues = append(queues, q)
		c.bind("amq.fanout", q, "")
	}
	c.publish("amq.fanout", "", "1", "2")
	for _, q := range queues {
		other.holds(q, "1", "2")
	}
}
