package nats_test

import (
	"testing"

	"github.com/gobindery/bindery/adapters/nats/natstest"
	"github.com/gobindery/bindery/pubsub"
)

// What was confirmed was in the queue before what is requeued after that: the consumer, which
// takes two, gets it first, though its leader may hear of the requeue first.
func TestRequeueComesAfterWhatWasConfirmed(t *testing.T) {
	ctx := t.Context()
	s := natstest.RunServer(t)
	_, publishes := open(t, s.URL())
	_, leads := open(t, s.URL())
	const queue = "orders"
	if _, err := publishes.DeclareQueue(ctx, pubsub.Queue{Name: queue}); err != nil {
		t.Fatal(err)
	}
	c, err := leads.Consume(ctx, queue, &pubsub.ConsumeOptions{Prefetch: 2})
	if err != nil {
		t.Fatal(err)
	}
	publish := func(body string) {
		t.Helper()
		if err := publishes.Publish(ctx, "", queue, pubsub.Message{Body: []byte(body)}); err != nil {
			t.Fatal(err)
		}
	}
	receive := func(body string, redelivered bool) pubsub.Delivery {
		t.Helper()
		d, err := c.Receive(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if string(d.Body) != body || d.Redelivered != redelivered {
			t.Fatalf("received %q, redelivered %v; want %q, %v", d.Body, d.Redelivered, body, redelivered)
		}
		return d
	}
	for range 200 {
		publish("first")
		first := receive("first", false)
		publish("second")
		if err := first.Requeue(ctx); err != nil {
			t.Fatal(err)
		}
		for _, d := range []pubsub.Delivery{receive("second", false), receive("first", true)} {
			if err := d.Ack(ctx); err != nil {
				t.Fatal(err)
			}
		}
	}
}
