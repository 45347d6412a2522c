package topology_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gobindery/bindery/adapters/memory"
	"github.com/gobindery/bindery/pubsub"
	"github.com/gobindery/bindery/pubsub/topology"
)

var chain = pubsub.Topology{
	Exchanges: []pubsub.Exchange{
		{Name: "1", Kind: pubsub.Fanout, Alternate: "3"},
		{Name: "2", Kind: pubsub.Fanout},
		{Name: "3", Kind: pubsub.Fanout, Alternate: "9"},
		{Name: "4", Kind: pubsub.Fanout, Alternate: "5"},
		{Name: "5", Kind: pubsub.Fanout, Alternate: "4"},
		{Name: "9", Kind: pubsub.Fanout},
	},
	Queues: []pubsub.QueueStatus{queue(pubsub.Queue{Name: "q", DeadLetter: &pubsub.DeadLetter{Exchange: "2"}}), queue(pubsub.Queue{Name: "r"})},
	Bindings: []pubsub.Binding{
		{Exchange: "1", ToExchange: "2"},
		{Exchange: "2", ToExchange: "3"},
		{Exchange: "3", ToExchange: "1"}, // a cycle
		{Exchange: "3", Queue: "q"},
		{Exchange: "9", Queue: "r"},
	},
}

// The order of changes is one in which no message is lost on a way half made.
func TestApplyOrder(t *testing.T) {
	b := onMemory(t)
	const creations = `create exchange "9"
create exchange "3"
create exchange "1"
create exchange "2"
create exchange "5"
create exchange "4"
create queue "q"
create queue "r"
create binding of exchange "3" to exchange "1" with key ""
create binding of exchange "3" to queue "q" with key ""
create binding of exchange "2" to exchange "3" with key ""
create binding of exchange "1" to exchange "2" with key ""
create binding of exchange "9" to queue "r" with key ""`
	apply := func(when string, want pubsub.Topology, o *topology.ApplyOptions, expected string) {
		t.Helper()
		done, err := topology.Apply(t.Context(), b.Broker, want, o)
		must(t, err)
		if got := lines(done); got != expected {
			t.Errorf("%s: got:\n%s\nwant:\n%s", when, got, expected)
		}
	}
	apply("dry", chain, &topology.ApplyOptions{DryRun: true}, creations)
	apply("after a dry run", chain, nil, creations)
	apply("twice", chain, &topology.ApplyOptions{Prune: true}, "")
	apply("nothing is deleted unless asked", pubsub.Topology{}, nil, "")
	const deletions = `delete binding of exchange "9" to queue "r" with key ""
delete binding of exchange "1" to exchange "2" with key ""
delete binding of exchange "2" to exchange "3" with key ""
delete binding of exchange "3" to queue "q" with key ""
delete binding of exchange "3" to exchange "1" with key ""
delete queue "q"
delete queue "r"
delete exchange "4"
delete exchange "5"
delete exchange "2"
delete exchange "1"
delete exchange "3"
delete exchange "9"`
	apply("dry", pubsub.Topology{}, &topology.ApplyOptions{DryRun: true, Prune: true}, deletions)
	apply("pruned", pubsub.Topology{}, &topology.ApplyOptions{Prune: true}, deletions)
	b.same(t, "pruned", topology.Diff(pubsub.Topology{}, b.list(t), nil))
}

