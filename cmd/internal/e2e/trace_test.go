package e2e

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// span is what the exporter writes of one.
type span struct {
	Name        string
	SpanKind    int
	SpanContext spanContext
	Parent      spanContext
	Links       []struct{ SpanContext spanContext }
	Attributes  []struct {
		Key   string
		Value struct{ Value any }
	}
	Resource []struct {
		Key   string
		Value struct{ Value any }
	}
}

type spanContext struct{ TraceID, SpanID string }

// attribute returns the value of one.
func (s span) attribute(key string) any {
	for _, a := range s.Attributes {
		if a.Key == key {
			return a.Value.Value
		}
	}
	return nil
}

// spansOf reads what a command has traced, by name.
func spansOf(t *testing.T, file string) map[string][]span {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]span{}
	for line := range bytes.Lines(text) {
		var s span
		if err := json.Unmarshal(line, &s); err != nil {
			t.Fatalf("%s has the line %s: %v", file, line, err)
		}
		all[s.Name] = append(all[s.Name], s)
	}
	return all
}

// OpenTelemetry's numbers of the kinds of spans.
const (
	kindClient   = 3
	kindProducer = 4
	kindConsumer = 5
)

// TestTrace follows a message from emit through an exchange to two receivers.
func TestTrace(t *testing.T) {
	t.Run("memory", func(t *testing.T) { testTrace(t, shared(), "memory") })
	t.Run("RabbitMQ", func(t *testing.T) { testTrace(t, rabbit(t), "rabbitmq") })
	t.Run("NATS", func(t *testing.T) { testTrace(t, natsServer(t), "nats") })
	// For its clients serve is RabbitMQ, and their headers pass through it.
	t.Run("serve", func(t *testing.T) { testTrace(t, served(t), "rabbitmq") })
}

func testTrace(t *testing.T, o options, system string) {
	folder := t.TempDir()
	file := func(name string) string { return filepath.Join(folder, name+".json") }
	one := start(t, o, "receive", "-n", "1", "--trace", file("one")).bound(t)
	two := start(t, o, "receive", "-Q", "audit", "-n", "1", "--trace", file("two")).bound(t)
	start(t, o, "emit", "--trace", file("emit"), "hello").succeeds(t)
	one.ends(t, 0, bound)
	two.ends(t, 0, bound)
	if one.out() != "hello\n" || two.out() != "hello\n" {
		t.Errorf("received %q and %q", one.out(), two.out())
	}

	sent := spansOf(t, file("emit"))
	if len(sent) != 1 || len(sent["publish logs"]) != 1 {
		t.Fatalf("emit has the spans %v, want one publish", sent)
	}
	publish := sent["publish logs"][0]
	if publish.SpanKind != kindProducer || strings.Trim(publish.Parent.SpanID, "0") != "" || publish.attribute("messaging.system.name") != system {
		t.Errorf("publish is %+v, want a producer's without a parent, to %s", publish, system)
	}
	if len(publish.Resource) != 1 || publish.Resource[0].Value.Value != "emit" {
		t.Errorf("publish is of the resource %v, want the service emit", publish.Resource)
	}
	for name, destination := range map[string]string{"one": "logs", "two": "audit"} {
		got := spansOf(t, file(name))
		for operation, kind := range map[string]int{"receive": kindClient, "process": kindConsumer, "ack": kindClient} {
			spans := got[operation+" "+destination]
			if len(spans) != 1 {
				t.Errorf("%s has %d spans for %s, want 1; it has %v", name, len(spans), operation, got)
				continue
			}
			s := spans[0]
			if len(s.Links) != 1 || s.Links[0].SpanContext != publish.SpanContext {
				t.Errorf("%s: %s links to %v, want the publish %v", name, operation, s.Links, publish.SpanContext)
			}
			if s.SpanKind != kind || s.attribute("messaging.system.name") != system {
				t.Errorf("%s: %s is of kind %d and system %v, want %d and %s", name, operation, s.SpanKind, s.attribute("messaging.system.name"), kind, system)
			}
			if operation == "process" && (s.Parent != publish.SpanContext || s.SpanContext.TraceID != publish.SpanContext.TraceID) {
				t.Errorf("%s: process is a child of %v, want the publish %v", name, s.Parent, publish.SpanContext)
			}
		}
	}
}

// TestTraceUnwritable: a trace that can't be written is told before anything is
// sent; and - is standard error.
func TestTraceUnwritable(t *testing.T) {
	s := start(t, shared(), "emit", "--trace", t.TempDir(), "hello")
	if code := s.wait(t); code != 1 || !strings.HasPrefix(s.stderr.String(), "emit: --trace: open ") || s.out() != "" {
		t.Errorf("emit exited with %d and wrote %q and %q", code, s.out(), s.stderr.String())
	}
	s = start(t, shared(), "emit", "--trace", "-", "hello")
	s.succeeds(t)
	if e := s.stderr.String(); !strings.HasPrefix(e, `{"Name":"publish logs"`) || strings.Count(e, "\n") != 1 {
		t.Errorf("emit wrote to standard error %q, want one span", e)
	}
}
