package pubsubotel

import (
	"context"
	"errors"
	"maps"
	"slices"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/semconv/v1.43.0/messagingconv"

	"github.com/gobindery/bindery/pubsub"
)

// metrics are the instruments: those of the conventions, and ours where they
// have none.
type metrics struct {
	sent      metric.Int64Counter
	received  metric.Int64Counter
	operation metric.Float64Histogram
	process   metric.Float64Histogram

	settlements metric.Int64Counter
	publishes   metric.Int64ObservableUpDownCounter
	deliveries  metric.Int64ObservableUpDownCounter
}

func newMetrics(m metric.Meter) (metrics, error) {
	// The conventions give these, in seconds.
	seconds := metric.WithExplicitBucketBoundaries(0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
	sent, err1 := messagingconv.NewClientSentMessages(m)
	received, err2 := messagingconv.NewClientConsumedMessages(m)
	operation, err3 := messagingconv.NewClientOperationDuration(m, seconds)
	process, err4 := messagingconv.NewProcessDuration(m, seconds)
	settled, err5 := m.Int64Counter("bindery.client.settled.messages", metric.WithUnit("{message}"),
		metric.WithDescription("Number of deliveries that were acknowledged, requeued or rejected."))
	publishes, err6 := m.Int64ObservableUpDownCounter("bindery.client.inflight.publishes", metric.WithUnit("{message}"),
		metric.WithDescription("Number of publishes without an outcome."))
	deliveries, err7 := m.Int64ObservableUpDownCounter("bindery.client.inflight.deliveries", metric.WithUnit("{message}"),
		metric.WithDescription("Number of deliveries that were received and not settled."))
	return metrics{sent.Inst(), received.Inst(), operation.Inst(), process.Inst(), settled, publishes, deliveries},
		errors.Join(err1, err2, err3, err4, err5, err6, err7)
}

func (m *metrics) published(ctx context.Context, sent bool, seconds float64, all []attribute.KeyValue) {
	if !m.sent.Enabled(ctx) && !m.operation.Enabled(ctx) {
		return
	}
	set := setOf(all)
	if sent {
		m.sent.Add(ctx, 1, set)
	}
	m.operation.Record(ctx, seconds, set)
}

// consumed is for deliveries to handlers, which nobody waited for.
func (m *metrics) consumed(ctx context.Context, all []attribute.KeyValue) {
	if m.received.Enabled(ctx) {
		m.received.Add(ctx, 1, setOf(all))
	}
}

func (m *metrics) pulled(ctx context.Context, seconds float64, all []attribute.KeyValue) {
	if !m.received.Enabled(ctx) && !m.operation.Enabled(ctx) {
		return
	}
	set := setOf(all)
	m.received.Add(ctx, 1, set)
	m.operation.Record(ctx, seconds, set)
}

func (m *metrics) processed(ctx context.Context, seconds float64, all []attribute.KeyValue) {
	if m.process.Enabled(ctx) {
		m.process.Record(ctx, seconds, setOf(all))
	}
}

func (m *metrics) settled(ctx context.Context, n int, seconds float64, all []attribute.KeyValue) {
	if !m.settlements.Enabled(ctx) && !m.operation.Enabled(ctx) {
		return
	}
	set := setOf(all)
	m.settlements.Add(ctx, int64(n), set)
	m.operation.Record(ctx, seconds, set)
}

// setOf makes the attributes of one operation, for all its metrics.
func setOf(all []attribute.KeyValue) metric.MeasurementOption {
	return metric.WithAttributeSet(attribute.NewSet(all...))
}

// opened has the Broker's figures observed, until closed.
func (i *instrumentation) opened(b *pubsub.Broker) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.open[b] = struct{}{}
}

func (i *instrumentation) closed(b *pubsub.Broker) {
	i.mu.Lock()
	defer i.mu.Unlock()
	delete(i.open, b)
}

// observe tells what is in flight: one figure for all Brokers of an Endpoint.
func (i *instrumentation) observe(_ context.Context, o metric.Observer) error {
	i.mu.Lock()
	open := slices.Collect(maps.Keys(i.open))
	i.mu.Unlock()
	type inFlight struct{ publishes, deliveries int }
	sums := map[pubsub.Endpoint]inFlight{}
	for _, b := range open {
		at := b.Endpoint()
		publishes, deliveries := b.InFlight()
		sums[at] = inFlight{sums[at].publishes + publishes, sums[at].deliveries + deliveries}
	}
	for at, n := range sums {
		all := metric.WithAttributes(ofEndpoint(at)...)
		o.ObserveInt64(i.metrics.publishes, int64(n.publishes), all)
		o.ObserveInt64(i.metrics.deliveries, int64(n.deliveries), all)
	}
	return nil
}
