package nats_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/gobindery/bindery/adapters/nats"
	"github.com/gobindery/bindery/adapters/nats/natstest"
	"github.com/gobindery/bindery/pubsub"
)

// Each benchmark does the same with this package and with JetStream's own client, in
// turns in one process that runs the server too, and reports the median of
//
//	x-raw       messages a second, as a ratio to JetStream alone
//	msg/s       messages a second, in this package
//	cpu-µs      CPU time of client and server for a message, and
//	raw-cpu-µs  with JetStream alone
//
// A round is a fixed number of messages, so that never more than that is in a
// queue. Run with -benchtime=20x or more.

const benchBody = 256 // bytes

// side is one of the two that are compared. It handles n messages.
type side func(n int)

func compare(b *testing.B, n int, prepare, ours, raw side) {
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

func median[T float64 | time.Duration](v []T) T {
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
	js     jetstream.JetStream
	body   []byte
}

func newBenchmark(tb *testing.B) *benchmark {
	s := natstest.RunServer(tb)
	b := &benchmark{B: tb, ctx: context.Background(), url: s.URL(), body: make([]byte, benchBody)}
	b.broker = b.open()
	b.js = b.connect()
	return b
}

// open makes a connection of this package.
func (b *benchmark) open() *pubsub.Broker {
	c, err := nats.Open(b.Context(), b.url, nil)
	b.ok(err)
	broker := pubsub.New(c, nil)
	b.Cleanup(func() { broker.Close() })
	return broker
}

// connect makes one of JetStream's client.
func (b *benchmark) connect() jetstream.JetStream {
	nc, err := natsgo.Connect(b.url)
	b.ok(err)
	b.Cleanup(nc.Close)
	js, err := jetstream.New(nc, jetstream.WithPublishAsyncMaxPending(1024))
	b.ok(err)
	return js
}

func must[T any](b *benchmark) func(T, error) T {
	return func(v T, err error) T {
		b.Helper()
		b.ok(err)
		return v
	}
}

func (b *benchmark) ok(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// queue declares a queue, and makes a stream like that of the queue.
func (b *benchmark) queue() (name string, stream jetstream.Stream) {
	name = must[string](b)(b.broker.DeclareQueue(b.ctx, pubsub.Queue{Name: "q", Durable: true}))
	return name, must[jetstream.Stream](b)(b.js.CreateStream(b.ctx, jetstream.StreamConfig{
		Name: "raw", Subjects: []string{"raw"}, Retention: jetstream.WorkQueuePolicy, Storage: jetstream.FileStorage,
	}))
}

// purge empties all streams with messages, ours by JetStream too: that makes nobody lead.
func (b *benchmark) purge(int) {
	streams := b.js.ListStreams(b.ctx)
	for s := range streams.Info() {
		if !strings.HasPrefix(s.Config.Name, "KV_") {
			b.ok(must[jetstream.Stream](b)(b.js.Stream(b.ctx, s.Config.Name)).Purge(b.ctx))
		}
	}
	b.ok(streams.Err())
}

func BenchmarkPublishWindow(tb *testing.B) {
	b := newBenchmark(tb)
	q, _ := b.queue()
	compare(tb, 20_000, b.purge, b.publishWindow(b.broker, "", q), b.rawPublishWindow("raw"))
}

// The same, where JetStream's client sends what this package sends: an id, so that what is sent
// again is stored once, and a header.
func BenchmarkPublishWindowSame(tb *testing.B) {
	b := newBenchmark(tb)
	q, _ := b.queue()
	sent := 0
	compare(tb, 20_000, b.purge, b.publishWindow(b.broker, "", q), b.rawWindow(func() (jetstream.PubAckFuture, error) {
		sent++
		return b.js.PublishMsgAsync(&natsgo.Msg{Subject: "raw", Data: b.body, Header: natsgo.Header{
			jetstream.MsgIDHeader: {"Tm8WMKQl1PZ0ZQqB4BxAnv." + strconv.Itoa(sent)}, "Bindery": {"x=&k=q"},
		}})
	}))
}

// The same where another connection consumes.
func BenchmarkPublishWindowConsumed(tb *testing.B) {
	b := newBenchmark(tb)
	q, stream := b.queue()
	c := must[*pubsub.Consumer](b)(b.open().Consume(b.ctx, q, &pubsub.ConsumeOptions{Prefetch: 256}))
	raw := must[jetstream.Consumer](b)(b.connectTo(stream).CreateConsumer(b.ctx, jetstream.ConsumerConfig{Durable: "raw", AckPolicy: jetstream.AckExplicitPolicy}))
	messages := must[jetstream.MessagesContext](b)(raw.Messages(jetstream.PullMaxMessages(256)))
	publish, rawPublish := b.publishWindow(b.broker, "", q), b.rawPublishWindow("raw")
	compare(tb, 20_000, func(int) {}, func(n int) {
		var wait sync.WaitGroup
		wait.Go(func() { b.take(c, n) })
		publish(n)
		wait.Wait()
	}, func(n int) {
		var wait sync.WaitGroup
		wait.Go(func() { b.rawTake(messages, n) })
		rawPublish(n)
		wait.Wait()
	})
	messages.Stop()
}

// connectTo looks at a stream by a connection of its own.
func (b *benchmark) connectTo(s jetstream.Stream) jetstream.Stream {
	return must[jetstream.Stream](b)(b.connect().Stream(b.ctx, s.CachedInfo().Config.Name))
}

const window = 256

// publishWindow publishes by one goroutine, with 256 in flight.
func (b *benchmark) publishWindow(broker *pubsub.Broker, exchange, key string) side {
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
			flights <- broker.PublishAsync(b.ctx, exchange, key, pubsub.Message{Body: b.body})
		}
		close(flights)
		wait.Wait()
	}
}

