package pubsubtest

import (
	"fmt"
	"strings"

	"github.com/gobindery/bindery/pubsub"
)

var exchangeCases = []Case{
	{"exchange/kinds", "an exchange of each kind is declared, and declared again as it is", exchangeKinds},
	{"exchange/predeclared", "amq.direct, amq.fanout, amq.topic, amq.headers and amq.match are there, durable, and route", exchangePredeclared},
	{"exchange/default", "the default exchange routes to the queue that the key names", exchangeDefault},
	{"exchange/default refused", "declare, check, delete, bind and unbind of the default exchange: access refused (403)", exchangeDefaultRefused},
	{"exchange/reserved", "a new name with amq.: access refused (403); an equal declare of amq.direct is fine, another isn't (406)", exchangeReserved},
	{"exchange/check", "passive declare of what is there succeeds, else not found (404)", exchangeCheck},
	{"exchange/differs", "redeclare with another type, durable, auto-delete, internal or alternate: precondition failed (406)", exchangeDiffers},
	{"exchange/unknown arguments", "unknown arguments don't count in a redeclare", exchangeUnknownArguments},
	{"exchange/invalid", "an unknown kind, none, or a name over 255 bytes is invalid", exchangeInvalid},
	{"exchange/names", "names are any UTF-8 of up to 255 bytes", exchangeNames},
	{"exchange/internal", "publish to an internal exchange: access refused (403); other exchanges reach it", exchangeInternal},
	{"exchange/missing", "publish to a missing exchange: not found (404), mandatory or not", exchangeMissing},
}

func exchangeKinds(w *world) {
	c := w.open()
	for _, kind := range pubsub.Kinds() {
		for i, e := range []pubsub.Exchange{
			{},
			{Durable: true},
			{AutoDelete: true},
			{Internal: true},
			{Alternate: "elsewhere"},
			{Durable: true, AutoDelete: true, Internal: true, Alternate: "elsewhere", Arguments: pubsub.Table{"about": "x"}},
		} {
			e.Kind = kind
			e.Name = fmt.Sprintf("%s-%d", kind, i)
			c.exchange(e)
			c.exchange(e)
			w.open().exchange(e)
		}
	}
}

func exchangePredeclared(w *world) {
	c := w.open()
	q := c.temp()
	for name, kind := range map[string]pubsub.Kind{
		"amq.direct":  pubsub.Direct,
		"amq.fanout":  pubsub.Fanout,
		"amq.topic":   pubsub.Topic,
		"amq.headers": pubsub.Headers,
		"amq.match":   pubsub.Headers,
	} {
		w.ok(c.CheckExchange(w.ctx, name))
		c.exchange(pubsub.Exchange{Name: name, Kind: kind, Durable: true})
		b := pubsub.Binding{Exchange: name, Queue: q, Key: "k", Arguments: pubsub.Table{"a": "1"}}
		c.add(b)
		c.message(name, "k", pubsub.Message{Body: []byte(name), Headers: pubsub.Table{"a": "1"}})
		c.holds(q, name)
	}
}

func exchangeDefault(w *world) {
	c := w.open()
	q := c.queue(pubsub.Queue{Name: "inbox"})
	other := c.temp()
	c.publish("", "inbox", "for inbox")
	c.publish("", other, "for the other")
	ds := c.take(q)
	w.equal("messages", bodies(ds), []string{"for inbox"})
	w.equal("exchange of the delivery", ds[0].Exchange, "")
	w.equal("key of the delivery", ds[0].RoutingKey, "inbox")
	c.holds(other, "for the other")
	w.fails(c.send("", "nobody", text("x"), pubsub.Mandatory), pubsub.ErrUnroutable, "publish to a queue that isn't there")
}

func exchangeDefaultRefused(w *world) {
	c := w.open()
	q := c.temp()
	w.fails(c.DeclareExchange(w.ctx, pubsub.Exchange{Kind: pubsub.Direct}), pubsub.ErrAccessRefused, "declare")
	w.fails(c.CheckExchange(w.ctx, ""), pubsub.ErrAccessRefused, "check")
	w.fails(c.DeleteExchange(w.ctx, "", nil), pubsub.ErrAccessRefused, "delete")
	w.fails(c.Bind(w.ctx, pubsub.Binding{Queue: q, Key: "k"}), pubsub.ErrAccessRefused, "bind a queue")
	w.fails(c.Unbind(w.ctx, pubsub.Binding{Queue: q, Key: "k"}), pubsub.ErrAccessRefused, "unbind a queue")
	w.fails(c.Bind(w.ctx, pubsub.Binding{ToExchange: "amq.direct"}), pubsub.ErrAccessRefused, "bind an exchange")
	w.fails(c.Unbind(w.ctx, pubsub.Binding{ToExchange: "amq.direct"}), pubsub.ErrAccessRefused, "unbind an exchange")
	w.fails(c.Bind(w.ctx, pubsub.Binding{Exchange: "amq.direct"}), pubsub.ErrInvalid, "bind to nothing")
}

func exchangeReserved(w *world) {
	c := w.open()
	w.fails(c.DeclareExchange(w.ctx, pubsub.Exchange{Name: "amq.foo", Kind: pubsub.Direct}), pubsub.ErrAccessRefused, "declare amq.foo")
	w.fails(c.CheckExchange(w.ctx, "amq.foo"), pubsub.ErrNotFound, "check amq.foo")
	c.exchange(pubsub.Exchange{Name: "amq.direct", Kind: pubsub.Direct, Durable: true})
	w.fails(c.DeclareExchange(w.ctx, pubsub.Exchange{Name: "amq.direct", Kind: pubsub.Direct}), pubsub.ErrPreconditionFailed, "declare amq.direct as not durable")
	w.fails(c.DeclareExchange(w.ctx, pubsub.Exchange{Name: "amq.direct", Kind: pubsub.Fanout, Durable: true}), pubsub.ErrPreconditionFailed, "declare amq.direct as a fanout")
}

