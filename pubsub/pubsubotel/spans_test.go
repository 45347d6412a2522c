package pubsubotel

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/gobindery/bindery/pubsub"
)

// wants checks a span's kind and all its attributes.
func wants(t *testing.T, s tracetest.SpanStub, kind trace.SpanKind, want map[string]string) {
	t.Helper()
	got := map[string]string{}
	for _, a := range s.Attributes {
		got[string(a.Key)] = a.Value.String()
	}
	if s.SpanKind != kind || !maps.Equal(got, want) {
		t.Errorf("%s: %v with\n%v\nwant %v with\n%v", s.Name, s.SpanKind, got, kind, want)
	}
}

// linked checks that a span has one link, to another.
func linked(t *testing.T, s tracetest.SpanStub, to trace.SpanContext) {
	t.Helper()
	if len(s.Links) != 1 || s.Links[0].SpanContext.SpanID() != to.SpanID() || s.Links[0].SpanContext.TraceID() != to.TraceID() {
		t.Errorf("%s has the links %v, want one to %v", s.Name, s.Links, to.SpanID())
	}
}

func child(t *testing.T, s tracetest.SpanStub, of trace.SpanContext) {
	t.Helper()
	if s.Parent.SpanID() != of.SpanID() || s.SpanContext.TraceID() != of.TraceID() {
		t.Errorf("%s is a child of %v, want %v", s.Name, s.Parent.SpanID(), of.SpanID())
	}
}

func TestPublishAndHandle(t *testing.T) {
	ob := observe(t, nil)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	c, err := ob.Consume(ctx, "audit", nil)
	must(t, err)
	member, err := baggage.NewMember("tenant", "shop")
	must(t, err)
	bag, err := baggage.New(member)
	must(t, err)
	out := pubsub.Message{Body: []byte("hello"), MessageID: "m1", CorrelationID: "c1", Headers: pubsub.Table{"own": "1"}}
	must(t, ob.Publish(baggage.ContextWithBaggage(ctx, bag), "logs", "kern.crit", out))
	if len(out.Headers) != 1 {
		t.Errorf("the publisher's headers became %v", out.Headers)
	}
	sent := named(t, ob.take(), "publish logs")
	if sent.Parent.IsValid() || len(sent.Links) != 0 || sent.Status.Code != codes.Unset {
		t.Errorf("publish: parent %v, links %v, status %v; want none", sent.Parent, sent.Links, sent.Status)
	}
	wants(t, sent, trace.SpanKindProducer, map[string]string{
		"messaging.system.name": "memory", "messaging.operation.name": "publish", "messaging.operation.type": "send",
		"messaging.destination.name": "logs:kern.crit", "messaging.destination.template": "logs", "rabbitmq.destination.routing_key": "kern.crit",
		"messaging.message.id": "m1", "messaging.message.conversation_id": "c1",
	})

	must(t, c.Handle(ctx, nil, func(ctx context.Context, d pubsub.Delivery) error {
		defer stop()
		if got := baggage.FromContext(ctx).Member("tenant").Value(); got != "shop" {
			t.Errorf("the handler has the baggage tenant %q, want shop", got)
		}
		if d.Headers["own"] != "1" || d.Headers["traceparent"] == nil || d.Headers["baggage"] != "tenant=shop" {
			t.Errorf("the message has the headers %v", d.Headers)
		}
		_, span := ob.tracer.Tracer("handler").Start(ctx, "work")
		span.End()
		return nil
	}))
	spans := ob.take()
	process, ack := named(t, spans, "process audit"), named(t, spans, "ack audit")
	child(t, process, sent.SpanContext)
	child(t, named(t, spans, "work"), process.SpanContext)
	child(t, ack, process.SpanContext)
	linked(t, process, sent.SpanContext)
	linked(t, ack, sent.SpanContext)
	if len(spans) != 3 {
		t.Errorf("%d spans, want 3: none for receiving", len(spans))
	}
	want := map[string]string{
		"messaging.system.name": "memory", "messaging.operation.name": "process", "messaging.operation.type": "process",
		"messaging.destination.name": "logs:kern.crit:audit", "messaging.destination.template": "audit", "rabbitmq.destination.routing_key": "kern.crit",
		"messaging.message.id": "m1", "messaging.message.conversation_id": "c1",
	}
	wants(t, process, trace.SpanKindConsumer, want)
	want["messaging.operation.name"], want["messaging.operation.type"] = "ack", "settle"
	wants(t, ack, trace.SpanKindClient, want)
}

