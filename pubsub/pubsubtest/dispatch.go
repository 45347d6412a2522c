package pubsubtest

import (
	"context"
	"time"

	"github.com/gobindery/bindery/pubsub"
)

var dispatchCases = []Case{
	{"dispatch/round robin", "consumers are served in turn", dispatchRoundRobin},
	{"dispatch/backlog", "a backlog goes to the first consumer, as far as its prefetch goes", dispatchBacklog},
	{"dispatch/priority", "a consumer with a higher priority comes first, while it can take messages", dispatchPriority},
	{"dispatch/busy", "a consumer that settles nothing keeps nobody else waiting", dispatchBusy},
	{"dispatch/requeue to the other", "a requeued message goes to the other of two consumers", dispatchRequeueToOther},
	{"dispatch/waiting", "a consumer that waits gets a message as soon as it comes, from any connection", dispatchWaiting},
}

func dispatchRoundRobin(w *world) {
	c := w.open()
	q := c.temp()
	consumers := []*consumer{c.consume(q, nil), c.consume(q, nil), c.consume(q, nil)}
	c.publish("", q, numbers(9)...)
	first := map[string]bool{}
	for _, cons := range consumers {
		ds := bodies(cons.some(3))
		first[ds[0]] = true
		want := map[string][]string{"0": {"0", "3", "6"}, "1": {"1", "4", "7"}, "2": {"2", "5", "8"}}[ds[0]]
		w.equal("messages of one of three consumers", ds, want)
	}
	w.equal("consumers with different messages", len(first), 3)
}

func dispatchBacklog(w *world) {
	c := w.open()
	q := c.temp()
	c.publish("", q, numbers(6)...)
	a := c.consume(q, &pubsub.ConsumeOptions{Prefetch: 4})
	b := c.consume(q, &pubsub.ConsumeOptions{Prefetch: 4})
	a.gets("0", "1", "2", "3")
	b.gets("4", "5")
}

func dispatchPriority(w *world) {
	c := w.open()
	q := c.temp()
	low := c.consume(q, &pubsub.ConsumeOptions{Prefetch: 1, Priority: -5})
	high := c.consume(q, &pubsub.ConsumeOptions{Prefetch: 2, Priority: 10})
	middle := c.consume(q, &pubsub.ConsumeOptions{Prefetch: 1})
	c.publish("", q, numbers(4)...)
	ds := high.gets("0", "1")
	middle.gets("2")
	low.gets("3")
	w.ack(ds[0])
	c.publish("", q, "4")
	high.gets("4")
}

func dispatchBusy(w *world) {
	c := w.open()
	q := c.temp()
	stuck := c.consume(q, &pubsub.ConsumeOptions{Prefetch: 1})
	free := c.consume(q, &pubsub.ConsumeOptions{Prefetch: 1})
	c.publish("", q, "0", "1")
	a, b := stuck.next(), free.next()
	w.ack(b)
	for _, body := range numbers(20) {
		c.publish("", q, body)
		w.ack(free.gets(body)...)
	}
	w.ack(a)
}

func dispatchRequeueToOther(w *world) {
	c := w.open()
	q := c.temp()
	a, b := c.consume(q, &pubsub.ConsumeOptions{Prefetch: 1}), c.consume(q, &pubsub.ConsumeOptions{Prefetch: 1})
	c.publish("", q, "x")
	first := w.either(a, b)
	w.requeue(first.d)
	w.equal("consumer of the requeued message is the other one", first.cons != w.either(a, b).cons, true)
}

// delivered is a delivery and the consumer that got it.
type delivered struct {
	d    pubsub.Delivery
	cons *consumer
}

// either waits for the next delivery of any of some consumers, which must be
// the only one.
func (w *world) either(consumers ...*consumer) delivered {
	w.Helper()
	w.wait("a delivery at one of %d consumers", len(consumers))
	ctx, cancel := context.WithTimeout(w.ctx, w.patience)
	defer cancel()
	got := make(chan *delivered, len(consumers))
	for _, cons := range consumers {
		go func() {
			d, err := cons.Receive(ctx)
			if err != nil {
				got <- nil
				return
			}
			cancel()
			got <- &delivered{d, cons}
		}()
	}
	var one *delivered
	for range consumers {
		d := <-got
		if d != nil && one != nil {
			w.Fatalf("two consumers got a message: %q and %q", clip(one.d.Body), clip(d.d.Body))
		}
		if d != nil {
			one = d
		}
	}
	if one == nil {
		w.Fatalf("none of %d consumers got a message in %v", len(consumers), w.patience)
	}
	return *one
}

func dispatchWaiting(w *world) {
	c, other := w.open(), w.open()
	q := c.queue(pubsub.Queue{Name: "q"})
	cons := c.consume(q, nil)
	got := make(chan string, 1)
	go func() {
		for d, err := range cons.All(w.ctx) {
			if err != nil {
				return
			}
			select {
			case got <- string(d.Body):
			case <-w.ctx.Done():
			}
		}
	}()
	for _, body := range numbers(10) {
		other.publish("", q, body)
		w.equal("message", w.from(got, "a message at a waiting consumer"), body)
	}
	cons.close()
}

// from waits for something from a goroutine of the case.
func (w *world) from(ch <-chan string, what string) string {
	w.Helper()
	w.wait("%s", what)
	select {
	case v := <-ch:
		return v
	case <-time.After(w.patience):
		w.Fatalf("waited %v for %s", w.patience, what)
	case <-w.ctx.Done():
		w.Fatalf("the case's time is over, in the wait for %s", what)
	}
	return ""
}
