package pubsubtest

import (
	"context"
	"errors"
	"fmt"

	"github.com/gobindery/bindery/pubsub"
)

var errorCases = []Case{
	{"errors/leave the rest alone", "calls that fail leave consumers, deliveries and publishes of the connection as they were", errorsLeaveRest},
	{"errors/say what", "an error names the operation and what it was done on", errorsSayWhat},
	{"errors/contexts", "a context that has ended ends the call", errorsContexts},
	{"errors/in turn", "after each kind of failure, the same call with right arguments works", errorsInTurn},
}

// mistakes are calls that fail, each with its error.
func (c *conn) mistakes() map[string]func() {
	w := c.w
	fails := func(err, want error, what string) { w.fails(err, want, what) }
	return map[string]func(){
		"publish to a missing exchange": func() {
			fails(c.send("nope", "k", text("x")), pubsub.ErrNotFound, "publish to a missing exchange")
		},
		"publish to an internal exchange": func() {
			fails(c.send("inner", "k", text("x")), pubsub.ErrAccessRefused, "publish to an internal exchange")
		},
		"publish as another": func() {
			fails(c.send("", "k", pubsub.Message{UserID: "another"}), pubsub.ErrPreconditionFailed, "publish as another user")
		},
		"publish unroutably": func() {
			fails(c.send("", "nope", text("x"), pubsub.Mandatory), pubsub.ErrUnroutable, "publish to no queue")
		},
		"get from a missing queue": func() {
			_, _, err := c.Get(w.ctx, "nope", nil)
			fails(err, pubsub.ErrNotFound, "get from a missing queue")
		},
		"consume a missing queue": func() {
			_, err := c.Consume(w.ctx, "nope", nil)
			fails(err, pubsub.ErrNotFound, "consume a missing queue")
		},
		"inspect a missing queue": func() {
			_, err := c.InspectQueue(w.ctx, "nope")
			fails(err, pubsub.ErrNotFound, "inspect a missing queue")
		},
		"redeclare a queue": func() {
			_, err := c.DeclareQueue(w.ctx, pubsub.Queue{Name: "q", Durable: true})
			fails(err, pubsub.ErrPreconditionFailed, "redeclare a queue")
		},
		"redeclare an exchange": func() {
			fails(c.DeclareExchange(w.ctx, pubsub.Exchange{Name: "amq.direct", Kind: pubsub.Fanout}), pubsub.ErrPreconditionFailed, "redeclare an exchange")
		},
		"declare a reserved name": func() {
			fails(c.DeclareExchange(w.ctx, pubsub.Exchange{Name: "amq.mine", Kind: pubsub.Fanout}), pubsub.ErrAccessRefused, "declare a reserved name")
		},
		"bind what is missing": func() {
			fails(c.Bind(w.ctx, pubsub.Binding{Exchange: "nope", Queue: "q"}), pubsub.ErrNotFound, "bind to a missing exchange")
		},
		"use a locked queue": func() {
			_, err := c.PurgeQueue(w.ctx, "locked")
			fails(err, pubsub.ErrResourceLocked, "purge another's queue")
		},
		"delete what is in use": func() {
			_, err := c.DeleteQueue(w.ctx, "q", &pubsub.DeleteQueueOptions{IfUnused: true})
			fails(err, pubsub.ErrPreconditionFailed, "delete a queue in use")
		},
	}
}

func errorsLeaveRest(w *world) {
	c, other := w.open(), w.open()
	other.queue(pubsub.Queue{Name: "locked", Exclusive: true})
	c.exchange(pubsub.Exchange{Name: "inner", Kind: pubsub.Fanout, Internal: true})
	q := c.queue(pubsub.Queue{Name: "q"})
	temp := c.temp()
	c.bind("amq.fanout", temp, "")
	cons := c.consume(q, &pubsub.ConsumeOptions{Prefetch: 5})
	c.publish("", q, "held")
	held := cons.gets("held")
	c.publish("", temp, "got")
	got := c.get(temp)
	for what, mistake := range c.mistakes() {
		mistake()
		c.publish("", q, what)
		w.ack(cons.gets(what)...)
	}
	w.requeue(got)
	c.becomes(temp, 1)
	w.requeue(held...)
	cons.gets("held+")
	c.publish("amq.fanout", "", "last")
	w.equal("the temporary queue", flagged(c.take(temp)), []string{"got+", "last"})
}

func errorsInTurn(w *world) {
	c, other := w.open(), w.open()
	other.queue(pubsub.Queue{Name: "locked", Exclusive: true})
	c.exchange(pubsub.Exchange{Name: "inner", Kind: pubsub.Fanout, Internal: true})
	c.consume(c.queue(pubsub.Queue{Name: "q"}), nil)
	for what, mistake := range c.mistakes() {
		for range 3 {
			mistake()
		}
		w.wait("something right after: %s", what)
		c.exchange(pubsub.Exchange{Name: "e", Kind: pubsub.Fanout})
		temp := c.temp()
		c.bind("e", temp, "")
		c.message("e", "", text(what), pubsub.Mandatory)
		c.consume(temp, nil).gets(what)
		_, err := c.DeleteQueue(w.ctx, temp, nil)
		w.ok(err)
	}
}

func errorsSayWhat(w *world) {
	c := w.open()
	_, err := c.InspectQueue(w.ctx, "the-queue")
	var e *pubsub.Error
	if !errors.As(err, &e) {
		w.Fatalf("inspect a missing queue: the error is %T; want a *pubsub.Error", err)
	}
	w.equal("operation", e.Op, "inspect queue")
	w.equal("name", e.Name, `"the-queue"`)
	c.exchange(pubsub.Exchange{Name: "e", Kind: pubsub.Direct})
	for what, err := range map[string]error{
		"the-exchange": c.send("the-exchange", "k", text("x")),
		"type":         c.DeclareExchange(w.ctx, pubsub.Exchange{Name: "e", Kind: pubsub.Fanout}),
		"fanout":       c.DeclareExchange(w.ctx, pubsub.Exchange{Name: "e", Kind: pubsub.Fanout}),
		"direct":       c.DeclareExchange(w.ctx, pubsub.Exchange{Name: "e", Kind: pubsub.Fanout}),
		"durable":      c.DeclareExchange(w.ctx, pubsub.Exchange{Name: "e", Kind: pubsub.Direct, Durable: true}),
	} {
		w.mentions(err, what)
	}
}

func errorsContexts(w *world) {
	c := w.open()
	q := c.temp()
	cons := c.consume(q, nil)
	ctx, cancel := context.WithCancelCause(w.ctx)
	reason := errors.New("the test's own reason")
	cancel(reason)
	if _, err := cons.Receive(ctx); !errors.Is(err, reason) {
		w.Errorf("receive with a context that has ended: got the error %v; want its cause", err)
	}
	for i := range 20 {
		if err := c.Publish(ctx, "", q, text(fmt.Sprint(i))); err != nil && !errors.Is(err, reason) {
			w.Errorf("publish with a context that has ended: got the error %v; want its cause", err)
		}
	}
	c.publish("", q, "last")
	w.wait("the last message, after those that may have come")
	for d := range cons.All(w.ctx) {
		if string(d.Body) == "last" {
			return
		}
	}
	w.Errorf("the last message did not come")
}
