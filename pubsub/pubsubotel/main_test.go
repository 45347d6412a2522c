package pubsubotel

import (
	"context"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.uber.org/goleak"

	"github.com/gobindery/bindery/adapters/memory"
	"github.com/gobindery/bindery/pubsub"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// observed is a Broker in memory, and what OpenTelemetry's SDK gets of it.
type observed struct {
	*pubsub.Broker
	spans  *tracetest.InMemoryExporter
	tracer *sdktrace.TracerProvider
	reader *sdkmetric.ManualReader
}

var w3c = propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{})

// observe returns a Broker with a topic exchange logs, bound to the queue audit.
// The providers and the propagator of o are set here; o may be nil.
func observe(t *testing.T, o *Options) *observed {
	t.Helper()
	spans := tracetest.NewInMemoryExporter()
	reader := sdkmetric.NewManualReader()
	ob := &observed{
		spans:  spans,
		tracer: sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans)),
		reader: reader,
	}
	if o == nil {
		o = &Options{}
	}
	o.TracerProvider, o.Propagator = ob.tracer, w3c
	o.MeterProvider = sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))
	trace, err := New(o)
	must(t, err)
	ob.Broker = pubsub.New(memory.NewServer().Connect(nil), &pubsub.Options{Trace: trace})
	t.Cleanup(func() { ob.Close() })
	ctx := t.Context()
	must(t, ob.DeclareExchange(ctx, pubsub.Exchange{Name: "logs", Kind: pubsub.Topic}))
	_, err = ob.DeclareQueue(ctx, pubsub.Queue{Name: "audit"})
	must(t, err)
	must(t, ob.Bind(ctx, pubsub.Binding{Exchange: "logs", Queue: "audit", Key: "kern.#"}))
	return ob
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// take returns the spans that ended since the last time, in that order.
func (ob *observed) take() tracetest.SpanStubs {
	defer ob.spans.Reset()
	return ob.spans.GetSpans()
}

// named returns the one span of that name.
func named(t *testing.T, spans tracetest.SpanStubs, name string) tracetest.SpanStub {
	t.Helper()
	var found []tracetest.SpanStub
	var names []string
	for _, s := range spans {
		names = append(names, s.Name)
		if s.Name == name {
			found = append(found, s)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d spans are named %q, want 1; there are %q", len(found), name, names)
	}
	return found[0]
}

// value is an attribute as text, or empty.
func value(all []attribute.KeyValue, key string) string {
	for _, a := range all {
		if string(a.Key) == key {
			return a.Value.String()
		}
	}
	return ""
}

// metric returns the data of a metric.
func (ob *observed) metric(t *testing.T, name string) metricdata.Aggregation {
	t.Helper()
	var all metricdata.ResourceMetrics
	must(t, ob.reader.Collect(context.Background(), &all))
	for _, s := range all.ScopeMetrics {
		for _, m := range s.Metrics {
			if m.Name == name {
				return m.Data
			}
		}
	}
	return nil
}