// What can't be done is refused before anything is.
func TestApplyRefuses(t *testing.T) {
	b := onMemory(t)
	has := pubsub.Topology{
		Exchanges: []pubsub.Exchange{{Name: "x", Kind: pubsub.Fanout}},
		Queues:    []pubsub.QueueStatus{queue(pubsub.Queue{Name: "q", MaxLength: new(6)})},
	}
	_, err := topology.Apply(t.Context(), b.Broker, has, nil)
	must(t, err)
	x, q := has.Exchanges[0], has.Queues[0]
	add := pubsub.Exchange{Name: "new", Kind: pubsub.Fanout}
	for _, tt := range []struct {
		why   string
		want  pubsub.Topology
		prune bool
		is    error
		says  []string
	}{
		{"inequivalent", pubsub.Topology{
			Exchanges: []pubsub.Exchange{add, {Name: "x", Kind: pubsub.Topic}},
			Queues:    []pubsub.QueueStatus{queue(pubsub.Queue{Name: "q", MaxLength: new(5)})},
		}, false, pubsub.ErrPreconditionFailed, []string{`exchange "x" differs: type: wanted "topic", has "fanout"; delete it first`, `queue "q" differs: x-max-length: wanted 5, has 6; delete it first`}},
		{"no queue", pubsub.Topology{Exchanges: []pubsub.Exchange{add}, Bindings: []pubsub.Binding{{Exchange: "new", Queue: "nobody"}}}, false, pubsub.ErrNotFound, []string{`the queue "nobody" is neither wanted nor there`}},
		{"no exchange", pubsub.Topology{Exchanges: []pubsub.Exchange{add}, Bindings: []pubsub.Binding{{Exchange: "nobody", Queue: "q"}}}, false, pubsub.ErrNotFound, []string{`the exchange "nobody" is neither wanted nor there`}},
		{"no destination", pubsub.Topology{Exchanges: []pubsub.Exchange{add}, Bindings: []pubsub.Binding{{Exchange: "x", ToExchange: "nobody"}}}, false, pubsub.ErrNotFound, []string{`the exchange "nobody" is neither wanted nor there`}},
		{"pruned", pubsub.Topology{Exchanges: []pubsub.Exchange{add}, Bindings: []pubsub.Binding{{Exchange: "new", Queue: "q"}}}, true, pubsub.ErrNotFound, []string{`the queue "q" is not wanted`}},
		{"invalid", pubsub.Topology{Exchanges: []pubsub.Exchange{add, {Name: "odd", Kind: "x-delayed-message"}}, Queues: []pubsub.QueueStatus{queue(pubsub.Queue{Name: "bad", Overflow: "up"})}}, false, pubsub.ErrInvalid, []string{"odd", "x-delayed-message", "bad", "overflow"}},
		{"exchange twice", pubsub.Topology{Exchanges: []pubsub.Exchange{add, add}}, false, pubsub.ErrInvalid, []string{`exchange "new" is wanted twice`}},
		{"queue twice", pubsub.Topology{Exchanges: []pubsub.Exchange{x}, Queues: []pubsub.QueueStatus{q, q}}, false, pubsub.ErrInvalid, []string{`queue "q" is wanted twice`}},
	} {
		done, err := topology.Apply(t.Context(), b.Broker, tt.want, &topology.ApplyOptions{Prune: tt.prune})
		if len(done) > 0 || !errors.Is(err, tt.is) {
			t.Errorf("%s: got %v, error %v; want %v", tt.why, done, err, tt.is)
			continue
		}
		for _, s := range tt.says {
			if !strings.Contains(err.Error(), s) {
				t.Errorf("%s: %s is missing in: %v", tt.why, s, err)
			}
		}
		b.same(t, tt.why, topology.Diff(has, b.list(t), nil))
	}
	// What is odd but there already is no problem.
	if _, err := topology.Apply(t.Context(), b.Broker, pubsub.Topology{Bindings: []pubsub.Binding{{Exchange: "x", Queue: "q"}, {Exchange: "amq.topic", Queue: "q"}}}, nil); err != nil {
		t.Error(err)
	}
}

// frail is an adapter whose changes fail after some.
type frail struct {
	*memory.Conn
	left int
}

var errFrail = errors.New("the line is cut")

func (f *frail) change(do func() error) error {
	if f.left == 0 {
		return errFrail
	}
	f.left--
	return do()
}

func (f *frail) DeclareExchange(ctx context.Context, e pubsub.Exchange) error {
	return f.change(func() error { return f.Conn.DeclareExchange(ctx, e) })
}

func (f *frail) DeclareQueue(ctx context.Context, q pubsub.Queue) (info pubsub.QueueInfo, err error) {
	err = f.change(func() (err error) { info, err = f.Conn.DeclareQueue(ctx, q); return err })
	return info, err
}

func (f *frail) Bind(ctx context.Context, b pubsub.Binding) error {
	return f.change(func() error { return f.Conn.Bind(ctx, b) })
}

func (f *frail) Unbind(ctx context.Context, b pubsub.Binding) error {
	return f.change(func() error { return f.Conn.Unbind(ctx, b) })
}

func (f *frail) DeleteQueue(ctx context.Context, name string, o pubsub.DeleteQueueOptions) (n int, err error) {
	err = f.change(func() (err error) { n, err = f.Conn.DeleteQueue(ctx, name, o); return err })
	return n, err
}

func (f *frail) DeleteExchange(ctx context.Context, name string, o pubsub.DeleteExchangeOptions) error {
	return f.change(func() error { return f.Conn.DeleteExchange(ctx, name, o) })
}