func (b *benchmark) rawPublishWindow(subject string) side {
	return b.rawWindow(func() (jetstream.PubAckFuture, error) { return b.js.PublishAsync(subject, b.body) })
}

func (b *benchmark) rawWindow(publish func() (jetstream.PubAckFuture, error)) side {
	return func(n int) {
		flights := make(chan jetstream.PubAckFuture, window)
		var wait sync.WaitGroup
		wait.Go(func() {
			for f := range flights {
				select {
				case <-f.Ok():
				case err := <-f.Err():
					b.Error(err)
				}
			}
		})
		for range n {
			flights <- must[jetstream.PubAckFuture](b)(publish())
		}
		close(flights)
		wait.Wait()
	}
}

// One publish at a time. Here x-raw is the ratio of the medians of how long a confirm
// takes, so that less is better. Who leads the queue consumes it; so does a consumer of JetStream
// alone, at the same place.
func BenchmarkConfirmLatency(tb *testing.B) {
	tb.Run("nobody leads", func(tb *testing.B) {
		b := newBenchmark(tb)
		q, _ := b.queue()
		b.latency(q)
	})
	tb.Run("led here", func(tb *testing.B) {
		b := newBenchmark(tb)
		q, stream := b.queue()
		b.drain(b.broker, q)
		b.rawDrain(must[jetstream.Stream](b)(b.js.Stream(b.ctx, stream.CachedInfo().Config.Name)))
		b.latency(q)
	})
	tb.Run("led elsewhere", func(tb *testing.B) {
		b := newBenchmark(tb)
		q, stream := b.queue()
		b.drain(b.open(), q)
		b.rawDrain(b.connectTo(stream))
		b.latency(q)
	})
}

// rawDrain is drain with JetStream alone.
func (b *benchmark) rawDrain(stream jetstream.Stream) {
	c := must[jetstream.Consumer](b)(stream.CreateConsumer(b.ctx, jetstream.ConsumerConfig{Durable: "drain", AckPolicy: jetstream.AckExplicitPolicy}))
	messages := must[jetstream.MessagesContext](b)(c.Messages(jetstream.PullMaxMessages(256)))
	var draining sync.WaitGroup
	draining.Go(func() {
		for {
			m, err := messages.Next()
			if err != nil {
				return
			}
			_ = m.Ack()
		}
	})
	b.Cleanup(func() {
		messages.Stop()
		draining.Wait()
	})
}

// drain consumes what comes, until the end.
func (b *benchmark) drain(broker *pubsub.Broker, queue string) {
	c := must[*pubsub.Consumer](b)(broker.Consume(b.ctx, queue, &pubsub.ConsumeOptions{Prefetch: 256}))
	var draining sync.WaitGroup
	draining.Go(func() {
		for {
			d, err := c.Receive(b.ctx)
			if err != nil {
				return
			}
			_ = d.Ack(b.ctx)
		}
	})
	b.Cleanup(func() {
		c.Close()
		draining.Wait()
	})
}

func (b *benchmark) latency(q string) {
	times := func(n int, publish func() error) time.Duration {
		took := make([]time.Duration, n)
		for i := range took {
			start := time.Now()
			b.ok(publish())
			took[i] = time.Since(start)
		}
		return median(took)
	}
	const n = 1000
	var ratio []float64
	var ours, raw []time.Duration
	for b.Loop() {
		r := times(n, func() error { _, err := b.js.Publish(b.ctx, "raw", b.body); return err })
		o := times(n, func() error { return b.broker.Publish(b.ctx, "", q, pubsub.Message{Body: b.body}) })
		ratio, ours, raw = append(ratio, o.Seconds()/r.Seconds()), append(ours, o), append(raw, r)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(ratio), "x-raw")
	b.ReportMetric(float64(median(ours).Nanoseconds())/1e3, "p50-µs")
	b.ReportMetric(float64(median(raw).Nanoseconds())/1e3, "raw-p50-µs")
}

