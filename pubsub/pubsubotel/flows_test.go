package pubsubotel

import (
	"context"
	"errors"
	"testing"
	"time"

	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/gobindery/bindery/pubsub"
)

// all returns the spans of that name.
func all(spans tracetest.SpanStubs, name string) (found tracetest.SpanStubs) {
	for _, s := range spans {
		if s.Name == name {
			found = append(found, s)
		}
	}
	return found
}

// TestRetriesInOneTrace: all attempts of a message, the publishes between them
// and that to the parking queue are in the trace of its first publish.
func TestRetriesInOneTrace(t *testing.T) {
	for name, o := range map[string]pubsub.HandleOptions{
		"delay queues": {},
		"by key":       {Key: func(pubsub.Delivery) string { return "k" }},
	} {
		t.Run(name, func(t *testing.T) {
			ob := observe(t, nil)
			must(t, ob.Publish(t.Context(), "logs", "kern.crit", pubsub.Message{}))
			first := named(t, ob.take(), "publish logs")

			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			c, err := ob.Consume(ctx, "audit", nil)
			must(t, err)
			o.Retry = &pubsub.Retry{Delays: []time.Duration{time.Millisecond}, Attempts: 3}
			must(t, c.Handle(ctx, &o, func(_ context.Context, d pubsub.Delivery) error {
				if d.Attempt() == 3 {
					stop()
				}
				return errors.New("out of paper")
			}))

			spans := ob.take()
			attempts := all(spans, "process audit")
			if len(attempts) != 3 {
				t.Fatalf("%d attempts are traced, want 3", len(attempts))
			}
			for _, s := range attempts {
				child(t, s, first.SpanContext)
				linked(t, s, first.SpanContext)
			}
			again := all(spans, "publish audit.retry.1")
			if want := map[string]int{"delay queues": 2}[name]; len(again) != want {
				t.Fatalf("%d publishes to the delay queue, want %d", len(again), want)
			}
			for i, s := range append(again, named(t, spans, "publish audit.parked")) {
				if i == len(again) {
					i = 2 // parked by the last
				}
				child(t, s, attempts[i].SpanContext)
				linked(t, s, first.SpanContext)
				if s.SpanKind != trace.SpanKindClient {
					t.Errorf("%s is of kind %v, want client", s.Name, s.SpanKind)
				}
			}
			for _, s := range spans {
				if s.SpanContext.TraceID() != first.SpanContext.TraceID() {
					t.Errorf("%s is in another trace", s.Name)
				}
			}
			_, ok, err := ob.Get(t.Context(), "audit.parked", nil)
			if !ok || err != nil {
				t.Fatal(ok, err)
			}
			linked(t, named(t, ob.take(), "receive audit.parked"), first.SpanContext)
		})
	}
}

// TestCallInOneTrace: a request, its handler, the reply and its receipt are in
// the caller's trace.
func TestCallInOneTrace(t *testing.T) {
	ob := observe(t, nil)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	served := make(chan error, 1)
	go func() {
		served <- ob.Serve(ctx, "audit", nil, func(_ context.Context, d pubsub.Delivery) (pubsub.Message, error) {
			return pubsub.Message{Body: d.Body}, nil
		})
	}()
	caller, err := ob.NewCaller(t.Context())
	must(t, err)
	around, root := ob.tracer.Tracer("app").Start(t.Context(), "job")
	_, err = caller.Call(around, "logs", "kern.info", pubsub.Message{})
	must(t, err)
	root.End()
	stop()
	must(t, <-served) // all its spans have ended
	must(t, caller.Close())

	spans := ob.take()
	request, process := named(t, spans, "publish logs"), named(t, spans, "process audit")
	reply := named(t, spans, "publish amq.default")
	child(t, request, root.SpanContext())
	child(t, process, request.SpanContext)
	child(t, reply, process.SpanContext)
	received := named(t, spans, "ack amq.default")
	child(t, received, root.SpanContext())
	linked(t, received, reply.SpanContext)
	if len(spans) != 6 {
		t.Errorf("%d spans, want 6: job, request, handler and ack, reply and ack", len(spans))
	}
	for _, s := range spans {
		if s.SpanContext.TraceID() != root.SpanContext().TraceID() {
			t.Errorf("%s is in another trace", s.Name)
		}
	}
}
