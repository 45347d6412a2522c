package pubsubtest

import (
	"time"

	"github.com/gobindery/bindery/pubsub"
)

var equivalenceCases = []Case{
	{"queue/same", "declare of a queue as it is succeeds, also from another connection", queueSame},
	{"queue/differs", "redeclare with another durable, auto-delete or known argument: precondition failed (406)", queueDiffers},
	{"queue/differs in exclusive", "redeclare with another exclusive: resource locked (405)", queueDiffersInExclusive},
	{"queue/unknown arguments", "unknown arguments don't count in a redeclare", queueUnknownArguments},
}

// fullQueue has every field that a redeclare compares.
func fullQueue() pubsub.Queue {
	return pubsub.Queue{
		Name:                 "full",
		Durable:              true,
		AutoDelete:           true,
		MessageTTL:           ms(60_000),
		Expires:              time.Minute,
		MaxLength:            ptr(10),
		MaxBytes:             ptr(1000),
		Overflow:             pubsub.RejectPublish,
		DeadLetter:           &pubsub.DeadLetter{Exchange: "dlx", RoutingKey: ptr("dead")},
		MaxPriority:          5,
		SingleActiveConsumer: true,
	}
}

func queueSame(w *world) {
	c, other := w.open(), w.open()
	for _, q := range []pubsub.Queue{
		{Name: "plain"},
		{Name: "durable", Durable: true},
		{Name: "auto", AutoDelete: true},
		{Name: "zero", MessageTTL: ms(0), MaxLength: ptr(0), MaxBytes: ptr(0)},
		{Name: "dead", DeadLetter: &pubsub.DeadLetter{}},
		{Name: "dead key", DeadLetter: &pubsub.DeadLetter{RoutingKey: ptr("")}},
		fullQueue(),
	} {
		c.queue(q)
		c.queue(q)
		other.queue(q)
	}
	c.queue(pubsub.Queue{Name: "mine", Exclusive: true, Durable: true})
	c.queue(pubsub.Queue{Name: "mine", Exclusive: true, Durable: true})
}

func queueDiffers(w *world) {
	c := w.open()
	full := fullQueue()
	plain := pubsub.Queue{Name: "plain"}
	c.queue(full)
	c.queue(plain)
	differs := func(what string, q pubsub.Queue) {
		_, err := c.DeclareQueue(w.ctx, q)
		w.fails(err, pubsub.ErrPreconditionFailed, "redeclare "+q.Name+" with another "+what)
	}
	// One field of full goes to plain, and is taken from full; then it differs in value.
	for what, copyField := range map[string]func(to, from *pubsub.Queue){
		"durable":       func(to, from *pubsub.Queue) { to.Durable = from.Durable },
		"auto-delete":   func(to, from *pubsub.Queue) { to.AutoDelete = from.AutoDelete },
		"TTL":           func(to, from *pubsub.Queue) { to.MessageTTL = from.MessageTTL },
		"expires":       func(to, from *pubsub.Queue) { to.Expires = from.Expires },
		"max-length":    func(to, from *pubsub.Queue) { to.MaxLength = from.MaxLength },
		"max-bytes":     func(to, from *pubsub.Queue) { to.MaxBytes = from.MaxBytes },
		"overflow":      func(to, from *pubsub.Queue) { to.Overflow = from.Overflow },
		"dead-letter":   func(to, from *pubsub.Queue) { to.DeadLetter = from.DeadLetter },
		"max-priority":  func(to, from *pubsub.Queue) { to.MaxPriority = from.MaxPriority },
		"single active": func(to, from *pubsub.Queue) { to.SingleActiveConsumer = from.SingleActiveConsumer },
	} {
		q := plain
		copyField(&q, &full)
		differs(what, q)
		q = full
		copyField(&q, &plain)
		differs(what, q)
	}
	for what, change := range map[string]func(q *pubsub.Queue){
		"TTL":             func(q *pubsub.Queue) { q.MessageTTL = ms(60_001) },
		"expires":         func(q *pubsub.Queue) { q.Expires++; q.Expires = 61 * time.Second },
		"max-length":      func(q *pubsub.Queue) { q.MaxLength = ptr(11) },
		"max-bytes":       func(q *pubsub.Queue) { q.MaxBytes = ptr(0) },
		"overflow":        func(q *pubsub.Queue) { q.Overflow = pubsub.RejectPublishDLX },
		"dead-letter":     func(q *pubsub.Queue) { q.DeadLetter = &pubsub.DeadLetter{Exchange: "other", RoutingKey: ptr("dead")} },
		"dead-letter key": func(q *pubsub.Queue) { q.DeadLetter = &pubsub.DeadLetter{Exchange: "dlx", RoutingKey: ptr("other")} },
		"no dead-letter key": func(q *pubsub.Queue) {
			q.DeadLetter = &pubsub.DeadLetter{Exchange: "dlx"}
		},
		"max-priority": func(q *pubsub.Queue) { q.MaxPriority = 6 },
	} {
		q := full
		change(&q)
		differs(what, q)
	}
	// The default, said or left out, is not the same.
	q := plain
	q.Overflow = pubsub.DropHead
	differs("overflow", q)
	q = plain
	q.DeadLetter = &pubsub.DeadLetter{}
	differs("dead-letter", q)
	// What failed has changed nothing.
	c.queue(full)
	c.queue(plain)
}

func queueDiffersInExclusive(w *world) {
	c := w.open()
	c.queue(pubsub.Queue{Name: "shared"})
	_, err := c.DeclareQueue(w.ctx, pubsub.Queue{Name: "shared", Exclusive: true})
	w.fails(err, pubsub.ErrResourceLocked, "declare a shared queue as exclusive")
	c.queue(pubsub.Queue{Name: "mine", Exclusive: true})
	_, err = c.DeclareQueue(w.ctx, pubsub.Queue{Name: "mine"})
	w.fails(err, pubsub.ErrResourceLocked, "declare one's exclusive queue as shared")
	c.queue(pubsub.Queue{Name: "shared"})
	c.queue(pubsub.Queue{Name: "mine", Exclusive: true})
}

func queueUnknownArguments(w *world) {
	c := w.open()
	q := pubsub.Queue{Name: "q", MaxLength: ptr(5)}
	c.queue(q)
	q.Arguments = pubsub.Table{"foo": "bar"}
	c.queue(q)
	q.Arguments = pubsub.Table{"foo": int64(1), "x-unknown": nil}
	c.queue(q)
}