// TestHandleWithin: in the scope of a span, a handler's is a child of that.
func TestHandleWithin(t *testing.T) {
	ob := observe(t, nil)
	must(t, ob.Publish(t.Context(), "logs", "kern.info", pubsub.Message{}))
	sent := named(t, ob.take(), "publish logs")
	ctx, around := ob.tracer.Tracer("worker").Start(t.Context(), "job")
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	c, err := ob.Consume(ctx, "audit", nil)
	must(t, err)
	failed := errors.New("out of paper")
	must(t, c.Handle(ctx, nil, func(context.Context, pubsub.Delivery) error {
		stop()
		return fmt.Errorf("%w: %w", pubsub.ErrReject, failed)
	}))
	spans := ob.take()
	process := named(t, spans, "process audit")
	child(t, process, around.SpanContext())
	linked(t, process, sent.SpanContext)
	if process.Status.Code != codes.Error || value(process.Attributes, "error.type") != "rejected" {
		t.Errorf("process has the status %v and attributes %v", process.Status, process.Attributes)
	}
	child(t, named(t, spans, "reject audit"), process.SpanContext)
}

func TestReceive(t *testing.T) {
	ob := observe(t, nil)
	for range 3 {
		must(t, ob.Publish(t.Context(), "", "audit", pubsub.Message{}))
	}
	sent := ob.take()
	if sent[0].Name != "publish audit" || value(sent[0].Attributes, "messaging.destination.name") != "audit" {
		t.Errorf("a publish to the default exchange is %q with %v", sent[0].Name, sent[0].Attributes)
	}
	c, err := ob.Consume(t.Context(), "audit", nil)
	must(t, err)
	ctx, around := ob.tracer.Tracer("worker").Start(t.Context(), "job")
	var d pubsub.Delivery
	for i := range 3 {
		d, err = c.Receive(ctx)
		must(t, err)
		receive := named(t, ob.take(), "receive audit")
		linked(t, receive, sent[i].SpanContext)
		child(t, receive, around.SpanContext())
		wants(t, receive, trace.SpanKindClient, map[string]string{
			"messaging.system.name": "memory", "messaging.operation.name": "receive", "messaging.operation.type": "receive",
			"messaging.destination.name": "audit", "messaging.destination.template": "audit", "rabbitmq.destination.routing_key": "audit",
		})
	}
	must(t, d.Process(t.Context(), d.AckThrough))
	spans := ob.take()
	process, ack := named(t, spans, "process audit"), named(t, spans, "ack audit")
	child(t, process, sent[2].SpanContext)
	child(t, ack, process.SpanContext)
	wants(t, ack, trace.SpanKindClient, map[string]string{
		"messaging.system.name": "memory", "messaging.operation.name": "ack", "messaging.operation.type": "settle",
		"messaging.destination.name": "audit", "messaging.destination.template": "audit", "messaging.batch.message_count": "3",
	})
}

// TestTemporary: a queue whose name the broker chose is in no span's name, of
// which there would be too many.
func TestTemporary(t *testing.T) {
	ob := observe(t, nil)
	q, err := ob.DeclareQueue(t.Context(), pubsub.TempQueue())
	must(t, err)
	must(t, ob.Bind(t.Context(), pubsub.Binding{Exchange: "logs", Queue: q, Key: "#"}))
	must(t, ob.Publish(t.Context(), "logs", "a", pubsub.Message{}))
	must(t, ob.Publish(t.Context(), "", q, pubsub.Message{}))
	for _, name := range []string{"receive logs", "receive amq.default"} {
		_, ok, err := ob.Get(t.Context(), q, nil)
		if !ok || err != nil {
			t.Fatal(ok, err)
		}
		if s := named(t, ob.take(), name); value(s.Attributes, "messaging.destination.anonymous") != "true" {
			t.Errorf("%s has the attributes %v", name, s.Attributes)
		}
	}
	must(t, ob.Publish(t.Context(), "", q, pubsub.Message{}))
	if s := named(t, ob.take(), "publish amq.default"); value(s.Attributes, "messaging.destination.anonymous") != "true" {
		t.Errorf("%s has the attributes %v", s.Name, s.Attributes)
	}
	c, err := ob.Consume(t.Context(), q, nil)
	must(t, err)
	d, err := c.Receive(t.Context())
	must(t, err)
	must(t, d.AckThrough(t.Context()))
	if s := named(t, ob.take(), "ack amq.default"); value(s.Attributes, "messaging.destination.anonymous") != "true" || value(s.Attributes, "messaging.destination.name") != q {
		t.Errorf("%s has the attributes %v", s.Name, s.Attributes)
	}
}

