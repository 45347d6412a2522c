// Package watermill puts a pubsub.Broker under Watermill: [Publisher] is a
// message.Publisher, [Subscriber] a message.Subscriber, on any backend.
//
//	pub := watermill.NewPublisher(b, watermill.PublisherConfig{})
//	sub := watermill.NewSubscriber(b, watermill.SubscriberConfig{
//		Mapping: watermill.Mapping{Group: "billing"},
//	})
//	messages, err := sub.Subscribe(ctx, "orders")
//
// A [Mapping] says what a topic is: exchange, routing key, queue and bindings.
// Feed is the other way: it takes the messages of any Watermill subscriber to
// an exchange. docs/watermill.md tells more, and what differs from Watermill's
// own adapters.
//
// See https://watermill.io/docs/pub-sub-implementing.
package watermill
