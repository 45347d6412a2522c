package cloudevents_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/cloudevents/sdk-go/v2/event"

	"github.com/gobindery/bindery/adapters/memory"
	"github.com/gobindery/bindery/pubsub"
	"github.com/gobindery/bindery/pubsub/cloudevents"
)

// An event goes through an exchange, and arrives as an event.
func Example() {
	ctx := context.Background()
	b := pubsub.New(memory.NewServer().Connect(nil), nil)
	defer b.Close()
	q, err := b.DeclareQueue(ctx, pubsub.TempQueue())
	if err := errors.Join(err, b.Bind(ctx, pubsub.Binding{Exchange: "amq.topic", Queue: q, Key: "orders.#"})); err != nil {
		log.Fatal(err)
	}

	e := event.New()
	e.SetID("1")
	e.SetSource("/shop")
	e.SetType("com.example.order.placed")
	if err := e.SetData(event.ApplicationJSON, map[string]int{"anvils": 2}); err != nil {
		log.Fatal(err)
	}
	m, err := cloudevents.Binary(e) // or Structured
	if err := errors.Join(err, b.Publish(ctx, "amq.topic", "orders.new", m, pubsub.Mandatory)); err != nil {
		log.Fatal(err)
	}

	d, _, err := b.Get(ctx, q, &pubsub.GetOptions{AutoAck: true})
	if err != nil {
		log.Fatal(err)
	}
	got, err := cloudevents.FromMessage(d.Message)
	if err != nil {
		log.Fatal(err) // wraps cloudevents.ErrNotEvent
	}
	fmt.Println(got.Type(), string(got.Data()))
	// Output: com.example.order.placed {"anvils":2}
}
