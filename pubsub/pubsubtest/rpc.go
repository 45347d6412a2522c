package pubsubtest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/gobindery/bindery/pubsub"
)

var rpcCases = []Case{
	{"rpc/calls", "many calls at once get each its own reply, of several servers", rpcCalls},
	{"rpc/errors", "a server's error, and its panic, arrive as a CallError", rpcErrors},
	{"rpc/unroutable", "a request that no queue takes fails at once", rpcUnroutable},
	{"rpc/timeout", "a call ends with its context, and a reply that is late is dropped", rpcTimeout},
	{"rpc/foreign", "programs that know reply-to and correlation-id alone can call, and serve", rpcForeign},
	{"rpc/shutdown", "handlers that run at Shutdown may still call; a Caller ends with its Broker", rpcShutdown},
}

// serves runs Serve beside the case, until stop, or the case's end.
func (c *conn) serves(queue string, o *pubsub.ServeOptions, h func(context.Context, pubsub.Delivery) (pubsub.Message, error)) (stop func()) {
	ctx, cancel := context.WithCancel(c.w.ctx)
	returned := make(chan string, 1)
	go func() { returned <- fmt.Sprint(c.Serve(ctx, queue, o, h)) }()
	return func() {
		c.w.Helper()
		cancel()
		c.w.equal("error of Serve", c.w.from(returned, "Serve to return"), "<nil>")
	}
}

// caller makes a Caller.
func (c *conn) caller() *pubsub.Caller {
	c.w.Helper()
	c.w.wait("a queue for replies")
	k, err := c.NewCaller(c.w.ctx)
	c.w.ok(err)
	return k
}

// call calls a queue, and returns the reply's body or the error's text.
func (w *world) call(k *pubsub.Caller, queue, body string) string {
	w.wait("the reply to %q", body)
	ctx, cancel := context.WithTimeout(w.ctx, w.patience)
	defer cancel()
	m, err := k.Call(ctx, "", queue, text(body))
	if err != nil {
		return err.Error()
	}
	return string(m.Body)
}

func echo(_ context.Context, d pubsub.Delivery) (pubsub.Message, error) {
	return text("re: " + string(d.Body)), nil
}

func rpcCalls(w *world) {
	c, server := w.open(), w.open()
	q := server.queue(pubsub.Queue{Name: "echo"})
	stops := []func(){server.serves(q, nil, echo), server.serves(q, &pubsub.ServeOptions{Concurrency: 4}, echo)}
	k := c.caller()
	var calls sync.WaitGroup
	for _, body := range numbers(50) {
		calls.Go(func() { w.equal("reply", w.call(k, q, body), "re: "+body) })
	}
	calls.Wait()
	for _, stop := range stops {
		stop()
	}
	c.holds(q)
	w.ok(k.Close())
	w.ok(k.Close())
	_, err := k.Call(w.ctx, "", q, text("x"))
	w.fails(err, pubsub.ErrClosed, "call after close")
	w.ok(c.Shutdown(w.ctx))
}

func rpcErrors(w *world) {
	c := w.open()
	q := c.queue(pubsub.Queue{Name: "shop"})
	stop := c.serves(q, nil, func(_ context.Context, d pubsub.Delivery) (pubsub.Message, error) {
		switch string(d.Body) {
		case "typed":
			return pubsub.Message{}, fmt.Errorf("look up: %w", &pubsub.CallError{Code: "not-found", Text: "no such order"})
		case "panic":
			panic("secret")
		case "again":
			if !d.Redelivered {
				return pubsub.Message{}, pubsub.ErrRetryNow
			}
			return text("now"), nil
		case "impossible":
			return pubsub.Message{Headers: pubsub.Table{"h": make(chan int)}}, nil
		}
		return pubsub.Message{}, errHandler
	})
	k := c.caller()
	for body, want := range map[string]pubsub.CallError{
		"typed": {Code: "not-found", Text: "no such order"},
		"plain": {Text: "handler says no"},
		"panic": {Text: "the server's handler panicked"},
	} {
		w.wait("the reply to %q", body)
		_, err := k.Call(w.ctx, "", q, text(body))
		var got *pubsub.CallError
		if !errors.As(err, &got) || *got != want {
			w.Errorf("the error of %q is %v; want %v", body, err, &want)
		}
	}
	w.equal("reply", w.call(k, q, "again"), "now")
	_, err := k.Call(w.ctx, "", q, text("impossible"))
	w.mentions(err, "the reply can't be sent")
	_, err = k.Call(w.ctx, "", q, pubsub.Message{ReplyTo: "me"})
	w.fails(err, pubsub.ErrInvalid, "call with a ReplyTo")
	stop()
	w.ok(k.Close())
	c.holds(q)
}

