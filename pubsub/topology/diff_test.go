package topology_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gobindery/bindery/pubsub"
	"github.com/gobindery/bindery/pubsub/topology"
)

func lines(changes []topology.Change) string {
	var all []string
	for _, c := range changes {
		all = append(all, c.String())
	}
	return strings.Join(all, "\n")
}

func queue(q pubsub.Queue) pubsub.QueueStatus { return pubsub.QueueStatus{Queue: q} }

func TestDiff(t *testing.T) {
	want := pubsub.Topology{
		Exchanges: []pubsub.Exchange{
			{Name: "new", Kind: pubsub.Direct},
			{Name: "x", Kind: pubsub.Topic, Durable: true, Alternate: "new", Arguments: pubsub.Table{"mine": int64(1)}},
			{Name: "same", Kind: pubsub.Fanout, Arguments: pubsub.Table{"mine": int64(1)}},
			{Name: "amq.topic", Kind: pubsub.Topic, Durable: true},
		},
		Queues: []pubsub.QueueStatus{
			queue(pubsub.Queue{Name: "q", MaxLength: new(5), Arguments: pubsub.Table{"mine": true}}),
			queue(pubsub.Queue{Name: "mine", Exclusive: true}),
			queue(pubsub.Queue{Name: "shared"}),
			queue(pubsub.Queue{Name: "new"}),
		},
		Bindings: []pubsub.Binding{
			{Exchange: "x", Queue: "q", Key: "b"},
			{Exchange: "x", Queue: "q", Key: "a", Arguments: pubsub.Table{"n": int32(5), "f": float32(1.5), "b": []byte("x"), "v": nil, "t": time.Unix(7, 0)}},
			{Exchange: "x", Queue: "mine"},
			{Exchange: "amq.topic", ToExchange: "x", Key: "#"},
		},
	}
	have := pubsub.Topology{
		Exchanges: []pubsub.Exchange{
			{Name: "amq.fanout", Kind: pubsub.Fanout, Durable: true},
			{Name: "old", Kind: pubsub.Direct},
			{Name: "same", Kind: pubsub.Fanout},
			{Name: "x", Kind: pubsub.Headers, AutoDelete: true, Internal: true},
		},
		Queues: []pubsub.QueueStatus{
			{Queue: pubsub.Queue{Name: "amq.gen-1"}, Ready: 7},
			{Queue: pubsub.Queue{Name: "exclusive", Exclusive: true}},
			{Queue: pubsub.Queue{Name: "old"}, Ready: 3, Unacked: 1},
			{Queue: pubsub.Queue{Name: "q", Durable: true, MaxLength: new(6)}, Ready: 9, Consumers: 2},
			{Queue: pubsub.Queue{Name: "shared", Exclusive: true}},
		},
		Bindings: []pubsub.Binding{
			{Exchange: "old", Queue: "old"},
			{Exchange: "old", Queue: "amq.gen-1"},
			{Exchange: "old", Queue: "exclusive"},
			{Exchange: "x", Queue: "q", Key: "a", Arguments: pubsub.Table{"n": int64(5), "f": 1.5, "b": "x", "v": nil, "t": int64(7)}},
			{Exchange: "x", Queue: "q", Key: "a"},
		},
	}
	const differences = `create exchange "new"
delete exchange "old"
exchange "x" differs: type: wanted "topic", has "headers"; durable: wanted true, has false; auto_delete: wanted false, has true; internal: wanted false, has true; alternate-exchange: wanted "new", has none
create queue "new"
delete queue "old" with 4 messages
queue "q" differs: durable: wanted false, has true; x-max-length: wanted 5, has 6
queue "shared" differs: exclusive: wanted false, has true
create binding of exchange "amq.topic" to exchange "x" with key "#"
delete binding of exchange "old" to queue "old" with key ""
delete binding of exchange "x" to queue "q" with key "a"
create binding of exchange "x" to queue "q" with key "b"`
	if got := lines(topology.Diff(want, have, nil)); got != differences {
		t.Errorf("got:\n%s\nwant:\n%s", got, differences)
	}
	for range 10 { // the order does not depend on that of what is given
		for _, tp := range []pubsub.Topology{want, have} {
			rand.Shuffle(len(tp.Exchanges), func(i, j int) { tp.Exchanges[i], tp.Exchanges[j] = tp.Exchanges[j], tp.Exchanges[i] })
			rand.Shuffle(len(tp.Queues), func(i, j int) { tp.Queues[i], tp.Queues[j] = tp.Queues[j], tp.Queues[i] })
			rand.Shuffle(len(tp.Bindings), func(i, j int) { tp.Bindings[i], tp.Bindings[j] = tp.Bindings[j], tp.Bindings[i] })
		}
		if got := lines(topology.Diff(want, have, nil)); got != differences {
			t.Fatalf("shuffled, got:\n%s\nwant:\n%s", got, differences)
		}
	}
	all := topology.Diff(want, have, &topology.DiffOptions{All: true})
	for _, more := range []string{`create exchange "amq.topic"`, `delete exchange "amq.fanout"`, `delete queue "amq.gen-1" with 7 messages`, `delete queue "exclusive"`,
		`create queue "mine"`, `delete binding of exchange "old" to queue "exclusive" with key ""`, `create binding of exchange "x" to queue "mine" with key ""`} {
		if !strings.Contains(lines(all), more) {
			t.Errorf("with all, %s is missing in:\n%s", more, lines(all))
		}
	}
	if got := topology.Diff(have, have, &topology.DiffOptions{All: true}); len(got) > 0 {
		t.Errorf("a topology differs from itself: %v", got)
	}
}

