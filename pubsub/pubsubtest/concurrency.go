package pubsubtest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gobindery/bindery/pubsub"
)

var concurrencyCases = []Case{
	{"concurrency/nothing lost", "many publishers and consumers that ack, requeue and close: every message is settled once", concurrencyNothingLost},
	{"concurrency/order", "one consumer gets each publisher's messages in that one's order", concurrencyOrder},
	{"concurrency/topology", "declaring, binding and deleting go on beside publishing", concurrencyTopology},
	{"concurrency/one queue", "of many that declare the same queue at once, all get it", concurrencyOneQueue},
	{"concurrency/close", "closing a connection that many goroutines use ends them all", concurrencyClose},
}

// all runs f in goroutines and waits for them.
func (w *world) all(n int, what string, f func(i int)) {
	w.wait("%s", what)
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() { f(i) })
	}
	group.Wait()
}

func concurrencyNothingLost(w *world) {
	conns := []*conn{w.open(), w.open(), w.open()}
	c := conns[0]
	q := c.queue(pubsub.Queue{Name: "q"})
	c.bind("amq.topic", q, "#")
	const publishers, each, consumers = 4, 100, 4
	var mu sync.Mutex
	acked := map[string]int{}
	total := 0
	done := make(chan struct{})
	start := time.Now()
	w.all(publishers+consumers, "publishers and consumers", func(i int) {
		mine := conns[i%len(conns)]
		if i < publishers {
			for n := range each {
				var err error
				if n%10 == 0 {
					err = mine.Publish(w.ctx, "amq.topic", "k", text(fmt.Sprint(i, "/", n)))
				} else {
					mine.PublishAsync(w.ctx, "", q, text(fmt.Sprint(i, "/", n)))
				}
				if err != nil {
					w.Errorf("publish: %v", err)
				}
			}
			return
		}
		for round := 0; ; round++ {
			cons, err := mine.Consume(w.ctx, q, &pubsub.ConsumeOptions{Prefetch: 7})
			if err != nil {
				w.Errorf("consume: %v", err)
				return
			}
			for n := range 40 {
				d, err := receiveWithin(w, cons, w.patience/200)
				if err != nil {
					break
				}
				if (n+i)%9 == 0 && !d.Redelivered {
					w.settled(d.Requeue(w.ctx))
					continue
				}
				if err := d.Ack(w.ctx); err != nil {
					w.Errorf("ack: %v", err)
					continue
				}
				mu.Lock()
				acked[string(d.Body)]++
				if total++; total == publishers*each {
					close(done)
				}
				mu.Unlock()
			}
			if err := cons.Close(); err != nil {
				w.Errorf("close a consumer: %v", err)
			}
			select {
			case <-done:
				return
			default:
			}
			if time.Since(start) > 2*w.patience { // what is missing is reported below
				return
			}
		}
	})
	for i := range publishers {
		for n := range each {
			if k := fmt.Sprint(i, "/", n); acked[k] != 1 {
				w.Errorf("message %s was acknowledged %d times; want once", k, acked[k])
			}
		}
	}
	c.becomes(q, 0)
}

// receiveWithin receives, and gives up after a time.
func receiveWithin(w *world, c *pubsub.Consumer, limit time.Duration) (pubsub.Delivery, error) {
	ctx, cancel := context.WithTimeout(w.ctx, limit)
	defer cancel()
	return c.Receive(ctx)
}

func concurrencyOrder(w *world) {
	c := w.open()
	q := c.queue(pubsub.Queue{Name: "q"})
	twin := c.queue(pubsub.Queue{Name: "twin"})
	c.bind("amq.fanout", q, "")
	c.bind("amq.fanout", twin, "")
	const publishers, each = 4, 150
	conns := []*conn{w.open(), w.open()}
	w.all(publishers, "publishers", func(i int) {
		for n := range each {
			conns[i%2].PublishAsync(w.ctx, "amq.fanout", "", text(fmt.Sprintf("%d %d", i, n)))
		}
	})
	for _, name := range []string{q, twin} {
		next := make([]int, publishers)
		for _, d := range c.consume(name, &pubsub.ConsumeOptions{AutoAck: true}).some(publishers * each) {
			from, n, _ := strings.Cut(string(d.Body), " ")
			i, _ := strconv.Atoi(from)
			if n != fmt.Sprint(next[i]) {
				w.Fatalf("queue %s: publisher %d's message %s came when %d was next", name, i, n, next[i])
			}
			next[i]++
		}
	}
}

