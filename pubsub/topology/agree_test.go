package topology_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gobindery/bindery/pubsub"
	"github.com/gobindery/bindery/pubsub/topology"
)

// messagesEach is how many messages each random topology gets.
const messagesEach = 20

// TestAgree applies random topologies to each backend. What each lists is what
// was wanted, and where messages arrive is what Explain says from that list.
// Then each is cleared again. $BINDERY_PAIRS is how many pairs of a topology and
// a message there are in all, $BINDERY_SEED the first seed.
func TestAgree(t *testing.T) {
	pairs := setting(t, "BINDERY_PAIRS", 600)
	seed := setting(t, "BINDERY_SEED", 1+rand.Uint64()>>32)
	all := backends(t)
	rounds := (pairs + uint64(len(all))*messagesEach - 1) / (uint64(len(all)) * messagesEach)
	t.Logf("seeds %d to %d, %d pairs", seed, seed+rounds-1, rounds*uint64(len(all))*messagesEach)
	for end := seed + rounds; seed < end; seed++ {
		r := newRandom(seed)
		want := r.topology()
		messages := make([]message, messagesEach)
		for i := range messages {
			messages[i] = r.message(want)
		}
		for _, b := range all {
			b.agrees(t, want, messages)
		}
		if t.Failed() {
			t.Fatalf("run it again: BINDERY_SEED=%d BINDERY_PAIRS=1 go test -run 'TestAgree$' ./pubsub/topology", seed)
		}
	}
}

func setting(tb testing.TB, variable string, otherwise uint64) uint64 {
	tb.Helper()
	s := os.Getenv(variable)
	if s == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(s, 10, 64)
	must(tb, err)
	return n
}

func (b backend) agrees(t *testing.T, want pubsub.Topology, messages []message) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	done, err := topology.Apply(ctx, b.Broker, want, nil)
	if err != nil {
		t.Errorf("%s: %v", b.name, err)
		return
	}
	if n := len(want.Exchanges) + len(want.Queues) + len(want.Bindings); len(done) != n {
		t.Errorf("%s: %d changes for %d wanted:\n%v", b.name, len(done), n, done)
	}
	have := b.list(t)
	b.same(t, "listed", topology.Diff(want, have, nil))
	done, err = topology.Apply(ctx, b.Broker, want, &topology.ApplyOptions{Prune: true})
	must(t, err)
	b.same(t, "applied twice", done)
	must(t, topology.Check(ctx, b.Broker, want))
	if t.Failed() {
		return
	}

	expected := map[string]map[string]bool{}
	table, err := topology.Table(have)
	must(t, err)
	for i, m := range messages {
		r, err := topology.Request(m.exchange, m.key, m.headers)
		must(t, err)
		e := table.Explain(r, nil)
		body := strconv.Itoa(i)
		for _, q := range e.Queues {
			if expected[q.Queue] == nil {
				expected[q.Queue] = map[string]bool{}
			}
			expected[q.Queue][body] = true
		}
		err = b.Publish(ctx, m.exchange, m.key, pubsub.Message{Body: []byte(body), Headers: m.headers}, pubsub.Mandatory)
		if got, want := outcome(err), outcome(e.Err()); got != want {
			t.Errorf("%s: publish %v: got %v (%v), explained as %v:\n%s", b.name, m, got, err, want, e)
		}
	}
	for _, q := range want.Queues {
		got := b.drain(ctx, t, q.Name)
		if !maps.Equal(got, expected[q.Name]) {
			t.Errorf("%s: queue %s got %v, explained was %v\nmessages:\n%s", b.name, q.Name, got, expected[q.Name], listing(messages))
		}
	}

	done, err = topology.Apply(ctx, b.Broker, pubsub.Topology{}, &topology.ApplyOptions{Prune: true})
	must(t, err)
	if n := len(want.Exchanges) + len(want.Queues) + len(want.Bindings); len(done) != n {
		t.Errorf("%s: %d deletions of %d:\n%v", b.name, len(done), n, done)
	}
	b.same(t, "cleared", topology.Diff(pubsub.Topology{}, b.list(t), nil))
}

func (b backend) same(t *testing.T, when string, changes []topology.Change) {
	t.Helper()
	for _, c := range changes {
		t.Errorf("%s: %s: %v", b.name, when, c)
	}
}

// drain returns the bodies in a queue.
func (b backend) drain(ctx context.Context, t *testing.T, queue string) map[string]bool {
	t.Helper()
	bodies := map[string]bool{}
	for {
		d, ok, err := b.Get(ctx, queue, &pubsub.GetOptions{AutoAck: true})
		must(t, err)
		if !ok {
			return bodies
		}
		if bodies[string(d.Body)] {
			t.Errorf("%s: queue %s got message %s twice", b.name, queue, d.Body)
		}
		bodies[string(d.Body)] = true
	}
}

// outcome is the part of an error that all backends have in common.
func outcome(err error) error {
	for _, s := range []error{pubsub.ErrNotFound, pubsub.ErrAccessRefused, pubsub.ErrUnroutable} {
		if errors.Is(err, s) {
			return s
		}
	}
	return err
}

func listing(messages []message) string {
	lines := make([]string, len(messages))
	for i, m := range messages {
		lines[i] = fmt.Sprintf("%d: %v", i, m)
	}
	return strings.Join(lines, "\n")
}
