package rabbitmq_test

import (
	"context"
	"testing"

	"github.com/ThreeDotsLabs/watermill"
	watermillamqp "github.com/ThreeDotsLabs/watermill-amqp/v3/pkg/amqp"
	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/gobindery/bindery/pubsub"
)

// The same with Watermill's RabbitMQ adapter as it comes: here x-raw and the
// raw- figures are Watermill's, so that x-raw says how many times as fast this
// package is. Rounds are shorter, because it is slow.

func watermillConfig(b *benchmark) watermillamqp.Config {
	c := watermillamqp.NewNonDurableQueueConfig(b.url)
	c.Publish.ConfirmDelivery = true
	return c
}

func BenchmarkPeerWatermillPublish(tb *testing.B) {
	b := newBenchmark(tb)
	q := b.sink()
	theirs, err := watermillamqp.NewPublisher(watermillConfig(b), watermill.NopLogger{})
	b.ok(err)
	tb.Cleanup(func() { theirs.Close() })
	compare(tb, 2_000, b.publishWindow("", q, 256), func(n int) {
		for range n {
			b.ok(theirs.Publish(q, message.NewMessage(watermill.NewUUID(), b.body)))
		}
	})
}

func BenchmarkPeerWatermillConsume(tb *testing.B) {
	b := newBenchmark(tb)
	q := must[string](b)(b.broker.DeclareQueue(b.ctx, pubsub.Queue{Name: "q"}))
	theirs, err := watermillamqp.NewSubscriber(watermillConfig(b), watermill.NopLogger{})
	b.ok(err)
	tb.Cleanup(func() { theirs.Close() })
	compareAfter(tb, 2_000, b.publishWindow("", q, 256), b.consume(q), func(n int) {
		ctx, cancel := context.WithCancel(b.ctx)
		messages := must[<-chan *message.Message](b)(theirs.Subscribe(ctx, q))
		for range n {
			(<-messages).Ack()
		}
		cancel()
		for m := range messages { // until it has ended
			m.Nack()
		}
	})
}
