package memory_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/pubsub/gochannel"
	"github.com/gobindery/bindery/adapters/memory"
	"github.com/gobindery/bindery/pubsub"
)

// The three fan-outs publish b.N messages of 256 bytes to 1, 10 or 100 receivers;
// each receiver gets and settles every message. At most 4,096 messages are in
// flight. deliveries/s is the figure to compare; docs/performance.md quotes
// ratios.
var receivers = []int{1, 10, 100}

const inFlight = 4096

func BenchmarkFanout(b *testing.B) {
	for _, n := range receivers {
		b.Run(fmt.Sprintf("bindery/%d", n), func(b *testing.B) { benchmarkBindery(b, n) })
		b.Run(fmt.Sprintf("channels/%d", n), func(b *testing.B) { benchmarkChannels(b, n) })
		b.Run(fmt.Sprintf("gochannel/%d", n), func(b *testing.B) { benchmarkGochannel(b, n) })
	}
}

func report(b *testing.B, receivers int) {
	b.ReportMetric(float64(b.N*receivers)/b.Elapsed().Seconds(), "deliveries/s")
}

// window bounds how far a publisher is ahead of the slowest receiver: receivers tell after
// each quarter of it, and the publisher waits for all of them.
type window struct{ done chan struct{} }

const quarter = inFlight / 4

func newWindow(receivers int) *window { return &window{make(chan struct{}, 8*receivers)} }

// received is called by each receiver after its i-th message.
func (w *window) received(i int) {
	if i%quarter == 0 {
		w.done <- struct{}{}
	}
}

// publish is called by the publisher before its i-th message.
func (w *window) publish(i, receivers int) {
	if i%quarter == 0 && i >= inFlight {
		for range receivers {
			<-w.done
		}
	}
}

func benchmarkBindery(b *testing.B, n int) {
	ctx := context.Background()
	broker := pubsub.New(memory.NewServer().Connect(nil), nil)
	defer broker.Close()
	must(b, broker.DeclareExchange(ctx, pubsub.Exchange{Name: "logs", Kind: pubsub.Fanout}))
	w := newWindow(n)
	var wg sync.WaitGroup
	for range n {
		q, err := broker.DeclareQueue(ctx, pubsub.TempQueue())
		must(b, err)
		must(b, broker.Bind(ctx, pubsub.Binding{Exchange: "logs", Queue: q}))
		c, err := broker.Consume(ctx, q, &pubsub.ConsumeOptions{Prefetch: pubsub.Unlimited})
		must(b, err)
		wg.Go(func() {
			for i := 1; i <= b.N; i++ {
				d, err := c.Receive(ctx)
				if err != nil || d.Ack(ctx) != nil {
					b.Error(err)
					return
				}
				w.received(i)
			}
		})
	}
	body := make([]byte, 256)
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		w.publish(i, n)
		if err := broker.Publish(ctx, "logs", "", pubsub.Message{Body: body}); err != nil {
			b.Fatal(err)
		}
	}
	wg.Wait()
	report(b, n)
}

// benchmarkChannels is the limit: a buffered channel a receiver, a copy of the body a message.
func benchmarkChannels(b *testing.B, n int) {
	type msg struct{ body []byte }
	w := newWindow(n)
	chans := make([]chan *msg, n)
	var wg sync.WaitGroup
	for k := range chans {
		chans[k] = make(chan *msg, inFlight)
		wg.Go(func() {
			for i := 1; i <= b.N; i++ {
				<-chans[k]
				w.received(i)
			}
		})
	}
	body := make([]byte, 256)
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		w.publish(i, n)
		m := &msg{append([]byte(nil), body...)}
		for _, c := range chans {
			c <- m
		}
	}
	wg.Wait()
	report(b, n)
}

// benchmarkGochannel is Watermill's in-memory Pub/Sub at its best setting.
func benchmarkGochannel(b *testing.B, n int) {
	ps := gochannel.NewGoChannel(gochannel.Config{OutputChannelBuffer: inFlight}, watermill.NopLogger{})
	defer ps.Close()
	w := newWindow(n)
	var wg sync.WaitGroup
	for range n {
		in, err := ps.Subscribe(context.Background(), "logs")
		must(b, err)
		wg.Go(func() {
			for i := 1; i <= b.N; i++ {
				m := <-in
				m.Ack()
				w.received(i)
			}
		})
	}
	body := make([]byte, 256)
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		w.publish(i, n)
		if err := ps.Publish("logs", message.NewMessage("1", append([]byte(nil), body...))); err != nil {
			b.Fatal(err)
		}
	}
	wg.Wait()
	report(b, n)
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}
