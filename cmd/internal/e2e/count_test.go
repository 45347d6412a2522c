package e2e

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/gobindery/bindery/cmd/internal/cli"
	"github.com/gobindery/bindery/pubsub"
)

// numbers are the lines from first to last.
func numbers(first, last int) string {
	var b strings.Builder
	for i := first; i <= last; i++ {
		fmt.Fprintln(&b, i)
	}
	return b.String()
}

// TestCount: exactly N messages leave a shared queue, and the rest keeps its
// order and was never handed out.
func TestCount(t *testing.T) {
	for _, c := range []struct{ count, prefetch int }{
		{1, 256}, {1, 1}, {7, 256}, {255, 256}, {256, 256}, {257, 256}, {500, 256}, {1000, 256}, {999, 7}, {700, 1}, {300, 299},
	} {
		t.Run(fmt.Sprintf("%d, prefetch %d", c.count, c.prefetch), func(t *testing.T) {
			t.Parallel()
			testCount(t, shared(), c.count, c.prefetch)
		})
	}
}

func testCount(t *testing.T, o options, count, prefetch int) {
	const lines = 1200
	fill(t, o, "work", numbers(1, lines))
	counted := o
	consumers := countConsumers(&counted)
	r := start(t, counted, "receive", "-Q", "work", "-n", strconv.Itoa(count), "--prefetch", strconv.Itoa(prefetch))
	r.ends(t, 0, bound)
	if want := numbers(1, count); r.out() != want {
		t.Errorf("receive printed %s, want the numbers from 1 to %d", tail(r.out()), count)
	}
	if n := consumers.Load(); n != 1 {
		t.Errorf("it took %d consumers, want 1: all messages were there", n)
	}
	rest := start(t, o, "receive", "-Q", "work", "-n", strconv.Itoa(lines-count), "-o", "verbose")
	rest.ends(t, 0, bound)
	if n := strings.Count(rest.out(), "redelivered=true"); n != 0 {
		t.Errorf("%d messages of the rest were handed out before, want 0", n)
	}
	var want strings.Builder
	for i := count + 1; i <= lines; i++ {
		fmt.Fprintf(&want, "exchange=\"logs\" key=\"\" redelivered=false headers={} body=\"%d\"\n", i)
	}
	if rest.out() != want.String() {
		t.Errorf("the rest is %s, want the numbers from %d to %d", tail(rest.out()), count+1, lines)
	}
	b := open(t, o)
	if info, err := b.InspectQueue(t.Context(), "work"); err != nil || info.Ready != 0 {
		t.Errorf("in the queue are %d messages (%v), want 0", info.Ready, err)
	}
}

// fill declares a queue, bound to logs, and sends it lines.
func fill(t *testing.T, o options, queue, lines string) {
	t.Helper()
	r := start(t, o, "receive", "-Q", queue).bound(t)
	r.stop()
	r.ends(t, 0, bound)
	o.stdin = strings.NewReader(lines)
	start(t, o, "emit").ends(t, 0, "")
}

// TestCountSlowly: messages that come one by one are acknowledged before the
// last one is there.
func TestCountSlowly(t *testing.T) {
	o := shared()
	testCountSlowly(t, o)
}

func testCountSlowly(t *testing.T, o options) {
	counted := o
	consumers := countConsumers(&counted)
	r := start(t, counted, "receive", "-Q", "work", "-n", "5").bound(t)
	// It holds two of five unacknowledged, until it is clear that no more come
	// soon; then it goes on with another consumer.
	start(t, o, "emit", "1").succeeds(t)
	start(t, o, "emit", "2").succeeds(t)
	r.waitOut(t, 2)
	consumers.wait(t, 2)
	in, enter := pipe(t)
	emitting := o
	emitting.stdin = in
	e := start(t, emitting, "emit")
	for i := 3; i <= 8; i++ {
		enter(fmt.Sprintln(i))
		if i <= 5 {
			r.waitOut(t, i)
		}
	}
	enter("")
	e.succeeds(t)
	r.ends(t, 0, bound)
	if want := numbers(1, 5); r.out() != want {
		t.Errorf("receive printed %q, want %q", r.out(), want)
	}
	rest := start(t, o, "receive", "-Q", "work", "-n", "3", "-o", "json")
	rest.succeeds(t)
	for i, line := range strings.Split(strings.TrimSpace(rest.out()), "\n") {
		if want := fmt.Sprintf(`{"exchange":"logs","routing_key":"","redelivered":false,"body":"%d"}`, i+6); line != want {
			t.Errorf("of the rest came %s, want %s", line, want)
		}
	}
}

// consumers counts how often sessions begin to consume.
type consumers struct {
	atomic.Int64
	text // one line for each, to wait for
}

func (c *consumers) wait(t *testing.T, n int) {
	t.Helper()
	c.waitFor(t, "further consumer", nil, func(s string) bool { return strings.Count(s, "\n") >= n })
}

func countConsumers(o *options) *consumers {
	c := new(consumers)
	all := o.backends
	if all == nil {
		all = cli.Backends()
	}
	backends := make(pubsub.Mux)
	for name, s := range all {
		inner := s.Open
		s.Open = wrapOpen(inner, func(a pubsub.Adapter) pubsub.Adapter { return countingAdapter{a, c} })
		backends[name] = s
	}
	o.backends = backends
	return c
}

type countingAdapter struct {
	pubsub.Adapter
	consumers *consumers
}

func (a countingAdapter) Consume(ctx context.Context, queue string, o pubsub.ConsumeOptions) (pubsub.Subscription, error) {
	a.consumers.Add(1)
	io.WriteString(&a.consumers.text, queue+"\n")
	return a.Adapter.Consume(ctx, queue, o)
}