// Binding arguments that RabbitMQ tells apart are apart.
func TestDiffArguments(t *testing.T) {
	of := func(v any) pubsub.Topology {
		return pubsub.Topology{Bindings: []pubsub.Binding{{Exchange: "x", Queue: "q", Arguments: pubsub.Table{"a": v}}}}
	}
	values := []any{int64(1), 1.0, "1", true, nil, int64(1<<53 + 1), int64(1 << 53), 1e-9, []any{}, []any{int64(1)}, []any{int64(1), int64(1)}, pubsub.Table{}, pubsub.Table{"1": int64(1)}, []byte{0xff}, ""}
	for i, a := range values {
		for j, b := range values {
			if got := topology.Diff(of(a), of(b), nil); (len(got) == 0) != (i == j) {
				t.Errorf("%#v and %#v: %v", a, b, got)
			}
		}
	}
	for _, pair := range [][2]any{{1.5e-9, 1.5000000000000002e-9}, {uint8(1), int64(1)}, {pubsub.Decimal{Scale: 2, Value: 314}, 2.314}, {[]any{int32(1)}, []any{int64(1)}}} {
		if got := topology.Diff(of(pair[0]), of(pair[1]), nil); len(got) > 0 {
			t.Errorf("%#v and %#v: %v; RabbitMQ lists them alike", pair[0], pair[1], got)
		}
	}
	if got := topology.Diff(pubsub.Topology{Bindings: []pubsub.Binding{{Exchange: "x", Queue: "q", Arguments: pubsub.Table{}}}}, pubsub.Topology{Bindings: []pubsub.Binding{{Exchange: "x", Queue: "q"}}}, nil); len(got) > 0 {
		t.Errorf("no arguments: %v", got)
	}
}

// A large topology is one of 1,000 exchanges, 10,000 queues and 50,000
// bindings.
func largeTopology() pubsub.Topology {
	var t pubsub.Topology
	for i := range 1000 {
		t.Exchanges = append(t.Exchanges, pubsub.Exchange{Name: fmt.Sprintf("exchange-%d", i), Kind: pubsub.Kinds()[i%4], Durable: true})
	}
	for i := range 10000 {
		t.Queues = append(t.Queues, queue(pubsub.Queue{Name: fmt.Sprintf("queue-%d", i), Durable: true, MaxLength: new(1000)}))
	}
	for i := range 50000 {
		b := pubsub.Binding{Exchange: t.Exchanges[i%1000].Name, Queue: t.Queues[i*7%10000].Name, Key: fmt.Sprintf("region-%d.*.level-%d", i%50, i)}
		switch {
		case i%1000%4 == 3:
			b.Arguments = pubsub.Table{"tenant": int64(i), "x-match": "all"}
		case i >= 49000 && i < 49500: // and everything comes to the first topic exchange
			b.Queue, b.ToExchange, b.Exchange, b.Key = "", b.Exchange, "exchange-2", "region-1.#"
		}
		t.Bindings = append(t.Bindings, b)
	}
	return t
}

func BenchmarkDiff(b *testing.B) {
	want, have := largeTopology(), largeTopology()
	have.Bindings = slices.Delete(have.Bindings, 100, 200)
	b.ReportAllocs()
	for b.Loop() {
		if n := len(topology.Diff(want, have, nil)); n != 100 {
			b.Fatalf("%d changes, want 100", n)
		}
	}
}

func BenchmarkTable(b *testing.B) {
	t := largeTopology()
	b.ReportAllocs()
	for b.Loop() {
		_, err := topology.Table(t)
		must(b, err)
	}
}

// The message comes to half of all exchanges.
func BenchmarkExplain(b *testing.B) {
	table, err := topology.Table(largeTopology())
	must(b, err)
	r, err := topology.Request("exchange-2", "region-1.x.level-1", pubsub.Table{"tenant": int64(3)})
	must(b, err)
	b.ReportAllocs()
	hops := 0
	for b.Loop() {
		hops = len(table.Explain(r, nil).Hops)
	}
	b.ReportMetric(float64(hops), "hops")
}
