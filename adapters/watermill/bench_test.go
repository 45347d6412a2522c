package watermill_test

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	wm "github.com/ThreeDotsLabs/watermill"
	wmamqp "github.com/ThreeDotsLabs/watermill-amqp/v3/pkg/amqp"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/pubsub/gochannel"

	"github.com/gobindery/bindery/adapters/memory"
	"github.com/gobindery/bindery/adapters/rabbitmq"
	"github.com/gobindery/bindery/adapters/rabbitmq/rabbitmqtest"
	"github.com/gobindery/bindery/adapters/watermill"
	"github.com/gobindery/bindery/adapters/watermill/amqpconfig"
	"github.com/gobindery/bindery/pubsub"
)

// Each benchmark does the same with this package and with one of Watermill's own Pub/Subs, in
// turns in one process, and reports the medians of
//
//	x-theirs  messages a second, as a ratio to theirs
//	msg/s     messages a second, by this package
//
// Bodies have 256 bytes. Run with -benchtime=11x or more.

// side handles n messages.
type side func(n int)

func compare(b *testing.B, n int, ours, theirs side) {
	ours(n / 10)
	theirs(n / 10)
	var ratio, rate []float64
	for b.Loop() {
		t, o := clock(theirs, n), clock(ours, n)
		ratio = append(ratio, t.Seconds()/o.Seconds())
		rate = append(rate, float64(n)/o.Seconds())
	}
	slices.Sort(ratio)
	slices.Sort(rate)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(ratio[len(ratio)/2], "x-theirs")
	b.ReportMetric(rate[len(rate)/2], "msg/s")
}

func clock(f side, n int) time.Duration {
	start := time.Now()
	f(n)
	return time.Since(start)
}

// publishes sends messages by several goroutines, some in each Publish.
func publishes(b *testing.B, p message.Publisher, goroutines, atOnce int) side {
	body := make([]byte, 256)
	return func(n int) {
		var sending sync.WaitGroup
		for range goroutines {
			sending.Go(func() {
				for range n / goroutines / atOnce {
					batch := make([]*message.Message, atOnce)
					for i := range batch {
						batch[i] = message.NewMessage("0001"+strconv.Itoa(i), body) // to make a UUID takes longer than the rest
					}
					if err := p.Publish("topic", batch...); err != nil {
						b.Error(err)
						return
					}
				}
			})
		}
		sending.Wait()
	}
}

// takes acks messages.
func takes(messages <-chan *message.Message) side {
	return func(n int) {
		for range n {
			m := <-messages
			m.Ack()
		}
	}
}

// through sends messages by one side and takes them by another at the same time.
func through(send, take side) side {
	return func(n int) {
		var taking sync.WaitGroup
		taking.Go(func() { take(n) })
		send(n)
		taking.Wait()
	}
}

// drained ends with the benchmark.
func drained(b *testing.B, s message.Subscriber) <-chan *message.Message {
	b.Helper()
	messages, err := s.Subscribe(context.Background(), "topic")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	return messages
}

// From one publisher to one subscriber, beside gochannel with a buffer.
func BenchmarkMemory(b *testing.B) {
	broker := pubsub.New(memory.NewServer().Connect(nil), nil)
	b.Cleanup(func() { broker.Close() })
	ours := watermill.NewPublisher(broker, watermill.PublisherConfig{})
	theirs := gochannel.NewGoChannel(gochannel.Config{OutputChannelBuffer: 1000}, wm.NopLogger{})
	compare(b, 100_000,
		through(publishes(b, ours, 1, 100), takes(drained(b, watermill.NewSubscriber(broker, watermill.SubscriberConfig{})))),
		through(publishes(b, theirs, 1, 100), takes(drained(b, theirs))))
}

// rabbit has what both sides use: one configuration of watermill-amqp.
type rabbit struct {
	*testing.B
	config wmamqp.Config
	broker *pubsub.Broker
	ours   *amqpconfig.Config
}

func newRabbit(b *testing.B) *rabbit {
	node := rabbitmqtest.Run(b, &rabbitmqtest.Options{WithoutManagement: true})
	r := &rabbit{B: b, config: wmamqp.NewNonDurableQueueConfig(node.URL())}
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

// 64 goroutines publish, each one message at a time: what watermill-amqp does best, with a channel
// for each.
func BenchmarkRabbitMQPublish(b *testing.B) {
	r := newRabbit(b)
	theirs, _ := r.theirs()
	ours := r.publisher()
	compare(b, 12_800, func(n int) {
		publishes(b, ours, 64, 1)(n)
		r.purge()
	}, func(n int) {
		publishes(b, theirs, 64, 1)(n)
		r.purge()
	})
}

// One goroutine publishes 100 messages at a time.
func BenchmarkRabbitMQPublishBatch(b *testing.B) {
	r := newRabbit(b)
	theirs, _ := r.theirs()
	ours := r.publisher()
	compare(b, 5_000, func(n int) {
		publishes(b, ours, 1, 100)(n)
		r.purge()
	}, func(n int) {
		publishes(b, theirs, 1, 100)(n)
		r.purge()
	})
}

// A queue that was filled before is consumed, with a prefetch of 256.
func BenchmarkRabbitMQConsume(b *testing.B) {
	r := newRabbit(b)
	fill := publishes(b, r.publisher(), 16, 8)
	consume := func(s message.Subscriber) func(n int) time.Duration {
		return func(n int) time.Duration {
			fill(n)
			start := time.Now()
			messages, err := s.Subscribe(context.Background(), "topic")
			if err != nil {
				b.Fatal(err)
			}
			takes(messages)(n)
			took := time.Since(start)
			s.Close()
			return took
		}
	}
	var ratio, rate []float64
	const n = 12_800
	for b.Loop() {
		_, theirs := r.theirs()
		t := consume(theirs)(n)
		o := consume(r.subscriber())(n)
		ratio, rate = append(ratio, t.Seconds()/o.Seconds()), append(rate, n/o.Seconds())
	}
	slices.Sort(ratio)
	slices.Sort(rate)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(ratio[len(ratio)/2], "x-theirs")
	b.ReportMetric(rate[len(rate)/2], "msg/s")
}
