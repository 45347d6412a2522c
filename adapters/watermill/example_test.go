package watermill_test

import (
	"context"
	"fmt"
	"os"

	watermilllog "github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/gobindery/bindery/adapters/nats/embedded"
	"github.com/gobindery/bindery/adapters/watermill"
	"github.com/gobindery/bindery/pubsub"
)

// Watermill's Router on NATS: it reads orders, and publishes an invoice for
// each. The server runs in this program; nats://host is one elsewhere.
func Example() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	folder, _ := os.MkdirTemp("", "shop")
	defer os.RemoveAll(folder)
	b, err := pubsub.Mux{"nats+embedded": embedded.Scheme()}.Open(ctx, "nats+embedded:"+folder, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer b.Close()
	pub := watermill.NewPublisher(b, watermill.PublisherConfig{})
	sub := watermill.NewSubscriber(b, watermill.SubscriberConfig{Mapping: watermill.Mapping{Group: "billing"}})

	router, _ := message.NewRouter(message.RouterConfig{}, watermilllog.NopLogger{})
	router.AddHandler("bill", "orders", sub, "invoices", pub, func(order *message.Message) ([]*message.Message, error) {
		return message.Messages{message.NewMessage(order.UUID, append([]byte("invoice for "), order.Payload...))}, nil
	})
	router.AddConsumerHandler("print", "invoices", sub, func(invoice *message.Message) error {
		fmt.Printf("%s: %s\n", invoice.UUID, invoice.Payload)
		stop()
		return nil
	})
	// The group's queues take messages from now on, whether the Router runs or not.
	for _, topic := range []string{"orders", "invoices"} {
		if err := sub.SubscribeInitialize(topic); err != nil {
			fmt.Println(err)
		}
	}
	if err := pub.Publish("orders", message.NewMessage("order-1", []byte("two chairs"))); err != nil {
		fmt.Println(err)
	}
	if err := router.Run(ctx); err != nil {
		fmt.Println(err)
	}
	// Output: order-1: invoice for two chairs
}
