package rabbitmq_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/gobindery/bindery/adapters/rabbitmq"
	"github.com/gobindery/bindery/adapters/rabbitmq/rabbitmqtest"
	"github.com/gobindery/bindery/pubsub"
)

// Each benchmark does the same with this package and with amqp091-go alone, used
// well, in turns in one process, and reports the median of
//
//	x-raw       messages a second, as a ratio to amqp091-go alone
//	msg/s       messages a second, in this package
//	cpu-µs      CPU time of this process for a message, and
//	raw-cpu-µs  with amqp091-go alone
//
// A round is a fixed number of messages, so that never more than that is in a
// queue. Run with -benchtime=30x or more.

const benchBody = 256 // bytes

// side is one of the two that are compared. It handles n messages.
type side func(n int)

func compare(b *testing.B, n int, ours, raw side) {
	compareAfter(b, n, func(int) {}, ours, raw)
}

// compareAfter prepares each measurement.
func compareAfter(b *testing.B, n int, prepare, ours, raw side) {
	for _, s := range []side{raw, ours} { // warms up
		prepare(n / 10)
		s(n / 10)
	}
	var ratio, rate, cpu, rawCPU []float64
	per := float64(n)
	for b.Loop() {
		prepare(n)
		r, rc := measure(func() { raw(n) })
		prepare(n)
		o, oc := measure(func() { ours(n) })
		ratio = append(ratio, r.Seconds()/o.Seconds())
		rate = append(rate, per/o.Seconds())
		cpu = append(cpu, float64(oc.Nanoseconds())/1e3/per)
		rawCPU = append(rawCPU, float64(rc.Nanoseconds())/1e3/per)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(ratio), "x-raw")
	b.ReportMetric(median(rate), "msg/s")
	b.ReportMetric(median(cpu), "cpu-µs")
	b.ReportMetric(median(rawCPU), "raw-cpu-µs")
}

func median(v []float64) float64 {
	slices.Sort(v)
	return v[len(v)/2]
}

func measure(f func()) (elapsed, cpu time.Duration) {
	before, start := cpuTime(), time.Now()
	f()
	return time.Since(start), cpuTime() - before
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// benchmark is what both sides use.
type benchmark struct {
	*testing.B
	ctx    context.Context
	url    string
	broker *pubsub.Broker
	conn   *amqp.Connection
	body   []byte
	mode   pubsub.DeliveryMode
}

func newBenchmark(b *testing.B) *benchmark {
	url := rabbitmqtest.Shared(b).VHost(b)
	c, err := rabbitmq.Open(b.Context(), url, nil)
	if err != nil {
		b.Fatal(err)
	}
	broker := pubsub.New(c, nil)
	b.Cleanup(func() { broker.Close() })
	conn, err := amqp.Dial(url)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { conn.Close() })
	return &benchmark{B: b, ctx: context.Background(), url: url, broker: broker, conn: conn, body: make([]byte, benchBody)}
}

func must[T any](b *benchmark) func(T, error) T {
	return func(v T, err error) T {
		b.Helper()
		if err != nil {
			b.Fatal(err)
		}
		return v
	}
}

