package topology_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/gobindery/bindery/pubsub"
	"github.com/gobindery/bindery/pubsub/topology"
)

// What a RabbitMQ lists makes a table, its own exchanges included.
func TestTable(t *testing.T) {
	listed := pubsub.Topology{
		Exchanges: []pubsub.Exchange{
			{Name: "", Kind: pubsub.Direct, Durable: true},
			{Name: "amq.rabbitmq.trace", Kind: pubsub.Topic, Durable: true, Internal: true},
			{Name: "amq.topic", Kind: pubsub.Topic, Durable: true},
		},
		Queues:   []pubsub.QueueStatus{queue(pubsub.Queue{Name: "amq.gen-1", Exclusive: true})},
		Bindings: []pubsub.Binding{{Exchange: "", Queue: "amq.gen-1", Key: "amq.gen-1"}, {Exchange: "amq.rabbitmq.trace", Queue: "amq.gen-1", Key: "#"}},
	}
	e, err := topology.Explain(listed, "amq.rabbitmq.trace", "k", nil, nil)
	must(t, err)
	if !errors.Is(e.Err(), pubsub.ErrAccessRefused) {
		t.Errorf("to an internal exchange: %v", e)
	}
	e, err = topology.Explain(listed, "", "amq.gen-1", nil, nil)
	must(t, err)
	if e.Err() != nil || len(e.Queues) != 1 {
		t.Errorf("to a queue by its name: %v", e)
	}

	_, err = topology.Table(pubsub.Topology{
		Exchanges: []pubsub.Exchange{{Name: "d", Kind: "x-delayed-message"}, {Name: "amq.odd", Kind: "odd"}, {Name: "x", Kind: pubsub.Fanout}},
		Bindings:  []pubsub.Binding{{Exchange: "d", ToExchange: "x"}, {Exchange: "x", Queue: "nobody"}},
	})
	if !errors.Is(err, pubsub.ErrUnsupported) || !errors.Is(err, pubsub.ErrNotFound) {
		t.Errorf("got %v", err)
	}
	for _, s := range []string{`exchange "d"`, "x-delayed-message", `exchange "amq.odd"`, "no queue 'nobody'"} {
		if !strings.Contains(err.Error(), s) {
			t.Errorf("%s is missing in: %v", s, err)
		}
	}
}

func TestRequest(t *testing.T) {
	r, err := topology.Request("x", "k", pubsub.Table{"CC": []any{"a", int32(1)}, "BCC": []any{"b"}})
	must(t, err)
	if !slices.Equal(r.MoreKeys, []string{"a", "b"}) {
		t.Errorf("got the keys %q", r.MoreKeys)
	}
	for _, name := range []string{"CC", "BCC"} {
		if _, err := topology.Explain(pubsub.Topology{}, "", "k", pubsub.Table{name: "a"}, nil); !errors.Is(err, pubsub.ErrPreconditionFailed) {
			t.Errorf("%s is no list: error %v", name, err)
		}
	}
}

// All that is wrong is told at once; the broker's own names are let be.
func TestValidate(t *testing.T) {
	err := pubsub.Topology{
		Exchanges: []pubsub.Exchange{{Name: "x", Kind: pubsub.Fanout}, {Name: "x", Kind: pubsub.Fanout}, {Name: "odd", Kind: "odd"}, {Name: "amq.rabbitmq.trace", Kind: "odd"}},
		Queues:    []pubsub.QueueStatus{queue(pubsub.Queue{}), queue(pubsub.Queue{Name: "q", Expires: -1}), queue(pubsub.Queue{Name: "amq.gen-1"}), queue(pubsub.Queue{Name: "r"})},
		Bindings:  []pubsub.Binding{{Exchange: "x"}, {Exchange: "x", Queue: "r"}},
	}.Validate()
	if !errors.Is(err, pubsub.ErrInvalid) {
		t.Fatal(err)
	}
	got := strings.Split(err.Error(), "\n")
	want := []string{`"x": invalid argument: it is there twice`, `"odd": invalid argument: unknown exchange kind`, `"": invalid argument: a queue of a topology needs a name`, `"q": invalid argument: Expires is -1ns`, "has no destination"}
	if len(got) != len(want) {
		t.Fatalf("got %d errors, want %d:\n%v", len(got), len(want), err)
	}
	for i := range want {
		if !strings.Contains(got[i], want[i]) {
			t.Errorf("got %s; want %s", got[i], want[i])
		}
	}
	must(t, logs.Validate())
}
