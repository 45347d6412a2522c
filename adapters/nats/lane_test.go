package nats_test

import (
	"strconv"
	"testing"

	"github.com/gobindery/bindery/adapters/nats"
	"github.com/gobindery/bindery/adapters/nats/natstest"
	"github.com/gobindery/bindery/pubsub"
)

// Many publishes are under way to a queue whose stream can't be reached at first: it was lost,
// and the first of them makes it anew. They come in their order all the same, also where the queue's
// leader is asked first because it may refuse them.
func TestOrderWhereNobodyStores(t *testing.T) {
	const messages = 300
	many := messages
	for _, test := range []struct {
		name  string
		queue pubsub.Queue
	}{
		{"plain", pubsub.Queue{Name: "q"}},
		{"may refuse", pubsub.Queue{Name: "q", MaxLength: &many, Overflow: pubsub.RejectPublish}},
	} {
		t.Run(test.name, func(t *testing.T) {
			ctx := t.Context()
			s := natstest.RunServer(t)
			a, b := open(t, s.URL())
			if _, err := b.DeclareQueue(ctx, test.queue); err != nil {
				t.Fatal(err)
			}
			js, done := jetStream(t, s.URL())
			defer done()
			if err := js.DeleteStream(ctx, nats.StreamOf(a, "q")); err != nil { // its servers have lost it
				t.Fatal(err)
			}

			var confirms []pubsub.Confirmation
			for i := range messages {
				confirms = append(confirms, b.PublishAsync(ctx, "", "q", pubsub.Message{Body: []byte(strconv.Itoa(i))}))
			}
			for i, c := range confirms {
				if err := c.Wait(ctx); err != nil {
					t.Fatalf("message %d: %v", i, err)
				}
			}
			c, err := b.Consume(ctx, "q", nil)
			if err != nil {
				t.Fatal(err)
			}
			for i := range messages {
				d, err := c.Receive(ctx)
				if err != nil {
					t.Fatal(err)
				}
				if string(d.Body) != strconv.Itoa(i) {
					t.Fatalf("message %s came when %d was next", d.Body, i)
				}
				if err := d.Ack(ctx); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}
