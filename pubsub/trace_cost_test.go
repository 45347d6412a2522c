package pubsub

import (
	"context"
	"testing"
)

// TestTraceOff: without a Trace, or its functions, nothing is allocated for
// them: a publish is its Publication alone, a delivery and its settlement
// nothing.
func TestTraceOff(t *testing.T) {
	t.Run("nil", func(t *testing.T) { testTraceOff(t, nil) })
	t.Run("no functions", func(t *testing.T) { testTraceOff(t, &Trace{}) })
}

func testTraceOff(t *testing.T, trace *Trace) {
	b := New((&fakeAdapter{}).consumes(&endlessSub{}), &Options{Trace: trace})
	c, err := b.Consume(t.Context(), "q", nil)
	wantErr(t, "consume", err)
	ctx := t.Context()
	for _, x := range []struct {
		what string
		do   func() error
		want float64
	}{
		{"a publish", func() error { return b.Publish(ctx, "e", "k", Message{}) }, 1},
		{"a delivery with its ack", func() error {
			d, err := c.Receive(ctx)
			if err != nil {
				return err
			}
			return d.Ack(ctx)
		}, 0},
		{"a delivery that is processed", func() error {
			d, err := c.Receive(ctx)
			if err != nil {
				return err
			}
			return d.Process(ctx, d.Ack)
		}, 0},
	} {
		// Rare ones, as a new window of deliveries, are rounded away.
		if n := testing.AllocsPerRun(10_000, func() {
			if err := x.do(); err != nil {
				t.Fatal(err)
			}
		}); n != x.want {
			t.Errorf("%s allocates %v times, want %v", x.what, n, x.want)
		}
	}
	wantErr(t, "close", b.Close())
}

// BenchmarkTrace is the cost of hooks: none, one without functions, and one
// whose functions do nothing.
func BenchmarkTrace(b *testing.B) {
	for _, c := range []struct {
		name  string
		trace *Trace
	}{
		{"off", nil},
		{"no functions", &Trace{}},
		{"all functions", &Trace{
			PublishStart: func(ctx context.Context, _ *PublishTrace) context.Context { return ctx },
			PublishEnd:   func(context.Context, *PublishTrace) {},
			Received:     func(context.Context, *ReceiveTrace) {},
			SettleStart:  func(ctx context.Context, _ *SettleTrace) context.Context { return ctx },
			SettleEnd:    func(context.Context, *SettleTrace) {},
		}},
	} {
		broker := New((&fakeAdapter{}).consumes(&endlessSub{}), &Options{Trace: c.trace})
		body := make([]byte, 256)
		b.Run("publish/"+c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := broker.Publish(b.Context(), "logs", "kern.info", Message{Body: body}); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("receive and ack/"+c.name, func(b *testing.B) {
			b.ReportAllocs()
			consumer, err := broker.Consume(b.Context(), "q", nil)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				d, err := consumer.Receive(b.Context())
				if err != nil || d.Ack(b.Context()) != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