func (b *benchmark) ok(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func (b *benchmark) channel() *amqp.Channel {
	return must[*amqp.Channel](b)(b.conn.Channel())
}

func (b *benchmark) confirming() *amqp.Channel {
	ch := b.channel()
	b.ok(ch.Confirm(false))
	return ch
}

// sink is a queue that drops what comes, so that only publishing costs.
func (b *benchmark) sink() string {
	one := 1
	return must[string](b)(b.broker.DeclareQueue(b.ctx, pubsub.Queue{Exclusive: true, MaxLength: &one}))
}

func BenchmarkPublishWindow(b *testing.B) {
	for _, window := range []int{256, 1024} {
		b.Run(fmt.Sprint(window), func(tb *testing.B) {
			b := newBenchmark(tb)
			q := b.sink()
			compare(tb, 5_000, b.publishWindow("", q, window), b.rawPublishWindow(b.confirming(), "", q, window))
		})
	}
}

// RabbitMQ confirms what it writes to disk by hundreds at once.
func BenchmarkPublishDurable(b *testing.B) {
	for _, window := range []int{256, 4096} {
		b.Run(fmt.Sprint(window), func(tb *testing.B) {
			b := newBenchmark(tb)
			b.mode = pubsub.Persistent
			q := must[string](b)(b.broker.DeclareQueue(b.ctx, pubsub.Queue{Name: "q", Durable: true}))
			empty := func(int) { must[int](b)(b.broker.PurgeQueue(b.ctx, q)) }
			compareAfter(tb, 20_000, empty, b.publishWindow("", q, window), b.rawPublishWindow(b.confirming(), "", q, window))
		})
	}
}

// publishWindow publishes by one goroutine, with so many in flight.
func (b *benchmark) publishWindow(exchange, key string, window int) side {
	return func(n int) {
		flights := make(chan pubsub.Confirmation, window)
		var wait sync.WaitGroup
		wait.Go(func() {
			for c := range flights {
				if err := c.Wait(b.ctx); err != nil {
					b.Error(err)
				}
			}
		})
		for range n {
			flights <- b.broker.PublishAsync(b.ctx, exchange, key, pubsub.Message{Body: b.body, DeliveryMode: b.mode})
		}
		close(flights)
		wait.Wait()
	}
}

func (b *benchmark) rawPublishWindow(ch *amqp.Channel, exchange, key string, window int) side {
	return func(n int) {
		flights := make(chan *amqp.DeferredConfirmation, window)
		var wait sync.WaitGroup
		wait.Go(func() {
			for c := range flights {
				if !c.Wait() {
					b.Error("not confirmed")
				}
			}
		})
		for range n {
			c, err := ch.PublishWithDeferredConfirmWithContext(b.ctx, exchange, key, false, false, amqp.Publishing{Body: b.body, DeliveryMode: uint8(b.mode)})
			b.ok(err)
			flights <- c
		}
		close(flights)
		wait.Wait()
	}
}

func BenchmarkPublishGoroutines64(tb *testing.B) {
	const goroutines = 64
	b := newBenchmark(tb)
	q := b.sink()
	ch := b.confirming()
	each := func(publish func() error) side {
		return func(n int) {
			var wait sync.WaitGroup
			for range goroutines {
				wait.Go(func() {
					for range n / goroutines {
						if err := publish(); err != nil {
							b.Error(err)
						}
					}
				})
			}
			wait.Wait()
		}
	}
	compare(tb, 5_056, each(func() error {
		return b.broker.Publish(b.ctx, "", q, pubsub.Message{Body: b.body})
	}), each(func() error {
		c, err := ch.PublishWithDeferredConfirmWithContext(b.ctx, "", q, false, false, amqp.Publishing{Body: b.body})
		if err != nil {
			return err
		}
		c.Wait()
		return nil
	}))
}

func BenchmarkPublishOneByOne(tb *testing.B) {
	b := newBenchmark(tb)
	q := b.sink()
	ch := b.confirming()
	compare(tb, 1_000, func(n int) {
		for range n {
			b.ok(b.broker.Publish(b.ctx, "", q, pubsub.Message{Body: b.body}))
		}
	}, func(n int) {
		for range n {
			c := must[*amqp.DeferredConfirmation](b)(ch.PublishWithDeferredConfirmWithContext(b.ctx, "", q, false, false, amqp.Publishing{Body: b.body}))
			c.Wait()
		}
	})
}

func BenchmarkConsume(tb *testing.B) {
	b := newBenchmark(tb)
	q := must[string](b)(b.broker.DeclareQueue(b.ctx, pubsub.Queue{Name: "q"}))
	compareAfter(tb, 20_000, b.rawPublishWindow(b.confirming(), "", q, 256), b.consume(q), b.rawConsume(q))
}

// While another consumer of the same connection has a full prefetch and sleeps.
func BenchmarkConsumeBesideSleeper(tb *testing.B) {
	b := newBenchmark(tb)
	slow := must[string](b)(b.broker.DeclareQueue(b.ctx, pubsub.Queue{Name: "slow"}))
	b.publishWindow("", slow, 256)(1000)
	sleeper := must[*pubsub.Consumer](b)(b.broker.Consume(b.ctx, slow, &pubsub.ConsumeOptions{Prefetch: 256}))
	ctx, wake := context.WithCancel(b.ctx)
	asleep := make(chan struct{})
	var sleeping sync.WaitGroup
	sleeping.Go(func() {
		_ = sleeper.Handle(ctx, nil, func(context.Context, pubsub.Delivery) error {
			close(asleep)
			<-ctx.Done()
			return nil
		})
	})
	<-asleep
	q := must[string](b)(b.broker.DeclareQueue(b.ctx, pubsub.Queue{Name: "q"}))
	compareAfter(tb, 20_000, b.rawPublishWindow(b.confirming(), "", q, 256), b.consume(q), b.rawConsume(q))
	wake()
	sleeping.Wait()
}

// consume takes n messages with a prefetch of 256 and acknowledges each.
func (b *benchmark) consume(q string) side {
	return func(n int) {
		c := must[*pubsub.Consumer](b)(b.broker.Consume(b.ctx, q, &pubsub.ConsumeOptions{Prefetch: 256}))
		for range n {
			d := must[pubsub.Delivery](b)(c.Receive(b.ctx))
			b.ok(d.Ack(b.ctx))
		}
		b.ok(c.Close())
	}
}

// rawConsume does so with one ack for 64.
func (b *benchmark) rawConsume(q string) side {
	return func(n int) {
		ch := b.channel()
		b.ok(ch.Qos(256, 0, false))
		ds := must[<-chan amqp.Delivery](b)(ch.Consume(q, "", false, false, false, false, nil))
		for i := range n {
			d := <-ds
			if (i+1)%64 == 0 || i+1 == n {
				b.ok(d.Ack(true))
			}
		}
		b.ok(ch.Close())
	}
}

const fanOut = 10

// One message a round trip to each of ten temporary queues, everything
// acknowledged. msg/s counts deliveries.
func BenchmarkFanOut10(tb *testing.B) {
	b := newBenchmark(tb)
	b.ok(b.broker.DeclareExchange(b.ctx, pubsub.Exchange{Name: "ours", Kind: pubsub.Fanout}))
	b.ok(b.broker.DeclareExchange(b.ctx, pubsub.Exchange{Name: "raw", Kind: pubsub.Fanout}))
	const window = 64

	var consumers []*pubsub.Consumer
	for range fanOut {
		q := must[string](b)(b.broker.DeclareQueue(b.ctx, pubsub.TempQueue()))
		b.ok(b.broker.Bind(b.ctx, pubsub.Binding{Exchange: "ours", Queue: q}))
		consumers = append(consumers, must[*pubsub.Consumer](b)(b.broker.Consume(b.ctx, q, &pubsub.ConsumeOptions{Prefetch: 256})))
	}
	publish := b.publishWindow("ours", "", window)
	ours := func(n int) {
		var wait sync.WaitGroup
		for _, c := range consumers {
			wait.Go(func() {
				for range n / fanOut {
					d, err := c.Receive(b.ctx)
					if err == nil {
						err = d.Ack(b.ctx)
					}
					if err != nil {
						b.Error(err)
						return
					}
				}
			})
		}
		publish(n / fanOut)
		wait.Wait()
	}

	consuming := must[*amqp.Connection](b)(amqp.Dial(b.url))
	tb.Cleanup(func() { consuming.Close() })
	var deliveries []<-chan amqp.Delivery
	for range fanOut {
		ch := must[*amqp.Channel](b)(consuming.Channel())
		q := must[amqp.Queue](b)(ch.QueueDeclare("", false, false, true, false, nil))
		b.ok(ch.QueueBind(q.Name, "", "raw", false, nil))
		b.ok(ch.Qos(256, 0, false))
		deliveries = append(deliveries, must[<-chan amqp.Delivery](b)(ch.Consume(q.Name, "", false, false, false, false, nil)))
	}
	rawPublish := b.rawPublishWindow(b.confirming(), "raw", "", window)
	raw := func(n int) {
		var wait sync.WaitGroup
		for _, ds := range deliveries {
			wait.Go(func() {
				for i := range n / fanOut {
					d := <-ds
					if (i+1)%64 == 0 || i+1 == n/fanOut {
						if err := d.Ack(true); err != nil {
							b.Error(err)
							return
						}
					}
				}
			})
		}
		rawPublish(n / fanOut)
		wait.Wait()
	}
	compare(tb, 10_000, ours, raw)
}
