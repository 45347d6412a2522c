package pubsubtest

import (
	"context"
	"errors"
	"time"

	"github.com/gobindery/bindery/pubsub"
)

// consumer is a consumer of a case. Its methods end the case when they fail.
type consumer struct {
	*pubsub.Consumer
	w *world
}

// consume starts a consumer. Options may be nil.
func (c *conn) consume(queue string, o *pubsub.ConsumeOptions) *consumer {
	c.w.Helper()
	c.w.wait("consume from queue %q", queue)
	cons, err := c.Consume(c.w.ctx, queue, o)
	c.w.ok(err)
	return &consumer{Consumer: cons, w: c.w}
}

// next waits for the next delivery.
func (c *consumer) next() pubsub.Delivery {
	c.w.Helper()
	d, err := c.receive(c.w.patience)
	if err != nil {
		c.w.Fatalf("wait for a delivery: %v", err)
	}
	return d
}

// some waits for n deliveries.
func (c *consumer) some(n int) []pubsub.Delivery {
	c.w.Helper()
	ds := make([]pubsub.Delivery, n)
	for i := range ds {
		d, err := c.receive(c.w.patience)
		if err != nil {
			c.w.Fatalf("wait for delivery %d of %d, after %q: %v", i+1, n, flagged(ds[:i]), err)
		}
		ds[i] = d
	}
	return ds
}

// gets waits for deliveries with exactly these bodies, in order; "+" stands for
// redelivered.
func (c *consumer) gets(want ...string) []pubsub.Delivery {
	c.w.Helper()
	ds := c.some(len(want))
	c.w.equal("deliveries from queue "+c.Queue(), flagged(ds), want)
	return ds
}

// takes publishes a message that only a ready consumer gets, until this one has
// it: the settlement that makes it ready may be still under way.
func (c *consumer) takes(body string, publish func()) {
	c.w.Helper()
	c.w.eventually("the settlement to make the consumer ready for "+body, func() (any, bool) {
		publish()
		d, err := c.receive(c.w.patience / 50)
		return err, err == nil && string(d.Body) == body
	})
}

// receive waits for a delivery or the consumer's end, and no longer than a time.
func (c *consumer) receive(limit time.Duration) (pubsub.Delivery, error) {
	c.w.wait("a delivery from queue %q", c.Queue())
	ctx, cancel := context.WithTimeout(c.w.ctx, limit)
	defer cancel()
	return c.Receive(ctx)
}

// ends waits for the consumer's end, which must come next and be as wanted.
func (c *consumer) ends(want error) {
	c.w.Helper()
	d, err := c.receive(c.w.patience)
	if err == nil {
		c.w.Errorf("receive from queue %q: got %q; want the consumer's end", c.Queue(), clip(d.Body))
		return
	}
	c.w.fails(err, want, "receive at the consumer's end")
}

// close closes the consumer.
func (c *consumer) close() {
	c.w.Helper()
	c.w.wait("close the consumer of queue %q", c.Queue())
	c.w.ok(c.Close())
}

// cancel cancels the consumer.
func (c *consumer) cancel() {
	c.w.Helper()
	c.w.wait("cancel the consumer of queue %q", c.Queue())
	c.w.ok(c.Cancel(c.w.ctx))
}

// settled reports an error of a settlement.
func (w *world) settled(err error) {
	w.Helper()
	if err != nil {
		w.Errorf("%v", err)
	}
}

// ack acknowledges deliveries.
func (w *world) ack(ds ...pubsub.Delivery) {
	w.Helper()
	for _, d := range ds {
		w.settled(d.Ack(w.ctx))
	}
}

// requeue puts deliveries back, in the order given.
func (w *world) requeue(ds ...pubsub.Delivery) {
	w.Helper()
	for _, d := range ds {
		w.settled(d.Requeue(w.ctx))
	}
}

// reject rejects deliveries.
func (w *world) reject(ds ...pubsub.Delivery) {
	w.Helper()
	for _, d := range ds {
		w.settled(d.Reject(w.ctx))
	}
}

// lost reports a settlement of a delivery that is not lost.
func (w *world) lost(d pubsub.Delivery, what string) {
	w.Helper()
	if err := d.Ack(w.ctx); !errors.Is(err, pubsub.ErrDeliveryLost) {
		w.Errorf("%s: ack: got the error %v; want %q", what, err, pubsub.ErrDeliveryLost)
	}
}