func BenchmarkConsume(tb *testing.B) {
	b := newBenchmark(tb)
	q, stream := b.queue()
	raw := must[jetstream.Consumer](b)(stream.CreateConsumer(b.ctx, jetstream.ConsumerConfig{Durable: "raw", AckPolicy: jetstream.AckExplicitPolicy, MaxAckPending: -1}))
	publish, rawPublish := b.publishWindow(b.broker, "", q), b.rawPublishWindow("raw")
	// A connection of its own for each round: else its leader would have some before it began.
	var consuming *pubsub.Broker
	compare(tb, 20_000, func(n int) {
		b.purge(n)
		if consuming != nil {
			b.ok(consuming.Close())
		}
		consuming = b.open()
		publish(n)
		rawPublish(n)
	}, func(n int) {
		c := must[*pubsub.Consumer](b)(consuming.Consume(b.ctx, q, &pubsub.ConsumeOptions{Prefetch: 512}))
		b.take(c, n)
		b.ok(c.Close())
	}, func(n int) {
		messages := must[jetstream.MessagesContext](b)(raw.Messages(jetstream.PullMaxMessages(512)))
		b.rawTake(messages, n)
		messages.Stop()
	})
}

// take takes n messages and acknowledges each.
func (b *benchmark) take(c *pubsub.Consumer, n int) {
	for range n {
		d, err := c.Receive(b.ctx)
		if err == nil {
			err = d.Ack(b.ctx)
		}
		if err != nil {
			b.Error(err)
			return
		}
	}
}

func (b *benchmark) rawTake(messages jetstream.MessagesContext, n int) {
	for range n {
		m, err := messages.Next()
		if err == nil {
			err = m.Ack()
		}
		if err != nil {
			b.Error(err)
			return
		}
	}
}

// Each message goes to many temporary queues, and everything is acknowledged.
// JetStream alone has one stream with as many durable consumers. msg/s counts
// deliveries.
func BenchmarkFanOut(tb *testing.B) {
	for _, shape := range []struct{ connections, queues int }{{1, 1}, {1, 10}, {1, 100}, {10, 1}} {
		tb.Run(fmt.Sprintf("%d of %d", shape.connections, shape.queues), func(tb *testing.B) {
			b := newBenchmark(tb)
			b.fanOut(shape.connections, shape.queues)
		})
	}
}

func (b *benchmark) fanOut(connections, queues int) {
	b.ok(b.broker.DeclareExchange(b.ctx, pubsub.Exchange{Name: "ours", Kind: pubsub.Fanout}))
	stream := must[jetstream.Stream](b)(b.js.CreateStream(b.ctx, jetstream.StreamConfig{Name: "raw", Subjects: []string{"raw"}, Storage: jetstream.MemoryStorage}))
	var consumers []*pubsub.Consumer
	var raws []jetstream.MessagesContext
	for range connections {
		broker, stream := b.open(), b.connectTo(stream)
		for range queues {
			q := must[string](b)(broker.DeclareQueue(b.ctx, pubsub.TempQueue()))
			b.ok(broker.Bind(b.ctx, pubsub.Binding{Exchange: "ours", Queue: q}))
			consumers = append(consumers, must[*pubsub.Consumer](b)(broker.Consume(b.ctx, q, &pubsub.ConsumeOptions{Prefetch: 256})))
			raw := must[jetstream.Consumer](b)(stream.CreateConsumer(b.ctx, jetstream.ConsumerConfig{
				Durable: fmt.Sprintf("raw%d", len(raws)), AckPolicy: jetstream.AckExplicitPolicy, MaxAckPending: -1,
			}))
			raws = append(raws, must[jetstream.MessagesContext](b)(raw.Messages(jetstream.PullMaxMessages(256))))
		}
	}
	all := connections * queues
	publish, rawPublish := b.publishWindow(b.broker, "ours", ""), b.rawPublishWindow("raw")
	compare(b.B, 100*max(all, 200), func(int) {
		b.ok(stream.Purge(b.ctx))
	}, func(n int) {
		var wait sync.WaitGroup
		for _, c := range consumers {
			wait.Go(func() { b.take(c, n/all) })
		}
		publish(n / all)
		wait.Wait()
	}, func(n int) {
		var wait sync.WaitGroup
		for _, messages := range raws {
			wait.Go(func() { b.rawTake(messages, n/all) })
		}
		rawPublish(n / all)
		wait.Wait()
	})
	for _, messages := range raws {
		messages.Stop()
	}
}
