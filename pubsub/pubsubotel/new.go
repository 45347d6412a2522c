package pubsubotel

import (
	"fmt"
	"sync"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
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

	// Template, if not nil, returns what stands for the name of an exchange or
	// a queue in the names of spans and in messaging.destination.template. It
	// is for programs that name many, as a queue for each user, because there
	// must be few of those. It is called for every operation, by several
	// goroutines at once.
	Template func(name string) string

	// BodySize adds messaging.message.body.size to spans, which the conventions
	// leave to the program to ask for.
	BodySize bool
}

// instrumentation is what the hooks share.
type instrumentation struct {
	Options
	tracer  trace.Tracer
	metrics metrics

	mu   sync.Mutex
	open map[*pubsub.Broker]struct{} // whose figures are observed
}

// New returns a Trace for [pubsub.Options]. Options may be nil. It fails if a
// metric can't be made. One Trace serves any number of Brokers: make one for the
// program, because its metrics are there as long as their MeterProvider.
func New(o *Options) (*pubsub.Trace, error) {
	i := &instrumentation{open: make(map[*pubsub.Broker]struct{})}
	if o != nil {
		i.Options = *o
	}
	if i.TracerProvider == nil {
		i.TracerProvider = otel.GetTracerProvider()
	}
	if i.MeterProvider == nil {
		i.MeterProvider = otel.GetMeterProvider()
	}
	if i.Propagator == nil {
		i.Propagator = otel.GetTextMapPropagator()
	}
	i.tracer = i.TracerProvider.Tracer(scope, trace.WithSchemaURL(schemaURL))
	meter := i.MeterProvider.Meter(scope, metric.WithSchemaURL(schemaURL))
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
