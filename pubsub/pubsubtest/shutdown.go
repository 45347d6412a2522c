package pubsubtest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gobindery/bindery/pubsub"
)

var shutdownCases = []Case{
	{"shutdown/closed", "after Close every call says so, and a second Close does nothing", shutdownClosed},
	{"shutdown/close aborts", "Close ends receivers, returns what is unsettled, and gives each publish an outcome", shutdownCloseAborts},
	{"shutdown/drains", "Shutdown ends consumers, waits for what was received, and closes", shutdownDrains},
	{"shutdown/publishes", "Shutdown waits for publishes under way", shutdownPublishes},
	{"shutdown/limit", "Shutdown with a context that ends says what was left; that comes again", shutdownLimit},
	{"shutdown/others", "one connection's end leaves others alone", shutdownOthers},
}

func shutdownClosed(w *world) {
	c := w.open()
	q := c.queue(pubsub.Queue{Name: "q"})
	cons := c.consume(q, nil)
	w.ok(c.Close())
	w.ok(c.Close())
	w.ok(c.Shutdown(w.ctx))
	cons.ends(pubsub.ErrClosed)
	w.ok(cons.Close())
	_, declare := c.DeclareQueue(w.ctx, pubsub.Queue{})
	_, inspect := c.InspectQueue(w.ctx, q)
	_, del := c.DeleteQueue(w.ctx, q, nil)
	_, purge := c.PurgeQueue(w.ctx, q)
	_, consume := c.Consume(w.ctx, q, nil)
	_, _, get := c.Get(w.ctx, q, nil)
	_, topology := c.Topology(w.ctx)
	b := pubsub.Binding{Exchange: "amq.fanout", Queue: q}
	for what, err := range map[string]error{
		"declare exchange": c.DeclareExchange(w.ctx, pubsub.Exchange{Name: "e", Kind: pubsub.Fanout}),
		"check exchange":   c.CheckExchange(w.ctx, "amq.fanout"),
		"delete exchange":  c.DeleteExchange(w.ctx, "e", nil),
		"declare queue":    declare,
		"inspect queue":    inspect,
		"delete queue":     del,
		"purge":            purge,
		"bind":             c.Bind(w.ctx, b),
		"unbind":           c.Unbind(w.ctx, b),
		"consume":          consume,
		"get":              get,
		"topology":         topology,
		"publish":          c.send("", q, text("x")),
	} {
		w.fails(err, pubsub.ErrClosed, what+" after close")
	}
	w.open().holds(q)
}

func shutdownCloseAborts(w *world) {
	c, other := w.open(), w.open()
	q := c.queue(pubsub.Queue{Name: "q"})
	other.publish("", q, numbers(5)...)
	cons := c.consume(q, &pubsub.ConsumeOptions{Prefetch: 3})
	w.ack(cons.gets("0", "1")[0])
	ended := make(chan string, 2)
	for range 2 {
		waiting := c.consume(c.temp(), nil)
		go func() {
			_, err := waiting.Receive(w.ctx)
			ended <- fmt.Sprint(errors.Is(err, pubsub.ErrClosed))
		}()
	}
	confirms := make([]pubsub.Confirmation, 50)
	for i := range confirms {
		confirms[i] = c.PublishAsync(w.ctx, "", q, text("new"))
	}
	w.ok(c.Close())
	taken := 0
	for _, conf := range confirms {
		select {
		case <-conf.Done():
		default:
			w.Errorf("a publish has no outcome after Close")
			continue
		}
		if err := conf.Err(); err == nil {
			taken++
		} else if !errors.Is(err, pubsub.ErrUnconfirmed) && !errors.Is(err, pubsub.ErrClosed) {
			w.Errorf("a publish under way at Close: got the outcome %v", err)
		}
	}
	w.equal("a Receive that waited is closed", w.from(ended, "Receive to end"), "true")
	w.equal("a Receive that waited is closed", w.from(ended, "Receive to end"), "true")
	w.eventually("what is unsettled to return", func() (any, bool) {
		n := other.ready(q)
		return n, n >= 4+taken
	})
	got := flagged(other.take(q))
	w.equal("queue", got[:min(len(got), 4)], []string{"1+", "2+", "3+", "4"})
}

func shutdownDrains(w *world) {
	c, other := w.open(), w.open()
	q := other.queue(pubsub.Queue{Name: "q"})
	other.publish("", q, numbers(6)...)
	cons := c.consume(q, &pubsub.ConsumeOptions{Prefetch: 4})
	ds := cons.gets("0", "1", "2")
	result := make(chan string, 1)
	go func() { result <- fmt.Sprint(c.Shutdown(w.ctx)) }()
	other.becomes(q, 3) // so the consumer was canceled: 3 went back
	cons.ends(pubsub.ErrClosed)
	_, err := c.Consume(w.ctx, q, nil)
	w.fails(err, pubsub.ErrClosed, "consume during shutdown")
	c.publish("", q, "6") // handlers may still publish
	w.ack(ds[0])
	w.requeue(ds[1])
	select {
	case <-result:
		w.Errorf("Shutdown returned with a delivery unsettled")
	default:
	}
	w.ack(ds[2])
	w.equal("error of Shutdown", w.from(result, "Shutdown to return"), "<nil>")
	w.fails(c.send("", q, text("x")), pubsub.ErrClosed, "publish after shutdown")
	other.becomes(q, 5)
	w.equal("queue", flagged(other.take(q)), []string{"1+", "3+", "4", "5", "6"})
}

func shutdownPublishes(w *world) {
	c, other := w.open(), w.open()
	q := other.queue(pubsub.Queue{Name: "q"})
	const n = 500
	confirms := make([]pubsub.Confirmation, n)
	for i, body := range numbers(n) {
		confirms[i] = c.PublishAsync(w.ctx, "", q, text(body))
	}
	w.wait("Shutdown with publishes under way")
	w.ok(c.Shutdown(w.ctx))
	for i, conf := range confirms {
		select {
		case <-conf.Done():
			w.ok(conf.Err())
		default:
			w.Fatalf("publish %d has no outcome after Shutdown", i)
		}
	}
	other.holds(q, numbers(n)...)
}

func shutdownLimit(w *world) {
	c, other := w.open(), w.open()
	q := other.queue(pubsub.Queue{Name: "q"})
	other.publish("", q, "0", "1")
	d := c.consume(q, nil).gets("0", "1")[0]
	ctx, cancel := context.WithTimeout(w.ctx, 20*time.Millisecond)
	defer cancel()
	w.wait("Shutdown to give up")
	err := c.Shutdown(ctx)
	if !errors.Is(err, context.DeadlineExceeded) {
		w.Errorf("shutdown: got the error %v; want one that is %v", err, context.DeadlineExceeded)
	}
	w.mentions(err, "2 deliveries")
	w.lost(d, "after the shutdown")
	other.becomes(q, 2)
	w.equal("queue", flagged(other.take(q)), []string{"0+", "1+"})
	w.fails(c.CheckExchange(w.ctx, "amq.fanout"), pubsub.ErrClosed, "check after a shutdown that gave up")
}

func shutdownOthers(w *world) {
	c := w.open()
	q := c.temp()
	c.bind("amq.fanout", q, "")
	cons := c.consume(q, nil)
	for i := range 5 {
		other := w.open()
		other.bind("amq.fanout", other.temp(), "")
		other.publish("amq.fanout", "", fmt.Sprint(i))
		w.ok(other.Close())
		c.publish("amq.fanout", "", fmt.Sprint(i, " again"))
		cons.gets(fmt.Sprint(i), fmt.Sprint(i, " again"))
	}
}
