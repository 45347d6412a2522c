package topology_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/gobindery/bindery/adapters/memory"
	"github.com/gobindery/bindery/pubsub"
	"github.com/gobindery/bindery/pubsub/topology"
)

// blind is an adapter that can't list.
type blind struct{ pubsub.Adapter }

// Check lists all that is wrong, and changes nothing.
func TestCheck(t *testing.T) {
	for _, b := range backends(t) {
		_, err := topology.Apply(t.Context(), b.Broker, pubsub.Topology{
			Exchanges: []pubsub.Exchange{{Name: "x", Kind: pubsub.Fanout}, {Name: "more", Kind: pubsub.Fanout}},
			Queues:    []pubsub.QueueStatus{queue(pubsub.Queue{Name: "q"})},
		}, nil)
		must(t, err)
		before := b.list(t)
		err = topology.Check(t.Context(), b.Broker, pubsub.Topology{
			Exchanges: []pubsub.Exchange{{Name: "x", Kind: pubsub.Topic}, {Name: "y", Kind: pubsub.Topic}, {Name: "more", Kind: pubsub.Fanout}},
			Queues:    []pubsub.QueueStatus{queue(pubsub.Queue{Name: "q", MaxPriority: 5}), queue(pubsub.Queue{Name: "r"})},
			Bindings:  []pubsub.Binding{{Exchange: "x", Queue: "q", Key: "k"}},
		})
		const wrong = `the topology is not as wanted in 5 places:
exchange "x" differs: type: wanted "topic", has "fanout"; delete it first, or want it as it is
exchange "y" is missing
queue "q" differs: x-max-priority: wanted 5, has none; delete it first, or want it as it is
queue "r" is missing
binding of exchange "x" to queue "q" with key "k" is missing`
		if err == nil || err.Error() != wrong {
			t.Errorf("%s: got: %v\nwant: %s", b.name, err, wrong)
		}
		if m, ok := errors.AsType[*topology.MismatchError](err); !ok || len(m.Changes) != 5 || !errors.Is(err, pubsub.ErrNotFound) || !errors.Is(err, pubsub.ErrPreconditionFailed) {
			t.Errorf("%s: got %#v", b.name, err)
		}
		b.same(t, "checked", topology.Diff(before, b.list(t), &topology.DiffOptions{All: true}))
	}
}

// Where nothing can be listed, what is missing is found by name; the rest is
// not taken for granted.
func TestCheckUnlisted(t *testing.T) {
	server := memory.NewServer()
	b, other := opened(t, "blind", blind{server.Connect(nil)}, nil), opened(t, "other", server.Connect(nil), nil)
	must(t, b.DeclareExchange(t.Context(), pubsub.Exchange{Name: "x", Kind: pubsub.Fanout}))
	_, err := other.DeclareQueue(t.Context(), pubsub.Queue{Name: "locked", Exclusive: true})
	must(t, err)
	want := pubsub.Topology{
		Exchanges: []pubsub.Exchange{{Name: "x", Kind: pubsub.Topic}, {Name: "y", Kind: pubsub.Topic}},
		Queues:    []pubsub.QueueStatus{queue(pubsub.Queue{Name: "locked"}), queue(pubsub.Queue{Name: "q"}), queue(pubsub.Queue{Name: "mine", Exclusive: true})},
		Bindings:  []pubsub.Binding{{Exchange: "x", Queue: "q"}},
	}
	const missing = "the topology is not as wanted in 2 places:\nexchange \"y\" is missing\nqueue \"q\" is missing"
	if err := topology.Check(t.Context(), b.Broker, want); err == nil || err.Error() != missing || !errors.Is(err, pubsub.ErrNotFound) || errors.Is(err, pubsub.ErrPreconditionFailed) {
		t.Errorf("got %v\nwant %s", err, missing)
	}
	want.Exchanges, want.Queues = want.Exchanges[:1], want.Queues[:1]
	err = topology.Check(t.Context(), b.Broker, want)
	if !errors.Is(err, pubsub.ErrUnsupported) || !strings.Contains(err.Error(), "the 2 exchanges and queues are there, but") {
		t.Errorf("got %v", err)
	}
	if _, err := topology.Apply(t.Context(), b.Broker, want, nil); !errors.Is(err, pubsub.ErrUnsupported) {
		t.Errorf("apply: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	must(t, b.Close())
	if err := topology.Check(ctx, b.Broker, want); !errors.Is(err, pubsub.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
}
