package pubsubotel

import (
	"testing"

	"go.opentelemetry.io/otel/metric/noop"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	nooptrace "go.opentelemetry.io/otel/trace/noop"

	"github.com/gobindery/bindery/adapters/memory"
	"github.com/gobindery/bindery/pubsub"
)

// BenchmarkTraced is a publish, its delivery and its ack, in memory.
func BenchmarkTraced(b *testing.B) {
	meters := sdkmetric.NewMeterProvider(sdkmetric.WithReader(sdkmetric.NewManualReader()))
	for _, c := range []struct {
		name string
		o    *Options
	}{
		{"off", nil},
		{"no-op providers", &Options{TracerProvider: nooptrace.NewTracerProvider(), MeterProvider: noop.NewMeterProvider(), Propagator: w3c}},
		{"SDK, metrics alone", &Options{TracerProvider: nooptrace.NewTracerProvider(), MeterProvider: meters, Propagator: w3c}},
		{"SDK, no span sampled", &Options{TracerProvider: sdktrace.NewTracerProvider(sdktrace.WithSampler(sdktrace.NeverSample())), MeterProvider: meters, Propagator: w3c}},
		{"SDK, every span sampled", &Options{TracerProvider: sdktrace.NewTracerProvider(), MeterProvider: meters, Propagator: w3c}},
	} {
		b.Run(c.name, func(b *testing.B) {
			o := &pubsub.Options{}
			if c.o != nil {
				var err error
				if o.Trace, err = New(c.o); err != nil {
					b.Fatal(err)
				}
			}
			broker := pubsub.New(memory.NewServer().Connect(nil), o)
			defer broker.Close()
			if _, err := broker.DeclareQueue(b.Context(), pubsub.Queue{Name: "q"}); err != nil {
				b.Fatal(err)
			}
			consumer, err := broker.Consume(b.Context(), "q", nil)
			if err != nil {
				b.Fatal(err)
			}
			m := pubsub.Message{Body: make([]byte, 256)}
			b.ReportAllocs()
			for b.Loop() {
				if err := broker.Publish(b.Context(), "", "q", m); err != nil {
					b.Fatal(err)
				}
				d, err := consumer.Receive(b.Context())
				if err != nil || d.Ack(b.Context()) != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
