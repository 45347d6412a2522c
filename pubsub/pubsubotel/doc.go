// Package pubsubotel traces and measures a [pubsub.Broker] with OpenTelemetry,
// by the semantic conventions for messaging.
//
//	trace, err := pubsubotel.New(nil) // the global providers and propagator
//	b, err := backends.Open(ctx, "amqp://localhost", &pubsub.Options{Trace: trace})
//
// It imports OpenTelemetry's API, not its SDK: the program chooses what becomes
// of spans and metrics.
//
// # Context
//
// A publish puts its span's context and the baggage into the message's headers,
// as strings, by the propagator: traceparent, tracestate and baggage with W3C's.
// A message that has one already keeps it, as the conventions ask: one that is
// published again as it was received, or retried, belongs to its first trace.
//
// # Spans
//
// There is one span each for a publish, from the call to its confirm; for a
// delivery that the program gets by Receive, All or Get; for each call of a
// handler, and of [pubsub.Delivery.Process]; and for each settlement. All but
// the first link to the span of the publish. A handler's span is a child of
// the span in the context of Handle, if there is one, and else of that of the
// publish.
//
// # Metrics
//
// See docs/opentelemetry.md for their names and attributes.
package pubsubotel
