package pubsubtest

import (
	"strings"
	"time"

	"github.com/gobindery/bindery/pubsub"
)

var queueCases = []Case{
	{"queue/named by the broker", "without a name, the broker chooses amq.gen- and 22 characters, another one each time", queueNamedByBroker},
	{"queue/reserved", "declare of a new amq.* name, or of one's own amq.gen-…: access refused (403); inspecting that works", queueReserved},
	{"queue/names", "names are any UTF-8 of up to 255 bytes", queueNames},
	{"queue/inspect", "passive declare tells the counts, whatever the queue's arguments; missing: not found (404)", queueInspect},
	{"queue/declare counts", "declare of a queue that is there tells its counts", queueDeclareCounts},
	{"queue/counts", "counts are ready messages: unacknowledged ones don't count", queueCounts},
	{"queue/invalid", "values that no queue can have are refused: negative limits, unknown overflow, long names", queueInvalid},
}

func queueNamedByBroker(w *world) {
	c := w.open()
	seen := map[string]bool{}
	for range 5 {
		for _, q := range []string{c.temp(), c.queue(pubsub.Queue{})} {
			if !strings.HasPrefix(q, "amq.gen-") || len(q) != len("amq.gen-")+22 {
				w.Errorf("the broker chose the name %q; want amq.gen- and 22 characters", q)
			}
			if seen[q] {
				w.Errorf("the broker chose the name %q twice", q)
			}
			seen[q] = true
			c.publish("", q, q)
			c.holds(q, q)
		}
	}
}

func queueReserved(w *world) {
	c := w.open()
	_, err := c.DeclareQueue(w.ctx, pubsub.Queue{Name: "amq.mine"})
	w.fails(err, pubsub.ErrAccessRefused, "declare amq.mine")
	q := c.temp()
	_, err = c.DeclareQueue(w.ctx, pubsub.Queue{Name: q, Exclusive: true})
	w.fails(err, pubsub.ErrAccessRefused, "declare the queue that the broker named")
	w.equal("ready messages", c.ready(q), 0)
	_, err = c.InspectQueue(w.ctx, "amq.gen-missing")
	w.fails(err, pubsub.ErrNotFound, "inspect amq.gen-missing")
}

func queueNames(w *world) {
	c := w.open()
	for _, name := range oddNames {
		w.equal("name", c.queue(pubsub.Queue{Name: name}), name)
		c.publish("", name, "by name")
		c.bind("amq.direct", name, name)
		c.publish("amq.direct", name, "by key")
	}
	for _, name := range oddNames {
		c.holds(name, "by name", "by key")
		_, err := c.DeleteQueue(w.ctx, name, nil)
		w.ok(err)
	}
}

func queueInspect(w *world) {
	c, other := w.open(), w.open()
	_, err := c.InspectQueue(w.ctx, "q")
	w.fails(err, pubsub.ErrNotFound, "inspect a missing queue")
	limit := 10
	c.queue(pubsub.Queue{Name: "q", Durable: true, MaxLength: &limit})
	c.publish("", "q", "1", "2", "3")
	info, err := other.InspectQueue(w.ctx, "q")
	w.ok(err)
	w.equal("counts", info, pubsub.QueueInfo{Name: "q", Ready: 3})
	a, b := c.consume("q", &pubsub.ConsumeOptions{Prefetch: 1}), other.consume("q", &pubsub.ConsumeOptions{Prefetch: 1})
	info, err = other.InspectQueue(w.ctx, "q")
	w.ok(err)
	w.equal("consumers", info.Consumers, 2)
	b.close()
	w.eventually("one consumer to be left", func() (any, bool) {
		info, err := c.InspectQueue(w.ctx, "q")
		return info, err == nil && info.Consumers == 1
	})
	a.close()
	c.becomes("q", 3)
}

func queueDeclareCounts(w *world) {
	c := w.open()
	q := pubsub.Queue{Name: "q"}
	info, err := c.Adapter().DeclareQueue(w.ctx, q)
	w.ok(err)
	w.equal("counts of a new queue", info, pubsub.QueueInfo{Name: "q"})
	c.publish("", "q", "1", "2")
	info, err = c.Adapter().DeclareQueue(w.ctx, q)
	w.ok(err)
	w.equal("counts", info, pubsub.QueueInfo{Name: "q", Ready: 2})
	c.consume("q", &pubsub.ConsumeOptions{Prefetch: 1}).next()
	info, err = c.Adapter().DeclareQueue(w.ctx, q)
	w.ok(err)
	w.equal("counts with a consumer", info, pubsub.QueueInfo{Name: "q", Ready: 1, Consumers: 1})
}

func queueCounts(w *world) {
	c := w.open()
	q := c.temp()
	c.publish("", q, numbers(5)...)
	w.equal("ready", c.ready(q), 5)
	d := c.get(q)
	w.equal("ready with one unacknowledged", c.ready(q), 4)
	w.ack(d)
	w.equal("ready after the ack", c.ready(q), 4)
	c.consume(q, &pubsub.ConsumeOptions{Prefetch: 2}).gets("1", "2")
	w.equal("ready with two at a consumer", c.ready(q), 2)
}

func queueInvalid(w *world) {
	c := w.open()
	for what, q := range map[string]pubsub.Queue{
		"max-length -1":         {MaxLength: ptr(-1)},
		"max-bytes -1":          {MaxBytes: ptr(-1)},
		"TTL -1 ms":             {MessageTTL: ms(-1)},
		"TTL of half a ms":      {MessageTTL: ptr(500 * time.Microsecond)},
		"expires -1 ms":         {Expires: -time.Millisecond},
		"overflow foo":          {Overflow: "foo"},
		"256 bytes":             {Name: strings.Repeat("n", 256)},
		"no UTF-8":              {Name: "\xff"},
		"argument with a field": {Arguments: pubsub.Table{"x-max-length": 5}},
		"argument of a channel": {Arguments: pubsub.Table{"x": make(chan int)}},
	} {
		_, err := c.DeclareQueue(w.ctx, q)
		w.fails(err, pubsub.ErrInvalid, "declare a queue with "+what)
	}
	for what, q := range map[string]pubsub.Queue{
		"max-length 0":      {MaxLength: ptr(0)},
		"max-bytes 0":       {MaxBytes: ptr(0)},
		"TTL 0":             {MessageTTL: ms(0)},
		"TTL over 32 bits":  {MessageTTL: ms(1 << 32)},
		"priority 255":      {MaxPriority: 255},
		"drop-head":         {Overflow: pubsub.DropHead},
		"unknown arguments": {Arguments: pubsub.Table{"x-unknown": "z", "foo": int32(1)}},
	} {
		if _, err := c.DeclareQueue(w.ctx, q); err != nil {
			w.Errorf("declare a queue with %s: %v", what, err)
		}
	}
}

func ptr[T any](v T) *T { return &v }
