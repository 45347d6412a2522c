package pubsubotel

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/gobindery/bindery/pubsub"
)

// bounds are those of the conventions for both histograms.
var bounds = []float64{0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10}

// counts returns a metric's figures by operation, destination and error; of a
// histogram, how many there are.
func (ob *observed) counts(t *testing.T, name string) map[string]int {
	t.Helper()
	got := map[string]int{}
	add := func(s attribute.Set, n int) {
		key := ""
		for _, k := range []attribute.Key{"messaging.operation.name", "messaging.destination.template", "error.type"} {
			if v, ok := s.Value(k); ok {
				key += " " + v.String()
			}
		}
		if v, _ := s.Value("messaging.system.name"); v.String() != "memory" {
			t.Errorf("%s is of the system %q", name, v.String())
		}
		got[key] += n
	}
	switch data := ob.metric(t, name).(type) {
	case metricdata.Sum[int64]:
		for _, p := range data.DataPoints {
			add(p.Attributes, int(p.Value))
		}
	case metricdata.Histogram[float64]:
		for _, p := range data.DataPoints {
			add(p.Attributes, int(p.Count))
			if !slices.Equal(p.Bounds, bounds) || p.Sum < 0 {
				t.Errorf("%s has the bounds %v and the sum %v", name, p.Bounds, p.Sum)
			}
		}
	default:
		t.Errorf("%s is a %T", name, data)
	}
	return got
}

func TestMetrics(t *testing.T) {
	ob := observe(t, nil)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	for range 4 {
		must(t, ob.Publish(ctx, "logs", "kern.info", pubsub.Message{}))
	}
	if err := ob.Publish(ctx, "logs", "cron", pubsub.Message{}, pubsub.Mandatory); !errors.Is(err, pubsub.ErrUnroutable) {
		t.Fatal(err)
	}
	if err := ob.Publish(ctx, "logs", "", pubsub.Message{DeliveryMode: 9}); !errors.Is(err, pubsub.ErrInvalid) {
		t.Fatal(err) // it is never sent
	}
	d, ok, err := ob.Get(ctx, "audit", nil)
	if !ok || err != nil {
		t.Fatal(ok, err)
	}
	if got := ob.counts(t, "bindery.client.inflight.deliveries"); got[""] != 1 {
		t.Errorf("in flight are %v, want 1", got)
	}
	must(t, d.Reject(ctx))
	c, err := ob.Consume(ctx, "audit", nil)
	must(t, err)
	n := 0
	must(t, c.Handle(ctx, nil, func(context.Context, pubsub.Delivery) error {
		if n++; n == 3 {
			stop()
		}
		return nil
	}))
	for name, want := range map[string]map[string]int{
		"messaging.client.sent.messages":     {" publish logs": 4, " publish logs unroutable": 1},
		"messaging.client.consumed.messages": {" receive audit": 1, " process audit": 3},
		"messaging.client.operation.duration": {
			" publish logs": 4, " publish logs unroutable": 1, " publish logs invalid": 1,
			" receive audit": 1, " reject audit": 1, " ack audit": 3,
		},
		"messaging.process.duration":         {" process audit": 3},
		"bindery.client.settled.messages":    {" reject audit": 1, " ack audit": 3},
		"bindery.client.inflight.publishes":  {"": 0},
		"bindery.client.inflight.deliveries": {"": 0},
	} {
		if got := ob.counts(t, name); !maps.Equal(got, want) {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	// What is closed is not observed any more.
	must(t, ob.Close())
	if m := ob.metric(t, "bindery.client.inflight.publishes"); m != nil && len(m.(metricdata.Sum[int64]).DataPoints) > 0 {
		t.Errorf("after Close in flight are %v", m)
	}
}

// TestInstruments: names, kinds and units of all metrics.
func TestInstruments(t *testing.T) {
	ob := observe(t, nil)
	must(t, ob.Publish(t.Context(), "", "audit", pubsub.Message{}))
	d, ok, err := ob.Get(t.Context(), "audit", nil)
	if !ok || err != nil {
		t.Fatal(ok, err)
	}
	must(t, d.Process(t.Context(), d.Ack))
	var all metricdata.ResourceMetrics
	must(t, ob.reader.Collect(t.Context(), &all))
	if len(all.ScopeMetrics) != 1 || all.ScopeMetrics[0].Scope.SchemaURL != schemaURL {
		t.Fatalf("the scopes are %v, want one of the schema %s", all.ScopeMetrics, schemaURL)
	}
	got := map[string]string{}
	for _, m := range all.ScopeMetrics[0].Metrics {
		kind := fmt.Sprintf("%T", m.Data)
		if s, ok := m.Data.(metricdata.Sum[int64]); ok && s.IsMonotonic {
			kind = "counter"
		} else if ok {
			kind = "up and down"
		}
		got[m.Name] = kind + " " + m.Unit
		if m.Description == "" {
			t.Errorf("%s is not described", m.Name)
		}
	}
	want := map[string]string{
		"messaging.client.sent.messages":      "counter {message}",
		"messaging.client.consumed.messages":  "counter {message}",
		"messaging.client.operation.duration": "metricdata.Histogram[float64] s",
		"messaging.process.duration":          "metricdata.Histogram[float64] s",
		"bindery.client.settled.messages":     "counter {message}",
		"bindery.client.inflight.publishes":   "up and down {message}",
		"bindery.client.inflight.deliveries":  "up and down {message}",
	}
	if !maps.Equal(got, want) {
		t.Errorf("the metrics are\n%v\nwant\n%v", got, want)
	}
}