func exchangeCheck(w *world) {
	c := w.open()
	w.fails(c.CheckExchange(w.ctx, "logs"), pubsub.ErrNotFound, "check a missing exchange")
	c.exchange(pubsub.Exchange{Name: "logs", Kind: pubsub.Fanout})
	w.ok(c.CheckExchange(w.ctx, "logs"))
	w.ok(w.open().CheckExchange(w.ctx, "logs"))
}

func exchangeDiffers(w *world) {
	c := w.open()
	plain := pubsub.Exchange{Name: "plain", Kind: pubsub.Direct}
	full := pubsub.Exchange{Name: "full", Kind: pubsub.Topic, Durable: true, AutoDelete: true, Internal: true, Alternate: "alt"}
	changes := map[string]func(e *pubsub.Exchange){
		"type":        func(e *pubsub.Exchange) { e.Kind = pubsub.Fanout },
		"durable":     func(e *pubsub.Exchange) { e.Durable = !e.Durable },
		"auto-delete": func(e *pubsub.Exchange) { e.AutoDelete = !e.AutoDelete },
		"internal":    func(e *pubsub.Exchange) { e.Internal = !e.Internal },
		"another alternate": func(e *pubsub.Exchange) {
			e.Alternate += "other"
		},
	}
	c.exchange(plain)
	c.exchange(full)
	for what, change := range changes {
		for _, e := range []pubsub.Exchange{plain, full} {
			change(&e)
			w.fails(c.DeclareExchange(w.ctx, e), pubsub.ErrPreconditionFailed, "redeclare "+e.Name+" with another "+what)
		}
	}
	bare := full
	bare.Alternate = ""
	w.fails(c.DeclareExchange(w.ctx, bare), pubsub.ErrPreconditionFailed, "redeclare without the alternate")
	// What failed has changed nothing.
	c.exchange(plain)
	c.exchange(full)
}

func exchangeUnknownArguments(w *world) {
	c := w.open()
	e := pubsub.Exchange{Name: "e", Kind: pubsub.Fanout}
	c.exchange(e)
	e.Arguments = pubsub.Table{"about": "whales"}
	c.exchange(e)
	e.Arguments = pubsub.Table{"about": int32(7), "x-foo": true}
	c.exchange(e)
}

func exchangeInvalid(w *world) {
	c := w.open()
	w.fails(c.DeclareExchange(w.ctx, pubsub.Exchange{Name: "e", Kind: "bogus"}), pubsub.ErrInvalid, "declare with an unknown kind")
	w.fails(c.DeclareExchange(w.ctx, pubsub.Exchange{Name: "e"}), pubsub.ErrInvalid, "declare without a kind")
	w.fails(c.CheckExchange(w.ctx, "e"), pubsub.ErrNotFound, "check the exchange that was refused")
	w.fails(c.DeclareExchange(w.ctx, pubsub.Exchange{Name: strings.Repeat("n", 256), Kind: pubsub.Direct}), pubsub.ErrInvalid, "declare with 256 bytes")
}

// oddNames are names that a backend has to escape, or to leave alone. None has a
// line break: RabbitMQ takes those out of the names that it declares.
var oddNames = []string{
	strings.Repeat("n", 255),
	strings.Repeat("é", 127),
	" ", "a b", "*", "#", ">", "a.*.>", "%2F", "/", "..", "$JS", `"quoted"`, "ünï-çødé 漢字", "nul\x00inside",
}

func exchangeNames(w *world) {
	c := w.open()
	q := c.temp()
	for _, name := range oddNames {
		c.exchange(pubsub.Exchange{Name: name, Kind: pubsub.Direct})
		w.ok(c.CheckExchange(w.ctx, name))
		c.bind(name, q, "k")
	}
	for _, name := range oddNames {
		c.publish(name, "k", "x")
		ds := c.take(q)
		if len(ds) != 1 || ds[0].Exchange != name {
			w.Errorf("publish to %q: got %d messages; want one, from that exchange", name, len(ds))
		}
		w.ok(c.DeleteExchange(w.ctx, name, nil))
		w.fails(c.CheckExchange(w.ctx, name), pubsub.ErrNotFound, "check after delete")
	}
}

func exchangeInternal(w *world) {
	c := w.open()
	inner := c.exchange(pubsub.Exchange{Name: "inner", Kind: pubsub.Fanout, Internal: true})
	outer := c.exchange(pubsub.Exchange{Name: "outer", Kind: pubsub.Fanout})
	q := c.temp()
	c.bind(inner, q, "")
	c.bindExchange(outer, inner, "")
	w.fails(c.send(inner, "k", text("directly")), pubsub.ErrAccessRefused, "publish to an internal exchange")
	c.publish(outer, "k", "through outer")
	c.holds(q, "through outer")
}

func exchangeMissing(w *world) {
	c := w.open()
	w.fails(c.send("nope", "k", text("x")), pubsub.ErrNotFound, "publish to a missing exchange")
	w.fails(c.send("nope", "k", text("x"), pubsub.Mandatory), pubsub.ErrNotFound, "publish to a missing exchange, mandatory")
	c.exchange(pubsub.Exchange{Name: "nope", Kind: pubsub.Fanout})
	c.publish("nope", "k", "x")
}
