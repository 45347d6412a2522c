package pubsubotel

import (
	"context"
	"maps"
	"slices"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/gobindery/bindery/pubsub"
)

// Carrier has a propagator read and write a message's headers, for programs
// that do so by themselves:
//
//	ctx = otel.GetTextMapPropagator().Extract(ctx, pubsubotel.Carrier(d.Headers))
//
// Those of a delivery must not be written to. Not safe for concurrent use.
type Carrier pubsub.Table

var _ propagation.TextMapCarrier = Carrier(nil)

// Get returns a header that is a string, or bytes, which some clients send for
// one; else it is empty.
func (c Carrier) Get(key string) string {
	switch v := c[key].(type) {
	case string:
		return v
	case []byte:
		return string(v)
	}
	return ""
}

// Set sets a header. The map must not be nil.
func (c Carrier) Set(key, value string) { c[key] = value }

// Keys returns the names of all headers, sorted.
func (c Carrier) Keys() []string { return slices.Sorted(maps.Keys(c)) }

// outgoing is the Carrier of a message that is being published: it leaves the
// publisher's map alone.
type outgoing struct {
	Carrier
	p *pubsub.PublishTrace
}

func (o outgoing) Set(key, value string) { o.p.SetHeader(key, value) }

// creation returns the context of the publish that made a message; it is not
// valid if the headers have none.
func (i *instrumentation) creation(headers pubsub.Table) trace.SpanContext {
	if len(headers) == 0 {
		return trace.SpanContext{}
	}
	return trace.SpanContextFromContext(i.Propagator.Extract(context.Background(), Carrier(headers)))
}

// linkTo is a link to the publish, if it is known.
func linkTo(creation trace.SpanContext) []trace.Link {
	if !creation.IsValid() {
		return nil
	}
	return []trace.Link{{SpanContext: creation}}
}
