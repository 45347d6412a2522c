package watermill_test

import (
	"context"
	"strconv"
	"sync"
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
	url    string
	config wmamqp.Config
	broker *pubsub.Broker
	ours   *amqpconfig.Config
}

// newRabbit takes one of watermill-amqp's configurations.
func newRabbit(b *testing.B, configuration func(url string) wmamqp.Config) *rabbit {
	node := rabbitmqtest.Run(b, &rabbitmqtest.Options{WithoutManagement: true})
	a, err := rabbitmq.Open(b.Context(), node.URL(), nil)
	if err != nil {
		b.Fatal(err)
	}
	r := &rabbit{B: b, url: node.URL(), broker: pubsub.New(a, nil)}
	b.Cleanup(func() { r.broker.Close() })
	return r.with(configuration)
}

// with returns the same with another configuration, at its fastest settings.
func (r *rabbit) with(configuration func(url string) wmamqp.Config) *rabbit {
	c := configuration(r.url)
	c.Consume.Qos.PrefetchCount = 256
	c.Publish.ChannelPoolSize = 64
	c.Publish.ConfirmDelivery = true
	ours, err := amqpconfig.FromAMQPConfig(c)
	if err != nil {
		r.Fatal(err)
	}
	ours.Subscriber.StrictOrder = false
	return &rabbit{B: r.B, url: r.url, config: c, broker: r.broker, ours: ours}
}

// newRabbitQueue takes a configuration of a queue, and declares it.
func newRabbitQueue(b *testing.B, configuration func(url string) wmamqp.Config) *rabbit {
	r := newRabbit(b, configuration)
	if err := r.subscriber().SubscribeInitialize("topic"); err != nil {
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
	r := newRabbitQueue(b, configuration)
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
	r := newRabbitQueue(b, wmamqp.NewNonDurableQueueConfig)
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

// 64 goroutines publish to a fanout exchange, each one message at a time, while 1 or 10 subscribers
// with a queue each take every message. msg/s are deliveries.
func BenchmarkRabbitMQFanout(b *testing.B) {
	for _, subscribers := range []int{1, 10} {
		b.Run(strconv.Itoa(subscribers), func(b *testing.B) {
			// Each side has an exchange and queues of its own.
			of := func(who string, i int) func(url string) wmamqp.Config {
				return func(url string) wmamqp.Config {
					c := wmamqp.NewNonDurablePubSubConfig(url, wmamqp.GenerateQueueNameConstant(who+strconv.Itoa(i)))
					c.Exchange.GenerateName = func(string) string { return who }
					return c
				}
			}
			r := newRabbit(b, of("ours", 0))
			var toOurs, toTheirs []<-chan *message.Message
			for i := range subscribers {
				_, theirs := r.with(of("theirs", i)).theirs()
				toTheirs = append(toTheirs, drained(b, theirs))
				toOurs = append(toOurs, drained(b, r.with(of("ours", i)).subscriber()))
			}
			theirs, _ := r.with(of("theirs", 0)).theirs()
			compare(b, 12_800, subscribers, endToEnd(b, r.publisher(), toOurs), endToEnd(b, theirs, toTheirs))
		})
	}
}

// endToEnd publishes n messages and takes them from each channel.
func endToEnd(b *testing.B, p message.Publisher, channels []<-chan *message.Message) side {
	send := publishes(b, p, 64, 1)
	return func(n int) {
		var taking sync.WaitGroup
		for _, c := range channels {
			taking.Go(func() { takes(c)(n) })
		}
		send(n)
		taking.Wait()
	}
}

// A Router takes messages from a queue and publishes each to another. Theirs works on one message
// at a time for each handler: it is measured with one, and with 16.
func BenchmarkRabbitMQRouter(b *testing.B) {
	for _, handlers := range []int{1, 16} {
		b.Run(strconv.Itoa(handlers), func(b *testing.B) {
			r := newRabbit(b, wmamqp.NewNonDurableQueueConfig)
			p, s := r.theirs()
			ours := r.passes(r.publisher(), r.subscriber(), "ours", 1)
			theirs := r.passes(p, s, "theirs", handlers)
			const n = 6_400
			compareSlow(b, n, 16/handlers, 1, ours, theirs)
		})
	}
}

// passes has a Router pass messages on, from one queue of a name to another.
func (r *rabbit) passes(p message.Publisher, s message.Subscriber, name string, handlers int) side {
	router, err := message.NewRouter(message.RouterConfig{}, wm.NopLogger{})
	if err != nil {
		r.Fatal(err)
	}
	passed := make(chan struct{}, inFlight)
	from, to := name+"-in", name+"-out"
	if err := r.subscriber().SubscribeInitialize(to); err != nil {
		r.Fatal(err)
	}
	for i := range handlers {
		router.AddHandler("handler"+strconv.Itoa(i), from, s, to, counted{p, passed},
			func(m *message.Message) ([]*message.Message, error) { return []*message.Message{m.Copy()}, nil })
	}
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := router.Run(ctx); err != nil {
			r.Error(err)
		}
	})
	r.Cleanup(func() { stop(); running.Wait() })
	<-router.Running()
	fill := publishesTo(r.B, r.publisher(), from, 1, 100)
	return func(n int) {
		n -= n % 100
		fill(n)
		for range n {
			<-passed
		}
		if _, err := r.broker.PurgeQueue(context.Background(), to); err != nil {
			r.Error(err)
		}
	}
}

// counted tells of each message that was published.
type counted struct {
	message.Publisher
	published chan<- struct{}
}

func (c counted) Publish(topic string, messages ...*message.Message) error {
	err := c.Publisher.Publish(topic, messages...)
	if err == nil {
		for range messages {
			c.published <- struct{}{}
		}
	}
	return err
}
