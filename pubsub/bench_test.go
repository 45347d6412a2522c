package pubsub

import (
	"context"
	"testing"
	"time"
)

// The benchmarks measure what Broker costs above an adapter that does nothing.

// endlessSub delivers the same message for ever.
type endlessSub struct {
	fakeSub
	message Envelope
	tag     uint64
}

func (s *endlessSub) Receive(_ context.Context, buf []Incoming) (int, error) {
	for i := range buf {
		s.tag++
		buf[i] = Incoming{Envelope: &s.message, Tag: s.tag}
	}
	return len(buf), nil
}

func (s *endlessSub) Settle(context.Context, uint64, Outcome, bool) error { return nil }

func BenchmarkPublish(b *testing.B) {
	broker := New(&fakeAdapter{}, nil)
	body := make([]byte, 256)
	ttl := time.Second
	for _, c := range []struct {
		name string
		m    Message
	}{
		{"body", Message{Body: body}},
		{"properties", Message{Body: body, ContentType: "text/plain", DeliveryMode: Persistent, CorrelationID: "1", MessageID: "2", Expiration: &ttl, AppID: "bench"}},
		{"headers", Message{Body: body, Headers: Table{"a": "b", "n": int64(1), "t": true}}},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			ctx, cancel := context.WithCancel(b.Context())
			defer cancel()
			for b.Loop() {
				if err := broker.Publish(ctx, "logs", "kern.info", c.m); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("mandatory", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := broker.Publish(b.Context(), "logs", "kern.info", Message{Body: body}, Mandatory); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("parallel", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				_ = broker.Publish(b.Context(), "logs", "kern.info", Message{Body: body})
			}
		})
	})
}

// BenchmarkPublishAsync has the confirms come from another goroutine, with as
// many in flight as are allowed.
func BenchmarkPublishAsync(b *testing.B) {
	b.ReportAllocs()
	confirms := make(chan *Publication, 1024)
	broker := New(&fakeAdapter{onPublish: func(_ context.Context, p *Publication) { confirms <- p }}, &Options{MaxInFlight: 256})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for p := range confirms {
			p.Confirm(nil)
		}
	}()
	body := make([]byte, 256)
	for b.Loop() {
		broker.PublishAsync(b.Context(), "logs", "kern.info", Message{Body: body})
	}
	close(confirms)
	<-done
}

func benchConsumer(b *testing.B, o *ConsumeOptions) *Consumer {
	c, err := New((&fakeAdapter{}).consumes(&endlessSub{}), nil).Consume(b.Context(), "q", o)
	if err != nil {
		b.Fatal(err)
	}
	return c
}

func BenchmarkReceive(b *testing.B) {
	b.Run("auto ack", func(b *testing.B) {
		b.ReportAllocs()
		c := benchConsumer(b, &ConsumeOptions{AutoAck: true})
		for b.Loop() {
			if _, err := c.Receive(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("ack", func(b *testing.B) {
		b.ReportAllocs()
		c := benchConsumer(b, nil)
		for b.Loop() {
			d, err := c.Receive(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			if err := d.Ack(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("ack through", func(b *testing.B) {
		b.ReportAllocs()
		c := benchConsumer(b, nil)
		for i := 0; b.Loop(); i++ {
			d, err := c.Receive(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			if i%64 == 63 {
				if err := d.AckThrough(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
	b.Run("parallel", func(b *testing.B) {
		b.ReportAllocs()
		c := benchConsumer(b, nil)
		b.SetParallelism(16)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				d, err := c.Receive(b.Context())
				if err != nil {
					b.Error(err)
					return
				}
				_ = d.Ack(b.Context())
			}
		})
	})
}

// BenchmarkOneOfMany hands deliveries one by one to 64 goroutines that wait.
func BenchmarkOneOfMany(b *testing.B) {
	b.ReportAllocs()
	sub := newFakeSub()
	c, err := New((&fakeAdapter{}).consumes(sub), nil).Consume(b.Context(), "q", nil)
	if err != nil {
		b.Fatal(err)
	}
	got := make(chan struct{})
	done := make(chan struct{})
	ctx, cancel := context.WithCancel(context.Background())
	for range 64 {
		go func() {
			for {
				if _, err := c.Receive(ctx); err != nil {
					done <- struct{}{}
					return
				}
				got <- struct{}{}
			}
		}()
	}
	for b.Loop() {
		sub.push(1)
		<-got
	}
	cancel()
	for range 64 {
		<-done
	}
}
