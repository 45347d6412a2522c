package watermill_test

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
)

// Each benchmark does the same with this package and with one of Watermill's own Pub/Subs, in
// turns in one process, and reports the medians of
//
//	x-theirs  messages a second, as a ratio to theirs
//	msg/s     messages a second, by this package; deliveries where there are subscribers
//
// Bodies have 256 bytes. Run with -benchtime=11x or more.

// side handles n messages.
type side func(n int)

// compare has n messages published, of which each has some receivers.
func compare(b *testing.B, n, receivers int, ours, theirs side) {
	compareSlow(b, n, 1, receivers, ours, theirs)
}

// compareSlow gives theirs only a part of the messages.
func compareSlow(b *testing.B, n, part, receivers int, ours, theirs side) {
	ours(n / 10)
	theirs(n / part / 10)
	var c comparison
	for b.Loop() {
		c.add(float64(receivers)*rate(ours, n), float64(receivers)*rate(theirs, n/part))
	}
	c.report(b)
}

// rate is how many of n messages were done in a second.
func rate(f side, n int) float64 {
	start := time.Now()
	f(n)
	return float64(n) / time.Since(start).Seconds()
}

// comparison is one figure for each round.
type comparison struct{ ratios, rates []float64 }

func (c *comparison) add(ours, theirs float64) {
	c.ratios = append(c.ratios, ours/theirs)
	c.rates = append(c.rates, ours)
}

func (c *comparison) report(b *testing.B) {
	slices.Sort(c.ratios)
	slices.Sort(c.rates)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(c.ratios[len(c.ratios)/2], "x-theirs")
	b.ReportMetric(c.rates[len(c.rates)/2], "msg/s")
}

// publishes sends messages by several goroutines, some in each Publish.
func publishes(b *testing.B, p message.Publisher, goroutines, atOnce int) side {
	return publishesTo(b, p, "topic", goroutines, atOnce)
}

func publishesTo(b *testing.B, p message.Publisher, topic string, goroutines, atOnce int) side {
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
					if err := p.Publish(topic, batch...); err != nil {
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
