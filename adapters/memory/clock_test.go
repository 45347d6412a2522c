package memory_test

import (
	"sync"
	"testing"
	"time"

	"github.com/gobindery/bindery/adapters/memory"
	"github.com/gobindery/bindery/pubsub"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

func connectAt(t *testing.T, c *memory.ManualClock) *pubsub.Broker {
	t.Helper()
	b := pubsub.New(memory.NewServerAt(c).Connect(nil), nil)
	t.Cleanup(func() { must(t, b.Close()) })
	return b
}

// Nothing expires but when the clock is moved, and then at its moment.
func TestManualClock(t *testing.T) {
	clock := memory.NewManualClock(noon)
	b := connectAt(t, clock)
	ctx := t.Context()
	q, err := b.DeclareQueue(ctx, pubsub.Queue{Name: "q", MessageTTL: new(time.Hour), Expires: 2 * time.Hour})
	must(t, err)
	publish(t, b, q, "an hour", forever)
	clock.Advance(time.Hour - time.Nanosecond)
	if n := ready(t, b, q); n != 1 {
		t.Fatalf("1ns before its time %d messages are ready, want 1", n)
	}
	clock.Advance(time.Nanosecond)
	if n := ready(t, b, q); n != 0 { // counts as a use
		t.Fatalf("at its time %d messages are ready, want 0", n)
	}
	clock.Advance(2*time.Hour - time.Nanosecond)
	queues := func() int {
		top, err := b.Topology(ctx)
		must(t, err)
		return len(top.Queues)
	}
	if queues() != 1 {
		t.Fatal("the queue went before its time")
	}
	clock.Advance(-time.Hour)
	if now := clock.Now(); !now.Equal(noon.Add(3*time.Hour - time.Nanosecond)) {
		t.Fatalf("the clock shows %v", now)
	}
	clock.Advance(time.Nanosecond)
	if queues() != 0 {
		t.Fatal("the queue is there after its time")
	}
}

// One Advance over a chain of delays does each step at its time: what expires
// there starts the next delay at that moment, and not at the end.
func TestAdvanceGoesStepByStep(t *testing.T) {
	clock := memory.NewManualClock(noon)
	b := connectAt(t, clock)
	ctx := t.Context()
	_, err := b.DeclareQueue(ctx, pubsub.Queue{Name: "end"})
	must(t, err)
	for _, step := range []struct {
		name, next string
		wait       time.Duration
	}{
		{"third", "end", 30 * time.Minute},
		{"second", "third", 20 * time.Minute},
		{"first", "second", 10 * time.Minute},
	} {
		_, err := b.DeclareQueue(ctx, pubsub.Queue{Name: step.name, MessageTTL: &step.wait, DeadLetter: &pubsub.DeadLetter{RoutingKey: &step.next}})
		must(t, err)
	}
	publish(t, b, "first", "slow", forever)
	publish(t, b, "third", "quick", forever)
	clock.Advance(time.Hour - time.Nanosecond)
	if n := ready(t, b, "end"); n != 1 {
		t.Fatalf("%d messages after 59 minutes, want 1", n)
	}
	clock.Advance(time.Nanosecond)
	for _, want := range []struct {
		body  string
		times []time.Duration
	}{
		{"quick", []time.Duration{30 * time.Minute}},
		{"slow", []time.Duration{time.Hour, 30 * time.Minute, 10 * time.Minute}},
	} {
		d, ok, err := b.Get(ctx, "end", &pubsub.GetOptions{AutoAck: true})
		if err != nil || !ok || string(d.Body) != want.body {
			t.Fatalf("got %q, %v, %v; want %s", d.Body, ok, err, want.body)
		}
		deaths := d.Headers["x-death"].([]any)
		if len(deaths) != len(want.times) {
			t.Fatalf("%s: x-death is %v", want.body, deaths)
		}
		for i, after := range want.times {
			if at := deaths[i].(pubsub.Table)["time"]; at != noon.Add(after) {
				t.Errorf("%s: death %d is at %v, want %v", want.body, i, at, noon.Add(after))
			}
		}
	}
}

// Goroutines may move a clock while others use its server.
func TestManualClockUnderLoad(t *testing.T) {
	clock := memory.NewManualClock(noon)
	b := connectAt(t, clock)
	ctx := t.Context()
	_, err := b.DeclareQueue(ctx, pubsub.Queue{Name: "dead"})
	must(t, err)
	_, err = b.DeclareQueue(ctx, pubsub.Queue{Name: "q", MessageTTL: new(time.Second), DeadLetter: &pubsub.DeadLetter{RoutingKey: new("dead")}})
	must(t, err)
	const each = 200
	var all sync.WaitGroup
	for range 2 {
		all.Go(func() {
			for range each {
				if err := b.Publish(ctx, "", "q", pubsub.Message{}); err != nil {
					t.Error(err)
				}
			}
		})
		all.Go(func() {
			for range each {
				clock.Advance(100 * time.Millisecond)
			}
		})
	}
	all.Wait()
	clock.Advance(time.Second)
	if n := ready(t, b, "dead"); n != 2*each {
		t.Errorf("%d of %d messages expired", n, 2*each)
	}
	if now := clock.Now(); now != noon.Add(2*each*100*time.Millisecond+time.Second) {
		t.Errorf("the clock shows %v", now)
	}
}
