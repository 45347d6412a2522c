package pubsubtest

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/gobindery/bindery/pubsub"
)

var handleCases = []Case{
	{"handle/outcomes", "Handle acknowledges, rejects or requeues by what the handler returns", handleOutcomes},
	{"handle/concurrency", "Handle runs as many handlers as asked, and no more", handleConcurrency},
	{"handle/ends", "when its context ends, Handle waits for the handlers that run, and settles", handleEnds},
	{"handle/canceled", "Handle returns why the broker ended the consumer", handleCanceled},
}

func handleOutcomes(w *world) {
	c := w.open()
	grave := c.grave()
	q := c.queue(pubsub.Queue{DeadLetter: toGrave()})
	c.publish("", q, "ack", "reject", "requeue", "own")
	cons := c.consume(q, nil)
	ctx, cancel := context.WithCancel(w.ctx)
	defer cancel()
	seen := map[string]int{}
	w.wait("Handle to see every message")
	err := cons.Handle(ctx, nil, func(hctx context.Context, d pubsub.Delivery) error {
		body := string(d.Body)
		seen[body]++
		if hctx.Err() != nil {
			w.Errorf("the handler's context has ended: %v", hctx.Err())
		}
		switch body {
		case "reject":
			return fmt.Errorf("no use: %w", pubsub.ErrReject)
		case "requeue":
			if !d.Redelivered {
				return errors.New("once more")
			}
		case "own":
			return d.Reject(hctx)
		}
		if len(seen) == 4 && seen["requeue"] == 2 {
			cancel()
		}
		return nil
	})
	w.ok(err)
	cons.close()
	w.equal("handled", seen, map[string]int{"ack": 1, "reject": 1, "requeue": 2, "own": 1})
	c.becomes(grave, 2)
	c.holds(grave, "reject", "own")
	c.holds(q)
}

func handleConcurrency(w *world) {
	c := w.open()
	q := c.temp()
	const workers, n = 4, 20
	c.publish("", q, numbers(n)...)
	cons := c.consume(q, nil)
	ctx, cancel := context.WithCancel(w.ctx)
	defer cancel()
	var mu sync.Mutex
	running, most, done := 0, 0, 0
	together := make(chan struct{}) // closed once all workers run
	w.wait("%d handlers at once", workers)
	err := cons.Handle(ctx, &pubsub.HandleOptions{Concurrency: workers}, func(hctx context.Context, d pubsub.Delivery) error {
		mu.Lock()
		running++
		most = max(most, running)
		if running == workers && done == 0 {
			select {
			case <-together:
			default:
				close(together)
			}
		}
		mu.Unlock()
		select {
		case <-together:
		case <-w.ctx.Done():
		}
		mu.Lock()
		defer mu.Unlock()
		running--
		if done++; done == n {
			cancel()
		}
		return nil
	})
	w.ok(err)
	w.equal("handlers at once", most, workers)
	w.equal("handled", done, n)
	cons.close()
	w.equal("ready", c.ready(q), 0)
	w.fails(cons.Handle(w.ctx, &pubsub.HandleOptions{Concurrency: -1}, idle), pubsub.ErrInvalid, "handle with a negative concurrency")
}

// idle is a handler.
func idle(context.Context, pubsub.Delivery) error { return nil }

func handleEnds(w *world) {
	c := w.open()
	q := c.temp()
	c.publish("", q, "x")
	cons := c.consume(q, nil)
	ctx, cancel := context.WithCancel(w.ctx)
	started, finish, returned := make(chan string, 9), make(chan struct{}), make(chan string, 1)
	go func() {
		err := cons.Handle(ctx, nil, func(hctx context.Context, d pubsub.Delivery) error {
			started <- "started"
			select {
			case <-finish:
			case <-w.ctx.Done():
			}
			return hctx.Err()
		})
		returned <- fmt.Sprint(err)
	}()
	w.from(started, "a handler to start")
	cancel()
	c.publish("", q, "y")
	select {
	case <-returned:
		w.Errorf("Handle returned while a handler ran")
	default:
	}
	close(finish)
	w.equal("error of Handle", w.from(returned, "Handle to return"), "<nil>")
	cons.close()
	c.becomes(q, 1)
	c.holds(q, "y") // x was acknowledged, though its context had ended
}

func handleCanceled(w *world) {
	c := w.open()
	q := c.queue(pubsub.Queue{Name: "q"})
	cons := c.consume(q, nil)
	returned := make(chan error, 1)
	go func() {
		returned <- cons.Handle(w.ctx, &pubsub.HandleOptions{Concurrency: 3}, func(context.Context, pubsub.Delivery) error { return nil })
	}()
	_, err := c.DeleteQueue(w.ctx, q, nil)
	w.ok(err)
	w.wait("Handle to return")
	select {
	case err = <-returned:
		w.fails(err, pubsub.ErrConsumerCanceled, "handle until the queue is deleted")
	case <-w.ctx.Done():
	}
	cons = c.consume(c.temp(), nil)
	go func() {
		returned <- cons.Handle(w.ctx, nil, func(context.Context, pubsub.Delivery) error { return nil })
	}()
	cons.close()
	w.wait("Handle to return")
	select {
	case err = <-returned:
		w.ok(err)
	case <-w.ctx.Done():
	}
}