func concurrencyTopology(w *world) {
	conns := []*conn{w.open(), w.open()}
	c := conns[0]
	steady := c.queue(pubsub.Queue{Name: "steady"})
	c.bind("amq.topic", steady, "steady.#")
	const rounds = 25
	w.all(6, "publishers and declarers", func(i int) {
		mine := conns[i%2]
		for n := range rounds {
			if i < 2 {
				if err := mine.Publish(w.ctx, "amq.topic", fmt.Sprintf("steady.%d.%d", i, n), text("x"), pubsub.Mandatory); err != nil {
					w.Errorf("publish beside topology changes: %v", err)
				}
				continue
			}
			name := fmt.Sprintf("q-%d", i)
			_, err := mine.DeclareQueue(w.ctx, pubsub.Queue{Name: name})
			err = errors.Join(err,
				mine.DeclareExchange(w.ctx, pubsub.Exchange{Name: name, Kind: pubsub.Kinds()[n%4]}),
				mine.Bind(w.ctx, pubsub.Binding{Exchange: "amq.topic", ToExchange: name, Key: "steady.*.1"}),
				mine.Bind(w.ctx, pubsub.Binding{Exchange: name, Queue: name, Key: "steady.#"}),
				mine.Unbind(w.ctx, pubsub.Binding{Exchange: "amq.topic", ToExchange: name, Key: "steady.*.1"}))
			_, err2 := mine.DeleteQueue(w.ctx, name, nil)
			err = errors.Join(err, err2, mine.DeleteExchange(w.ctx, name, nil))
			if err != nil {
				w.Errorf("change the topology: %v", err)
				return
			}
		}
	})
	w.equal("messages in the steady queue", c.ready(steady), 2*rounds)
}

func concurrencyOneQueue(w *world) {
	conns := []*conn{w.open(), w.open(), w.open()}
	q := pubsub.Queue{Name: "q", MaxLength: ptr(100)}
	w.all(12, "goroutines that declare", func(i int) {
		mine := conns[i%3]
		name, err := mine.DeclareQueue(w.ctx, q)
		if err == nil {
			err = mine.Bind(w.ctx, pubsub.Binding{Exchange: "amq.fanout", Queue: name})
		}
		if err == nil {
			err = mine.Publish(w.ctx, "amq.fanout", "", text("x"), pubsub.Mandatory)
		}
		if err != nil {
			w.Errorf("declare, bind and publish: %v", err)
		}
	})
	w.equal("messages", conns[0].ready("q"), 12)
}

func concurrencyClose(w *world) {
	c, other := w.open(), w.open()
	q := other.queue(pubsub.Queue{Name: "q"})
	sent := make(chan string, 16)
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		for range 20 {
			w.from(sent, "publishes")
		}
		if err := c.Close(); err != nil {
			w.Errorf("close: %v", err)
		}
	}()
	w.all(6, "goroutines that use a connection until it is closed", func(i int) {
		var cons *pubsub.Consumer
		for err := error(nil); err == nil; {
			switch i % 3 {
			case 0:
				err = c.Publish(w.ctx, "", q, text("x"))
				select {
				case sent <- "":
				default:
				}
			case 1:
				if cons == nil {
					cons, err = c.Consume(w.ctx, q, &pubsub.ConsumeOptions{Prefetch: 3})
					continue
				}
				var d pubsub.Delivery
				if d, err = cons.Receive(w.ctx); err == nil {
					err = d.Ack(w.ctx)
				}
			case 2:
				_, err = c.InspectQueue(w.ctx, q)
			}
			switch {
			case err == nil, errors.Is(err, pubsub.ErrClosed):
			case errors.Is(err, pubsub.ErrUnconfirmed), errors.Is(err, pubsub.ErrDeliveryLost):
			default:
				w.Errorf("a call that close interrupted: %v", err)
			}
		}
	})
	<-closed
	other.publish("", q, "after")
}