// TestOptions: names that a program makes are told as one, in spans and
// metrics; and the size of the body is told where it is asked for.
func TestOptions(t *testing.T) {
	ob := observe(t, &Options{BodySize: true, Template: func(name string) string {
		if strings.HasPrefix(name, "user.") {
			return "user.*"
		}
		return name
	}})
	_, err := ob.DeclareQueue(t.Context(), pubsub.Queue{Name: "user.42"})
	must(t, err)
	must(t, ob.Publish(t.Context(), "", "user.42", pubsub.Message{Body: []byte("hello")}))
	must(t, ob.Publish(t.Context(), "logs", "kern.info", pubsub.Message{}))
	must(t, ob.Publish(t.Context(), "", "", pubsub.Message{}))
	spans := ob.take()
	wants(t, named(t, spans, "publish user.*"), trace.SpanKindProducer, map[string]string{
		"messaging.system.name": "memory", "messaging.operation.name": "publish", "messaging.operation.type": "send",
		"messaging.destination.name": "user.42", "messaging.destination.template": "user.*", "rabbitmq.destination.routing_key": "user.42",
		"messaging.message.body.size": "5",
	})
	named(t, spans, "publish logs")
	wants(t, named(t, spans, "publish amq.default"), trace.SpanKindProducer, map[string]string{
		"messaging.system.name": "memory", "messaging.operation.name": "publish", "messaging.operation.type": "send",
		"messaging.destination.name": "amq.default", "messaging.destination.template": "amq.default", "messaging.message.body.size": "0",
	})
	_, ok, err := ob.Get(t.Context(), "user.42", nil)
	if !ok || err != nil {
		t.Fatal(ok, err)
	}
	named(t, ob.take(), "receive user.*")
	want := map[string]int{" publish user.*": 1, " publish logs": 1, " publish amq.default": 1}
	if got := ob.counts(t, "messaging.client.sent.messages"); !maps.Equal(got, want) {
		t.Errorf("sent are %v, want %v", got, want)
	}
}

// TestPublishAgain: a message keeps the context that it has.
func TestPublishAgain(t *testing.T) {
	ob := observe(t, nil)
	must(t, ob.Publish(t.Context(), "logs", "kern.info", pubsub.Message{}))
	first := named(t, ob.take(), "publish logs")
	d, ok, err := ob.Get(t.Context(), "audit", nil)
	if !ok || err != nil {
		t.Fatal(ok, err)
	}
	must(t, ob.Publish(t.Context(), "logs", "kern.again", d.Message))
	again := named(t, ob.take()[1:], "publish logs")
	linked(t, again, first.SpanContext)
	if again.SpanKind != trace.SpanKindClient {
		t.Errorf("the second publish is of kind %v, want client", again.SpanKind)
	}
	e, ok, err := ob.Get(t.Context(), "audit", nil)
	if !ok || err != nil {
		t.Fatal(ok, err)
	}
	if e.Headers["traceparent"] != d.Headers["traceparent"] {
		t.Errorf("the context became %v, want %v", e.Headers["traceparent"], d.Headers["traceparent"])
	}
}

// TestCarrier: other clients send bytes for strings, and anything else.
func TestCarrier(t *testing.T) {
	c := Carrier{"b": []byte("bytes"), "n": int64(1)}
	c.Set("a", "text")
	for key, want := range map[string]string{"a": "text", "b": "bytes", "n": "", "missing": ""} {
		if got := c.Get(key); got != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
	if got := fmt.Sprint(c.Keys()); got != "[a b n]" {
		t.Errorf("the keys are %s", got)
	}
	ob := observe(t, nil)
	// No context, and a broken one: there is nothing to link to.
	for _, h := range []pubsub.Table{nil, {"traceparent": "00-nonsense"}, {"traceparent": int64(1)}} {
		must(t, ob.Publish(t.Context(), "", "audit", pubsub.Message{Headers: h}))
		s := named(t, ob.take(), "publish audit")
		if len(s.Links) != 0 || s.SpanKind != trace.SpanKindProducer {
			t.Errorf("with headers %v: links %v, kind %v", h, s.Links, s.SpanKind)
		}
	}
}

// A tracestate without a context that can be read does not
// become that of the new one.
func TestStaleTracestate(t *testing.T) {
	ob := observe(t, nil)
	for _, h := range []pubsub.Table{{"tracestate": "vendor=old"}, {"tracestate": "vendor=old", "traceparent": "00-nonsense"}} {
		own := len(h)
		must(t, ob.Publish(t.Context(), "", "audit", pubsub.Message{Headers: h}))
		d, ok, err := ob.Get(t.Context(), "audit", nil)
		if !ok || err != nil {
			t.Fatal(ok, err)
		}
		if _, left := d.Headers["tracestate"]; left || d.Headers["traceparent"] == h["traceparent"] {
			t.Errorf("with %v it was sent with %v", h, d.Headers)
		}
		if len(h) != own {
			t.Errorf("the publisher's headers became %v", h)
		}
	}
}
