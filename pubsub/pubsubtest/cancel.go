package pubsubtest

import (
	"context"
	"errors"
	"fmt"

	"github.com/gobindery/bindery/pubsub"
)

var cancelCases = []Case{
	{"cancel/queue deleted", "a deleted queue cancels its consumers; an ack after that is ignored", cancelQueueDeleted},
	{"cancel/delivered first", "deliveries that came before the queue was deleted come before the consumer's end", cancelDeliveredFirst},
	{"cancel/waiting", "a consumer that waits is told when its queue is deleted, from any connection", cancelWaiting},
	{"cancel/keeps unsettled", "Cancel stops deliveries; those received can still be settled, the others go back", cancelKeepsUnsettled},
	{"cancel/close returns", "Close puts what is unsettled back into its place, redelivered", cancelCloseReturns},
	{"cancel/connection returns", "the connection's end puts what is unsettled back into its place, redelivered", cancelConnectionReturns},
	{"cancel/keeps outcomes", "outcomes that were given before Close count", cancelKeepsOutcomes},
	{"cancel/receive", "after Cancel and Close, Receive is closed; a second call does nothing", cancelReceive},
	{"cancel/while receiving", "Close ends a Receive that waits", cancelWhileReceiving},
	{"cancel/others stay", "a consumer's end leaves the others of its connection and queue alone", cancelOthersStay},
}

func cancelQueueDeleted(w *world) {
	c := w.open()
	q := c.queue(pubsub.Queue{Name: "q"})
	cons := c.consume(q, nil)
	c.publish("", q, "x", "y")
	ds := cons.gets("x", "y")
	_, err := c.DeleteQueue(w.ctx, q, nil)
	w.ok(err)
	cons.ends(pubsub.ErrConsumerCanceled)
	cons.ends(pubsub.ErrConsumerCanceled) // it stays so
	w.ack(ds[0])
	w.requeue(ds[1])
	w.ok(cons.Close())
	c.queue(pubsub.Queue{Name: "q"})
	c.publish("", q, "z")
	c.holds(q, "z")
}

func cancelDeliveredFirst(w *world) {
	c := w.open()
	q := c.queue(pubsub.Queue{Name: "q"})
	cons := c.consume(q, nil)
	c.publish("", q, numbers(3)...)
	c.becomes(q, 0)
	_, err := w.open().DeleteQueue(w.ctx, q, nil)
	w.ok(err)
	cons.gets("0", "1", "2")
	cons.ends(pubsub.ErrConsumerCanceled)
}

func cancelWaiting(w *world) {
	c, other := w.open(), w.open()
	q := c.queue(pubsub.Queue{Name: "q"})
	ends := make(chan string, 2)
	for _, from := range []*conn{c, other} {
		cons := from.consume(q, nil)
		go func() {
			_, err := cons.Receive(w.ctx)
			if errors.Is(err, pubsub.ErrConsumerCanceled) {
				ends <- "canceled"
			} else {
				ends <- "not canceled"
			}
		}()
	}
	_, err := other.DeleteQueue(w.ctx, q, nil)
	w.ok(err)
	w.equal("end of a consumer", w.from(ends, "a consumer's end"), "canceled")
	w.equal("end of a consumer", w.from(ends, "a consumer's end"), "canceled")
}

func cancelKeepsUnsettled(w *world) {
	c := w.open()
	q := c.queue(pubsub.Queue{Name: "q"})
	c.publish("", q, numbers(6)...)
	cons := c.consume(q, &pubsub.ConsumeOptions{Prefetch: 4})
	ds := cons.gets("0", "1", "2")
	cons.cancel()
	c.becomes(q, 3)
	info, err := c.InspectQueue(w.ctx, q)
	w.ok(err)
	w.equal("consumers after Cancel", info.Consumers, 0)
	w.ack(ds[0])
	w.requeue(ds[1])
	c.becomes(q, 4)
	cons.close()
	c.becomes(q, 5)
	w.equal("what came back", flagged(c.take(q)), []string{"1+", "2+", "3+", "4", "5"})
	w.lost(ds[2], "after Close")
}

