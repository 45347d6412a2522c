package watermill_test

import (
	"context"
	"testing"
	"time"

	wm "github.com/ThreeDotsLabs/watermill"
	wmamqp "github.com/ThreeDotsLabs/watermill-amqp/v3/pkg/amqp"
	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/gobindery/bindery/adapters/rabbitmq"
	"github.com/gobindery/bindery/adapters/rabbitmq/rabbitmqtest"
	"github.com/gobindery/bindery/adapters/watermill"
	"github.com/gobindery/bindery/adapters/watermill/amqpconfig"
	"github.com/gobindery/bindery/pubsub"
)

// rabbit has what both sides use: one configuration of watermill-amqp.
type rabbit struct {
	*testing.B
	config wmamqp.Config
	broker *pubsub.Broker
	ours   *amqpconfig.Config
}

// newRabbit takes one of watermill-amqp's configurations of a queue.
func newRabbit(b *testing.B, configuration func(url string) wmamqp.Config) *rabbit {
	node := rabbitmqtest.Run(b, &rabbitmqtest.Options{WithoutManagement: true})
	r := &rabbit{B: b, config: configuration(node.URL())}
	r.config.Consume.Qos.PrefetchCount = 256
	r.config.Publish.ChannelPoolSize = 64
	r.config.Publish.ConfirmDelivery = true
	a, err := rabbitmq.Open(b.Context(), node.URL(), nil)
	if err == nil {
		r.broker = pubsub.New(a, nil)
		b.Cleanup(func() { r.broker.Close() })
		r.ours, err = amqpconfig.FromAMQPConfig(r.config)
	}
	if err == nil {
		err = r.subscriber().SubscribeInitialize("topic") // the queue
	}
	if err != nil {
		b.Fatal(err)
	}
	return r
}

func (r *rabbit) theirs() (*wmamqp.Publisher, *wmamqp.Subscriber) {
	p, err := wmamqp.NewPublisher(r.config, wm.NopLogger{})
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() { p.Close() })
	s, err := wmamqp.NewSubscriber(r.config, wm.NopLogger{})
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() { s.Close() })
	return p, s
}

func (r *rabbit) publisher() *watermill.Publisher {
	p, err := r.ours.NewPublisher(r.broker)
	if err != nil {
		r.Fatal(err)
	}
	return p
}

func (r *rabbit) subscriber() *watermill.Subscriber {
	s, err := r.ours.NewSubscriber(r.broker)
	if err != nil {
		r.Fatal(err)
	}
	return s
}

func (r *rabbit) purge() {
	if _, err := r.broker.PurgeQueue(context.Background(), "topic"); err != nil {
		r.Error(err)
	}
}

// comparePublish has n messages published by several goroutines, some in each Publish.
func comparePublish(b *testing.B, configuration func(url string) wmamqp.Config, n, goroutines, atOnce int) {
	r := newRabbit(b, configuration)
	purged := func(p message.Publisher) side {
		send := publishes(b, p, goroutines, atOnce)
		return func(n int) {
			send(n)
			r.purge()
		}
	}
	theirs, _ := r.theirs()
	compare(b, n, 1, purged(r.publisher()), purged(theirs))
}

// 64 goroutines publish, each one message at a time: what watermill-amqp does best, with a channel
// for each.
func BenchmarkRabbitMQPublish(b *testing.B) {
	comparePublish(b, wmamqp.NewNonDurableQueueConfig, 12_800, 64, 1)
}

// The same to a durable queue: RabbitMQ writes the messages to disk.
func BenchmarkRabbitMQPublishDurable(b *testing.B) {
	comparePublish(b, wmamqp.NewDurableQueueConfig, 12_800, 64, 1)
}

// One goroutine publishes 100 messages at a time.
func BenchmarkRabbitMQPublishBatch(b *testing.B) {
	comparePublish(b, wmamqp.NewNonDurableQueueConfig, 5_000, 1, 100)
}

// A queue that was filled before is consumed, with a prefetch of 256.
func BenchmarkRabbitMQConsume(b *testing.B) {
	r := newRabbit(b, wmamqp.NewNonDurableQueueConfig)
	fill := publishes(b, r.publisher(), 16, 8)
	consumed := func(s message.Subscriber, n int) float64 {
		fill(n)
		start := time.Now()
		messages, err := s.Subscribe(context.Background(), "topic")
		if err != nil {
			b.Fatal(err)
		}
		takes(messages)(n)
		rate := float64(n) / time.Since(start).Seconds()
		s.Close()
		return rate
	}
	var c comparison
	const n = 12_800
	for b.Loop() {
		_, theirs := r.theirs()
		c.add(consumed(r.subscriber(), n), consumed(theirs, n))
	}
	c.report(b)
}