// What an interrupted Apply did is finished by the next, wherever it was.
func TestApplyInterrupted(t *testing.T) {
	old := pubsub.Topology{
		Exchanges: []pubsub.Exchange{{Name: "old", Kind: pubsub.Fanout}},
		Queues:    []pubsub.QueueStatus{queue(pubsub.Queue{Name: "old"})},
		Bindings:  []pubsub.Binding{{Exchange: "old", Queue: "old"}},
	}
	prune := &topology.ApplyOptions{Prune: true}
	for cut := 0; ; cut++ {
		f := &frail{Conn: memory.NewServer().Connect(nil), left: 1000}
		b := opened(t, "memory", f, nil)
		_, err := topology.Apply(t.Context(), b.Broker, old, nil)
		must(t, err)
		plan, err := topology.Apply(t.Context(), b.Broker, chain, &topology.ApplyOptions{Prune: true, DryRun: true})
		must(t, err)
		f.left = cut
		done, err := topology.Apply(t.Context(), b.Broker, chain, prune)
		if len(done) != min(cut, len(plan)) || lines(done) != lines(plan[:len(done)]) {
			t.Errorf("cut after %d: done is\n%s", cut, lines(done))
		}
		if cut >= len(plan) {
			must(t, err)
			return
		}
		if !errors.Is(err, errFrail) {
			t.Errorf("cut after %d: error %v", cut, err)
		}
		f.left = 1000
		rest, err := topology.Apply(t.Context(), b.Broker, chain, prune)
		must(t, err)
		if len(rest) != len(plan)-len(done) {
			t.Errorf("cut after %d: the rest is\n%s", cut, lines(rest))
		}
		b.same(t, fmt.Sprintf("cut after %d", cut), topology.Diff(chain, b.list(t), nil))
	}
}

// An auto-delete exchange goes with its last binding; a wanted one stays, and
// the bindings to it, whatever is pruned.
func TestApplyKeepsAutoDelete(t *testing.T) {
	want := pubsub.Topology{
		Exchanges: []pubsub.Exchange{{Name: "x", Kind: pubsub.Fanout}, {Name: "y", Kind: pubsub.Fanout, AutoDelete: true}, {Name: "z", Kind: pubsub.Fanout, AutoDelete: true}},
		Queues:    []pubsub.QueueStatus{queue(pubsub.Queue{Name: "q"})},
		Bindings:  []pubsub.Binding{{Exchange: "x", Queue: "q"}, {Exchange: "x", ToExchange: "y"}, {Exchange: "y", ToExchange: "z"}},
	}
	more := want
	more.Queues = append(slices.Clone(want.Queues), queue(pubsub.Queue{Name: "old"}))
	more.Bindings = append(slices.Clone(want.Bindings), pubsub.Binding{Exchange: "z", Queue: "old"}, pubsub.Binding{Exchange: "z", Queue: "q"})
	for _, b := range backends(t) {
		_, err := topology.Apply(t.Context(), b.Broker, more, nil)
		must(t, err)
		done, err := topology.Apply(t.Context(), b.Broker, want, &topology.ApplyOptions{Prune: true})
		must(t, err)
		if len(done) != 3 {
			t.Errorf("%s: done is\n%s", b.name, lines(done))
		}
		b.same(t, "pruned", topology.Diff(want, b.list(t), nil))
	}
}

// A binding is pruned although it was listed with other integers than it has.
func TestApplyPrunesWhatWasBoundByOthers(t *testing.T) {
	b := onRabbitMQ(t)
	for _, n := range []any{int32(5), int64(5), int64(1 << 40)} {
		must(t, b.Bind(t.Context(), pubsub.Binding{Exchange: "amq.match", ToExchange: "amq.fanout", Arguments: pubsub.Table{"n": n, "l": []any{n}, "t": pubsub.Table{"n": n}}}))
	}
	_, err := topology.Apply(t.Context(), b.Broker, pubsub.Topology{}, &topology.ApplyOptions{Prune: true})
	must(t, err)
	b.same(t, "pruned", topology.Diff(pubsub.Topology{}, b.list(t), nil))
}

// Exclusive queues, which others have, are let alone: also their names' file.
func TestApplyLeavesOut(t *testing.T) {
	server := memory.NewServer()
	other, b := opened(t, "other", server.Connect(nil), nil), opened(t, "memory", server.Connect(nil), nil)
	temp, err := other.DeclareQueue(t.Context(), pubsub.TempQueue())
	must(t, err)
	_, err = other.DeclareQueue(t.Context(), pubsub.Queue{Name: "mine", Exclusive: true})
	must(t, err)
	for _, name := range []string{temp, "mine"} {
		must(t, other.Bind(t.Context(), pubsub.Binding{Exchange: "amq.fanout", Queue: name}))
	}
	have := b.list(t)
	for _, want := range []pubsub.Topology{have, {}} {
		done, err := topology.Apply(t.Context(), b.Broker, want, &topology.ApplyOptions{Prune: true})
		must(t, err)
		if len(done) > 0 {
			t.Errorf("done is\n%s", lines(done))
		}
	}
	fresh := onMemory(t)
	if done, err := topology.Apply(t.Context(), fresh.Broker, have, nil); err != nil || len(done) > 0 {
		t.Errorf("elsewhere: %v, error %v", done, err)
	}
}
