package pubsubtest

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/gobindery/bindery/adapters/memory"
	"github.com/gobindery/bindery/pubsub"
)

// broken is an adapter with one fault, and the case that is there to find it.
type broken struct {
	fault string
	finds string                                // name of the case
	says  string                                // part of what the case says
	twist func(a pubsub.Adapter) pubsub.Adapter // breaks one connection
}

func openMemory(twist func(pubsub.Adapter) pubsub.Adapter) Open {
	return func(testing.TB) func(context.Context) (pubsub.Adapter, error) {
		s := memory.NewServer()
		return func(context.Context) (pubsub.Adapter, error) { return twist(s.Connect(nil)), nil }
	}
}

// failures runs one case in a bubble, and returns how it failed.
func failures(t *testing.T, c Case, o Options, open Open) (failed []string) {
	var r recorder
	synctest.Test(t, func(t *testing.T) { runCase(t, &r, c, open, o) })
	return r.errors()
}

func bubble(t *testing.T) Options {
	t.Helper()
	o, err := (&Options{Bubble: true}).complete(func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// Each broken adapter fails the case that is made for its fault, and that says
// what is wrong.
func TestBrokenAdapters(t *testing.T) {
	o := bubble(t)
	cases := o.cases()
	names := map[string]bool{}
	for _, b := range brokenAdapters {
		if names[b.fault] {
			t.Errorf("two adapters with the fault %q", b.fault)
		}
		names[b.fault] = true
		t.Run(b.fault, func(t *testing.T) {
			t.Parallel()
			i := slices.IndexFunc(cases, func(c Case) bool { return c.Name == b.finds })
			if i < 0 {
				t.Fatalf("there is no case %q", b.finds)
			}
			failed := failures(t, cases[i], o, openMemory(b.twist))
			if len(failed) == 0 {
				t.Fatalf("case %q passes", b.finds)
			}
			all := strings.Join(failed, "\n")
			if !strings.Contains(all, b.says) {
				t.Errorf("case %q fails, but does not say %q:\n%s", b.finds, b.says, all)
			}
		})
	}
}

// The wrapper without a fault, through the same recorder, passes everything.
func TestUnbrokenAdapter(t *testing.T) {
	o := bubble(t)
	for _, c := range o.cases() {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			open := openMemory(func(a pubsub.Adapter) pubsub.Adapter {
				return &twisted{
					Adapter:  a,
					outgoing: func(*pubsub.Publication) int { return 1 },
					incoming: func(*pubsub.Incoming) {},
				}
			})
			if strings.HasPrefix(c.Name, "publish/async") || strings.HasPrefix(c.Name, "topology") {
				open = openMemory(func(a pubsub.Adapter) pubsub.Adapter { return a })
			}
			for _, f := range failures(t, c, o, open) {
				t.Error(f)
			}
		})
	}
}

var _ pubsub.Lister = (*listing)(nil)

// listing is an adapter that lists wrongly.
type listing struct {
	pubsub.Adapter
	change func(*pubsub.Topology)
}

func (l *listing) Topology(ctx context.Context) (pubsub.Topology, error) {
	t, err := l.Adapter.(pubsub.Lister).Topology(ctx)
	l.change(&t)
	return t, err
}