func rpcUnroutable(w *world) {
	c := w.open()
	k := c.caller()
	w.wait("the error of a call that is unroutable")
	_, err := k.Call(w.ctx, "amq.direct", "nobody", text("x"))
	w.fails(err, pubsub.ErrUnroutable, "call with a key that nothing is bound by")
	_, err = k.Call(w.ctx, "missing", "k", text("x"))
	w.fails(err, pubsub.ErrNotFound, "call by a missing exchange")
	w.ok(k.Close())
}

func rpcTimeout(w *world) {
	c := w.open()
	q := c.queue(pubsub.Queue{Name: "slow"})
	k := c.caller()
	ctx, cancel := context.WithTimeout(w.ctx, 50*time.Millisecond)
	defer cancel()
	_, err := k.Call(ctx, "", q, text("unserved"))
	w.fails(err, context.DeadlineExceeded, "call that nobody serves")
	c.becomes(q, 0) // it has expired with the call's time

	requests := c.consume(q, nil)
	ctx, cancel = context.WithCancel(w.ctx)
	ended := make(chan string, 1)
	go func() {
		_, err := k.Call(ctx, "", q, text("late"))
		ended <- fmt.Sprint(errors.Is(err, context.Canceled))
	}()
	late := requests.next()
	cancel()
	w.equal("the call ends with its context", w.from(ended, "the call to end"), "true")
	c.message("", late.ReplyTo, pubsub.Message{CorrelationID: late.CorrelationID})
	w.ack(late)
	requests.close()
	stop := c.serves(q, nil, echo)
	w.equal("reply", w.call(k, q, "x"), "re: x")
	stop()
	c.becomes(late.ReplyTo, 0)
	w.ok(k.Close())
	c.gone(late.ReplyTo)
}

func rpcForeign(w *world) {
	c, foreign := w.open(), w.open()
	q := c.queue(pubsub.Queue{Name: "echo"})
	stop := c.serves(q, nil, echo)
	replies := foreign.temp()
	cons := foreign.consume(replies, &pubsub.ConsumeOptions{AutoAck: true})
	foreign.message("", q, text("nobody waits for this one"))
	foreign.message("", q, pubsub.Message{Body: []byte("gone"), ReplyTo: "no such queue"})
	foreign.message("", q, pubsub.Message{Body: []byte("x"), ReplyTo: replies, CorrelationID: "17"})
	d := cons.next()
	w.equal("reply", string(d.Body)+" "+d.CorrelationID, "re: x 17")
	stop()
	c.holds(q)

	requests := foreign.consume(foreign.queue(pubsub.Queue{Name: "foreign"}), nil)
	k := c.caller()
	got := make(chan string, 1)
	go func() { got <- w.call(k, "foreign", "y") }()
	d = requests.next()
	foreign.message("", d.ReplyTo, pubsub.Message{Body: []byte("not yours"), CorrelationID: "?"})
	foreign.message("", d.ReplyTo, pubsub.Message{Body: []byte("for " + string(d.Body)), CorrelationID: d.CorrelationID})
	w.ack(d)
	w.equal("reply", w.from(got, "the reply"), "for y")
	w.ok(k.Close())
}

func rpcShutdown(w *world) {
	c, server := w.open(), w.open()
	q := server.queue(pubsub.Queue{Name: "echo"})
	stop := server.serves(q, nil, echo)
	k := c.caller()
	work := c.temp()
	started, finish := make(chan string, 1), make(chan struct{})
	reply := make(chan string, 1)
	c.handles(work, nil, func(context.Context, pubsub.Delivery) error {
		started <- "started"
		select {
		case <-finish:
		case <-w.ctx.Done():
		}
		reply <- w.call(k, q, "x")
		return nil
	})
	c.publish("", work, "x")
	w.from(started, "a handler to start")
	ended := make(chan string, 1)
	go func() { ended <- fmt.Sprint(c.Shutdown(w.ctx)) }()
	w.eventually("Shutdown to begin", func() (any, bool) {
		_, _, err := c.Get(w.ctx, work, nil)
		return err, errors.Is(err, pubsub.ErrClosed)
	})
	close(finish)
	w.equal("reply during Shutdown", w.from(reply, "the reply"), "re: x")
	w.equal("error of Shutdown", w.from(ended, "Shutdown to return"), "<nil>")
	_, err := k.Call(w.ctx, "", q, text("x"))
	w.fails(err, pubsub.ErrClosed, "call after Shutdown")
	w.ok(k.Close())
	stop()
}
