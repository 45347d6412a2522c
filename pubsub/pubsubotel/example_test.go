package pubsubotel_test

import (
	"context"
	"fmt"
	"log"

	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/gobindery/bindery/adapters/memory"
	"github.com/gobindery/bindery/pubsub"
	"github.com/gobindery/bindery/pubsub/pubsubotel"
)

// A message goes through an exchange to two handlers: three spans, one trace.
func Example() {
	spans := tracetest.NewInMemoryExporter() // in a program, an exporter to a collector
	trace, err := pubsubotel.New(&pubsubotel.Options{
		TracerProvider: sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans)),
		Propagator:     propagation.TraceContext{},
	})
	if err != nil {
		log.Fatal(err)
	}
	b := pubsub.New(memory.NewServer().Connect(nil), &pubsub.Options{Trace: trace})
	defer b.Close()
	var consumers []*pubsub.Consumer
	for _, queue := range []string{"audit", "mail"} {
		_, err := b.DeclareQueue(context.Background(), pubsub.Queue{Name: queue})
		check(err)
		check(b.Bind(context.Background(), pubsub.Binding{Exchange: "amq.fanout", Queue: queue}))
		c, err := b.Consume(context.Background(), queue, &pubsub.ConsumeOptions{AutoAck: true})
		check(err)
		consumers = append(consumers, c)
	}

	check(b.Publish(context.Background(), "amq.fanout", "", pubsub.Message{Body: []byte("hello")}))
	for _, c := range consumers {
		ctx, stop := context.WithCancel(context.Background())
		check(c.Handle(ctx, nil, func(context.Context, pubsub.Delivery) error { stop(); return nil }))
	}

	all := spans.GetSpans()
	for _, s := range all {
		fmt.Println(s.SpanKind, s.Name,
			"- same trace:", s.SpanContext.TraceID() == all[0].SpanContext.TraceID(),
			"- child of the publish:", s.Parent.SpanID() == all[0].SpanContext.SpanID())
	}
	// Output:
	// producer publish amq.fanout - same trace: true - child of the publish: false
	// consumer process audit - same trace: true - child of the publish: true
	// consumer process mail - same trace: true - child of the publish: true
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
