package pubsubotel

import (
	"context"
	"slices"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/gobindery/bindery/pubsub"
)

// running is an operation between its start and its end, in its context.
type running struct {
	span       trace.Span
	began      time.Time
	attributes []attribute.KeyValue // of metrics
}

// runningKey is the key of running in a context: each Trace of a MultiTrace has
// its own.
type runningKey struct{ *instrumentation }

// start begins an operation's span in ctx; links and further attributes are the
// span's alone.
func (i *instrumentation) start(ctx context.Context, o operation, kind trace.SpanKind, links []trace.Link, more func([]attribute.KeyValue) []attribute.KeyValue) context.Context {
	r := &running{began: time.Now(), attributes: slices.Clip(o.attributes())}
	ctx, r.span = i.tracer.Start(ctx, o.spanName(), trace.WithSpanKind(kind), trace.WithTimestamp(r.began),
		trace.WithLinks(links...), trace.WithAttributes(more(r.attributes)...))
	return context.WithValue(ctx, runningKey{i}, r)
}

// end ends the operation that start has begun, and returns how long it took, in
// seconds, and the attributes for its metrics.
func (i *instrumentation) end(ctx context.Context, err error) (seconds float64, all []attribute.KeyValue) {
	r := ctx.Value(runningKey{i}).(*running)
	now := time.Now()
	if err != nil {
		failed := errorType(err)
		r.attributes = append(r.attributes, failed)
		r.span.SetAttributes(failed)
		r.span.SetStatus(codes.Error, err.Error())
	}
	r.span.End(trace.WithTimestamp(now))
	return now.Sub(r.began).Seconds(), r.attributes
}

// traceState is the header that means something beside traceparent only.
const traceState = "tracestate"

func (i *instrumentation) publishStart(ctx context.Context, p *pubsub.PublishTrace) context.Context {
	// A context that the program has put there stays, and this is then not the
	// span that made the message.
	creation, kind := i.creation(p.Headers), trace.SpanKindProducer
	if creation.IsValid() {
		kind = trace.SpanKindClient
	}
	ctx = i.start(ctx, i.publishing(p.Broker, p.Envelope), kind, linkTo(creation), func(all []attribute.KeyValue) []attribute.KeyValue {
		return i.ofMessage(all, p.Envelope, "")
	})
	if !creation.IsValid() {
		// It would be taken for that of the new trace.
		if _, ok := p.Headers[traceState]; ok && slices.Contains(i.Propagator.Fields(), traceState) {
			p.SetHeader(traceState, nil) // the map is no longer the publisher's
			delete(p.Headers, traceState)
		}
		i.Propagator.Inject(ctx, outgoing{Carrier(p.Headers), p})
	}
	return ctx
}

func (i *instrumentation) publishEnd(ctx context.Context, p *pubsub.PublishTrace) {
	seconds, all := i.end(ctx, p.Err)
	i.metrics.published(ctx, p.Sent, seconds, all)
}

// received makes a span of the call that has brought a delivery, but not for
// Handle, where the program asks for none.
func (i *instrumentation) received(ctx context.Context, r *pubsub.ReceiveTrace) {
	if r.Handled {
		o := i.consuming(opProcess, "process", r.Broker, r.Delivery)
		i.metrics.consumed(ctx, o.attributes())
		return
	}
	o := i.consuming(opReceive, "receive", r.Broker, r.Delivery)
	all := slices.Clip(o.attributes())
	now := time.Now()
	_, span := i.tracer.Start(ctx, o.spanName(), trace.WithSpanKind(trace.SpanKindClient), trace.WithTimestamp(r.Began),
		trace.WithLinks(linkTo(i.creation(r.Delivery.Headers))...),
		trace.WithAttributes(i.ofMessage(all, r.Delivery.Envelope, r.Delivery.Queue())...))
	span.End(trace.WithTimestamp(now))
	i.metrics.pulled(ctx, now.Sub(r.Began).Seconds(), all)
}

func (i *instrumentation) handleStart(ctx context.Context, h *pubsub.HandleTrace) context.Context {
	d := h.Delivery
	creation := i.creation(d.Headers)
	around := trace.SpanFromContext(ctx)
	ctx = i.Propagator.Extract(ctx, Carrier(d.Headers)) // its baggage too
	if around.SpanContext().IsValid() {
		ctx = trace.ContextWithSpan(ctx, around)
	}
	return i.start(ctx, i.consuming(opProcess, "process", h.Broker, d), trace.SpanKindConsumer, linkTo(creation), func(all []attribute.KeyValue) []attribute.KeyValue {
		return i.ofMessage(all, d.Envelope, d.Queue())
	})
}

func (i *instrumentation) handleEnd(ctx context.Context, h *pubsub.HandleTrace) {
	seconds, all := i.end(ctx, h.Err)
	i.metrics.processed(ctx, seconds, all)
}

func (i *instrumentation) settleStart(ctx context.Context, s *pubsub.SettleTrace) context.Context {
	d := s.Delivery
	o := i.consuming(s.Outcome.String(), "settle", s.Broker, d)
	return i.start(ctx, o, trace.SpanKindClient, linkTo(i.creation(d.Headers)), func(all []attribute.KeyValue) []attribute.KeyValue {
		if s.Through { // of others than d, too
			return ofBatch(all, s.Count, d.Queue())
		}
		return i.ofMessage(all, d.Envelope, d.Queue())
	})
}

func (i *instrumentation) settleEnd(ctx context.Context, s *pubsub.SettleTrace) {
	seconds, all := i.end(ctx, s.Err)
	i.metrics.settled(ctx, s.Count, seconds, all)
}
