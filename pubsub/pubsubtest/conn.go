package pubsubtest

import (
	"context"
	"fmt"
	"time"

	"github.com/gobindery/bindery/pubsub"
)

// conn is one connection of a case. Its methods end the case when they fail;
// those of the Broker in it return their error.
type conn struct {
	*pubsub.Broker
	w *world
}

// exchange declares an exchange and returns its name.
func (c *conn) exchange(e pubsub.Exchange) string {
	c.w.Helper()
	c.w.wait("declare exchange %q", e.Name)
	c.w.ok(c.DeclareExchange(c.w.ctx, e))
	return e.Name
}

// queue declares a queue and returns its name.
func (c *conn) queue(q pubsub.Queue) string {
	c.w.Helper()
	c.w.wait("declare queue %q", q.Name)
	name, err := c.DeclareQueue(c.w.ctx, q)
	c.w.ok(err)
	return name
}

// temp declares an exclusive queue that the broker names.
func (c *conn) temp() string {
	c.w.Helper()
	return c.queue(pubsub.TempQueue())
}

// bind binds a queue.
func (c *conn) bind(exchange, queue, key string) {
	c.w.Helper()
	c.add(pubsub.Binding{Exchange: exchange, Queue: queue, Key: key})
}

// bindExchange binds an exchange to another.
func (c *conn) bindExchange(from, to, key string) {
	c.w.Helper()
	c.add(pubsub.Binding{Exchange: from, ToExchange: to, Key: key})
}

// add adds a binding.
func (c *conn) add(b pubsub.Binding) {
	c.w.Helper()
	c.w.wait("bind %v", b)
	c.w.ok(c.Bind(c.w.ctx, b))
}

// remove takes a binding away.
func (c *conn) remove(b pubsub.Binding) {
	c.w.Helper()
	c.w.wait("unbind %v", b)
	c.w.ok(c.Unbind(c.w.ctx, b))
}

// publish publishes bodies, one after the other, with confirms.
func (c *conn) publish(exchange, key string, bodies ...string) {
	c.w.Helper()
	for _, body := range bodies {
		c.w.ok(c.send(exchange, key, text(body)))
	}
}

// message publishes one message with properties.
func (c *conn) message(exchange, key string, m pubsub.Message, o ...pubsub.PublishOption) {
	c.w.Helper()
	c.w.ok(c.send(exchange, key, m, o...))
}

// send publishes and returns the outcome.
func (c *conn) send(exchange, key string, m pubsub.Message, o ...pubsub.PublishOption) error {
	c.w.wait("the confirm of %q to exchange %q with key %q", clip(m.Body), exchange, key)
	ctx, cancel := context.WithTimeout(c.w.ctx, c.w.patience)
	defer cancel()
	return c.Publish(ctx, exchange, key, m, o...)
}

// text is a message that is only a body.
func text(body string) pubsub.Message { return pubsub.Message{Body: []byte(body)} }

// clip is the beginning of a body.
func clip(body []byte) string { return string(body[:min(len(body), 40)]) }

// numbers are the bodies "0" to n-1.
func numbers(n int) []string {
	s := make([]string, n)
	for i := range s {
		s[i] = fmt.Sprint(i)
	}
	return s
}

// ready returns how many messages are ready in a queue.
func (c *conn) ready(queue string) int {
	c.w.Helper()
	info, err := c.InspectQueue(c.w.ctx, queue)
	c.w.ok(err)
	return info.Ready
}

// becomes waits until so many messages are ready.
func (c *conn) becomes(queue string, ready int) {
	c.w.Helper()
	c.w.eventually(fmt.Sprintf("%d ready messages in queue %q", ready, queue), func() (any, bool) {
		n := c.ready(queue)
		return n, n == ready
	})
}

// gone waits until a queue isn't there any more.
func (c *conn) gone(queue string) {
	c.w.Helper()
	c.w.eventually(fmt.Sprintf("queue %q to go", queue), func() (any, bool) {
		info, err := c.InspectQueue(c.w.ctx, queue)
		if err == nil {
			return info, false
		}
		c.w.fails(err, pubsub.ErrNotFound, "inspect a queue that should be gone")
		return err, true
	})
}

// goneExchange waits until an exchange isn't there any more.
func (c *conn) goneExchange(name string) {
	c.w.Helper()
	c.w.eventually(fmt.Sprintf("exchange %q to go", name), func() (any, bool) {
		err := c.CheckExchange(c.w.ctx, name)
		if err != nil {
			c.w.fails(err, pubsub.ErrNotFound, "check an exchange that should be gone")
		}
		return "it is there", err != nil
	})
}

// get takes one message that must be ready, unsettled.
func (c *conn) get(queue string) pubsub.Delivery {
	c.w.Helper()
	c.w.wait("get from queue %q", queue)
	d, ok, err := c.Get(c.w.ctx, queue, nil)
	c.w.ok(err)
	if !ok {
		c.w.Fatalf("get from queue %q: nothing is ready; want a message", queue)
	}
	return d
}

// take gets and settles all messages of a queue.
func (c *conn) take(queue string) (ds []pubsub.Delivery) {
	c.w.Helper()
	for {
		c.w.wait("get from queue %q", queue)
		d, ok, err := c.Get(c.w.ctx, queue, &pubsub.GetOptions{AutoAck: true})
		c.w.ok(err)
		if !ok {
			return ds
		}
		if ds = append(ds, d); len(ds) > 100_000 {
			c.w.Fatalf("queue %q never gets empty", queue)
		}
	}
}

// bodies takes all messages of a queue and returns their bodies.
func (c *conn) bodies(queue string) []string {
	c.w.Helper()
	return bodies(c.take(queue))
}

// holds reports a queue that does not hold exactly these messages, in order. It
// takes them.
func (c *conn) holds(queue string, want ...string) {
	c.w.Helper()
	c.w.equal(fmt.Sprintf("messages in queue %q", queue), c.bodies(queue), want)
}

// bodies are those of deliveries.
func bodies(ds []pubsub.Delivery) []string {
	s := make([]string, len(ds))
	for i, d := range ds {
		s[i] = string(d.Body)
	}
	return s
}

// flagged are the bodies of deliveries, those redelivered with a "+".
func flagged(ds []pubsub.Delivery) []string {
	s := bodies(ds)
	for i, d := range ds {
		if d.Redelivered {
			s[i] += "+"
		}
	}
	return s
}

// ms is a number of milliseconds, for queues and messages.
func ms(n int) *time.Duration {
	d := time.Duration(n) * time.Millisecond
	return &d
}