func cancelCloseReturns(w *world) {
	c := w.open()
	q := c.temp()
	c.publish("", q, numbers(8)...)
	cons := c.consume(q, &pubsub.ConsumeOptions{Prefetch: 5})
	ds := cons.gets("0", "1", "2", "3")
	w.ack(ds[1])
	w.reject(ds[2])
	c.becomes(q, 1) // 5 and 6 came into their places
	cons.close()
	c.becomes(q, 6)
	w.equal("what came back", flagged(c.take(q)), []string{"0+", "3+", "4+", "5+", "6+", "7"})
}

func cancelConnectionReturns(w *world) {
	c, other := w.open(), w.open()
	q := c.queue(pubsub.Queue{Name: "q"})
	c.publish("", q, numbers(6)...)
	cons := other.consume(q, &pubsub.ConsumeOptions{Prefetch: 3})
	ds := cons.gets("0", "1", "2")
	got := other.get(q)
	w.equal("message by get", string(got.Body), "3")
	w.ack(ds[1])
	c.becomes(q, 1) // 4 came into its place
	w.ok(other.Close())
	c.becomes(q, 5)
	w.equal("what came back", flagged(c.take(q)), []string{"0+", "2+", "3+", "4+", "5"})
	w.lost(ds[0], "after the connection's end")
	w.lost(got, "after the connection's end")
}

func cancelKeepsOutcomes(w *world) {
	c := w.open()
	q := c.queue(pubsub.Queue{Name: "q"})
	var want []string
	for i := range 10 {
		other := w.open()
		c.publish("", q, numbers(6)...)
		cons := other.consume(q, &pubsub.ConsumeOptions{Prefetch: 3})
		w.ack(cons.gets("0", "1", "2")...)
		w.settled(cons.gets("3", "4")[1].AckThrough(w.ctx))
		cons.gets("5") // unsettled: comes back
		cons.close()
		c.becomes(q, 1)
		w.ack(other.get(q))
		w.ok(other.Close())
		// What would come back would stand before this one.
		marker := fmt.Sprint("marker ", i)
		c.publish("", q, marker)
		want = append(want, marker)
		w.equal("ready", c.ready(q), 1)
		w.equal("message", string(c.get(q).Body), marker)
	}
	w.ok(c.Close())
	c = w.open()
	c.becomes(q, len(want))
	c.holds(q, want...)
}

func cancelReceive(w *world) {
	c := w.open()
	q := c.temp()
	c.publish("", q, "x")
	cons := c.consume(q, nil)
	cons.cancel()
	cons.ends(pubsub.ErrClosed)
	cons.cancel()
	cons.close()
	cons.ends(pubsub.ErrClosed)
	cons.close()
	cons.cancel()
	for range cons.All(w.ctx) {
		w.Errorf("All of a closed consumer yields something")
	}
	w.equal("ready", c.ready(q), 1)
}

func cancelWhileReceiving(w *world) {
	c := w.open()
	q := c.temp()
	for range 10 {
		cons := c.consume(q, nil)
		ended := make(chan string, 1)
		go func() {
			_, err := cons.Receive(w.ctx)
			if errors.Is(err, pubsub.ErrClosed) {
				ended <- "closed"
			} else {
				ended <- "not closed"
			}
		}()
		cons.close()
		w.equal("end of Receive", w.from(ended, "Receive to end"), "closed")
	}
	cons := c.consume(q, nil)
	ctx, cancel := context.WithCancel(w.ctx)
	cancel()
	if _, err := cons.Receive(ctx); !errors.Is(err, context.Canceled) {
		w.Errorf("receive with a canceled context: got the error %v", err)
	}
	c.publish("", q, "x")
	cons.gets("x")
}

func cancelOthersStay(w *world) {
	c := w.open()
	q, twin := c.temp(), c.temp()
	a, b, other := c.consume(q, nil), c.consume(q, nil), c.consume(twin, nil)
	a.close()
	c.publish("", q, "1", "2")
	ds := b.gets("1", "2")
	c.publish("", twin, "3")
	ds = append(ds, other.gets("3")...)
	_, err := c.DeleteQueue(w.ctx, twin, nil)
	w.ok(err)
	other.ends(pubsub.ErrConsumerCanceled)
	w.ack(ds[:2]...)
	c.publish("", q, "4")
	b.gets("4")
}
