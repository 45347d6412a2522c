package cli

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
	"go.opentelemetry.io/otel/exporters/stdout/stdouttrace"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/gobindery/bindery/pubsub"
	"github.com/gobindery/bindery/pubsub/pubsubotel"
)

// tracing is what --trace asks for.
type tracing struct {
	to   string   // a file, or "-"; empty is none
	file *os.File // to be closed; nil if there is none
}

func (t *tracing) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&t.to, "trace", "", "add an OpenTelemetry span for each message to `FILE`, as JSON; - is standard error")
}

// open returns the Trace, or nil if none is asked for.
func (t *tracing) open(cmd *cobra.Command, env Env) (*pubsub.Trace, error) {
	if t.to == "" {
		return nil, nil
	}
	var out io.Writer = env.Stderr
	if t.to != "-" {
		f, err := os.OpenFile(t.to, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o666)
		if err != nil {
			return nil, fmt.Errorf("--trace: %w", err)
		}
		t.file, out = f, f
	}
	exporter, err := stdouttrace.New(stdouttrace.WithWriter(out))
	if err != nil {
		return nil, fmt.Errorf("--trace: %w", err)
	}
	// Each span is written when it ends, so that none is left at the end.
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(exporter),
		sdktrace.WithResource(resource.NewSchemaless(semconv.ServiceName(cmd.Root().Name()))))
	trace, err := pubsubotel.New(&pubsubotel.Options{
		TracerProvider: provider,
		Propagator:     propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{}),
	})
	if err != nil {
		return nil, fmt.Errorf("--trace: %w", err)
	}
	return trace, nil
}

// Close ends what Open began beside the Broker, after that is closed.
func (f *Flags) Close() error {
	if f.tracing.file == nil {
		return nil
	}
	if err := f.tracing.file.Close(); err != nil {
		return fmt.Errorf("--trace: %w", err)
	}
	return nil
}
