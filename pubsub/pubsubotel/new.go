package pubsubotel

import (
	"fmt"
	"sync"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/gobindery/bindery/pubsub"
)

// scope is the name of the instrumentation.
const scope = "github.com/gobindery/bindery/pubsub/pubsubotel"

// Options are for [New]. Nil is the same as the zero value.
type Options struct {
	// TracerProvider makes the spans. Nil is the global one.
	TracerProvider trace.TracerProvider

	// MeterProvider makes the metrics. Nil is the global one.
	MeterProvider metric.MeterProvider

	// Propagator puts the context into messages and takes it out. Nil is the
	// global one, which does nothing until the program sets one.
	Propagator propagation.TextMapPropagator
}

// instrumentation is what the hooks share.
type instrumentation struct {
	tracer     trace.Tracer
	propagator propagation.TextMapPropagator
	metrics    metrics

	mu   sync.Mutex
	open map[*pubsub.Broker]struct{} // whose figures are observed
}

// New returns a Trace for [pubsub.Options]. It may serve several Brokers.
// Options may be nil. It fails if a metric can't be made.
func New(o *Options) (*pubsub.Trace, error) {
	if o == nil {
		o = &Options{}
	}
	tracers, meters := o.TracerProvider, o.MeterProvider
	if tracers == nil {
		tracers = otel.GetTracerProvider()
	}
	if meters == nil {
		meters = otel.GetMeterProvider()
	}
	i := &instrumentation{
		tracer:     tracers.Tracer(scope, trace.WithSchemaURL(semconv.SchemaURL)),
		propagator: o.Propagator,
		open:       make(map[*pubsub.Broker]struct{}),
	}
	if i.propagator == nil {
		i.propagator = otel.GetTextMapPropagator()
	}
	meter := meters.Meter(scope, metric.WithSchemaURL(semconv.SchemaURL))
	var err error
	i.metrics, err = newMetrics(meter)
	if err == nil {
		_, err = meter.RegisterCallback(i.observe, i.metrics.publishes, i.metrics.deliveries)
	}
	if err != nil {
		return nil, fmt.Errorf("make the metrics of OpenTelemetry: %w", err)
	}
	return &pubsub.Trace{
		Opened:       i.opened,
		Closed:       i.closed,
		PublishStart: i.publishStart,
		PublishEnd:   i.publishEnd,
		Received:     i.received,
		HandleStart:  i.handleStart,
		HandleEnd:    i.handleEnd,
		SettleStart:  i.settleStart,
		SettleEnd:    i.settleEnd,
	}, nil
}
