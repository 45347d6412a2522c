package graph

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/gobindery/bindery/pubsub"
)

func exchange(name string, kind pubsub.Kind) pubsub.Exchange {
	return pubsub.Exchange{Name: name, Kind: kind, Durable: true}
}

func queue(name string, ready, unacked, consumers int) pubsub.QueueStatus {
	return pubsub.QueueStatus{Queue: pubsub.Queue{Name: name, Durable: true}, Ready: ready, Unacked: unacked, Consumers: consumers}
}

// logging has some of everything.
func logging() pubsub.Topology {
	events := exchange("events", pubsub.Topic)
	events.Alternate = "unrouted"
	audit := queue("audit", 1200, 3, 2)
	audit.DeadLetter = &pubsub.DeadLetter{Exchange: "dead"}
	retry := queue("retry", 0, 0, 0)
	retry.DeadLetter = &pubsub.DeadLetter{Exchange: "", RoutingKey: new("audit")}
	lost := exchange("lost", pubsub.Fanout)
	lost.Internal, lost.Durable = true, false
	return pubsub.Topology{
		Exchanges: []pubsub.Exchange{
			exchange("amq.direct", pubsub.Direct), exchange("amq.topic", pubsub.Topic), exchange("dead", pubsub.Fanout), events,
			exchange("jobs", pubsub.Headers), lost, exchange("unrouted", pubsub.Fanout),
		},
		Queues: []pubsub.QueueStatus{audit, queue("critical", 0, 0, 1), queue("leftovers", 7, 0, 0), queue("reports", 2, 1, 1), retry},
		Bindings: []pubsub.Binding{
			{Exchange: "amq.topic", ToExchange: "events", Key: "#"},
			{Exchange: "dead", Queue: "retry"},
			{Exchange: "events", Queue: "audit", Key: "#"},
			{Exchange: "events", Queue: "critical", Key: "*.critical"},
			{Exchange: "events", Queue: "critical", Key: "kern.alert"},
			{Exchange: "events", Queue: "critical", Key: "kern.emerg.#"},
			{Exchange: "events", ToExchange: "jobs", Key: "job.#"},
			{Exchange: "jobs", Queue: "reports", Arguments: pubsub.Table{"x-match": "any", "format": "pdf", "kind": nil}},
			{Exchange: "unrouted", Queue: "leftovers"},
		},
	}
}

// wide has that many queues at a few exchanges.
func wide(queues int) pubsub.Topology {
	t := pubsub.Topology{Exchanges: []pubsub.Exchange{exchange("all", pubsub.Fanout), exchange("orders", pubsub.Topic), exchange("tasks", pubsub.Direct)}}
	t.Bindings = append(t.Bindings, pubsub.Binding{Exchange: "orders", ToExchange: "tasks", Key: "task.#"})
	for i := range queues {
		name := fmt.Sprintf("queue-%02d", i)
		t.Queues = append(t.Queues, queue(name, i*i, i%3, i%4))
		switch i % 5 {
		case 0:
			t.Bindings = append(t.Bindings, pubsub.Binding{Exchange: "all", Queue: name})
		case 1, 2:
			t.Bindings = append(t.Bindings, pubsub.Binding{Exchange: "orders", Queue: name, Key: fmt.Sprintf("order.%d.*", i)})
		case 3:
			t.Bindings = append(t.Bindings, pubsub.Binding{Exchange: "all", Queue: name}, pubsub.Binding{Exchange: "tasks", Queue: name, Key: name})
		default:
			t.Bindings = append(t.Bindings, pubsub.Binding{Exchange: "tasks", Queue: name, Key: name})
		}
	}
	return t
}

// cycles has exchanges that lead to one another and to themselves.
func cycles() pubsub.Topology {
	a := exchange("a", pubsub.Topic)
	a.Alternate = "a"
	return pubsub.Topology{
		Exchanges: []pubsub.Exchange{a, exchange("b", pubsub.Fanout), exchange("c", pubsub.Direct)},
		Queues:    []pubsub.QueueStatus{queue("q", 0, 0, 0)},
		Bindings: []pubsub.Binding{
			{Exchange: "a", ToExchange: "a", Key: "again"}, {Exchange: "a", ToExchange: "b", Key: "x"}, {Exchange: "b", ToExchange: "c"},
			{Exchange: "c", ToExchange: "a", Key: "back"}, {Exchange: "c", ToExchange: "b", Key: "back"}, {Exchange: "c", Queue: "q", Key: "q"},
		},
	}
}

// names has those that are long, strange, or missing.
func names() pubsub.Topology {
	long := strings.Repeat("company.department.", 12) + "events"
	strange := "a<b>&\"c\"\\ \x01 `d` #1; *x* _y_ $z$"
	first := exchange(long, pubsub.Topic)
	first.Alternate = "nowhere"
	dead := queue("日本語のキューの名前はとても長いのでここで切られます", 0, 0, 0)
	dead.DeadLetter = &pubsub.DeadLetter{Exchange: "also nowhere", RoutingKey: new("")}
	t := pubsub.Topology{
		Exchanges: []pubsub.Exchange{exchange(strange, pubsub.Direct), first},
		Queues:    []pubsub.QueueStatus{queue(strange, 0, 0, 0), queue(long+".queue", 1_000_000_000, 1_000_000, 1_000), dead},
		Bindings: []pubsub.Binding{
			{Exchange: strange, Queue: strange, Key: strange}, {Exchange: strange, Queue: strange, Key: ""},
			{Exchange: long, Queue: dead.Name, Key: "日本.*"},
		},
	}
	for i := range 60 {
		t.Bindings = append(t.Bindings, pubsub.Binding{Exchange: long, Queue: long + ".queue", Key: fmt.Sprintf("department.%d.#", i)})
	}
	return t
}

// random is any topology.
func random(r *rand.Rand) pubsub.Topology {
	name := func(prefix string, n int) string {
		i := r.IntN(n)
		return prefix + strings.Repeat("x", i*i%40) + fmt.Sprint(i)
	}
	exchanges, queues := 1+r.IntN(12), 1+r.IntN(30)
	var t pubsub.Topology
	for i := range exchanges {
		e := exchange(fmt.Sprintf("e%s%d", strings.Repeat("x", i*i%40), i), pubsub.Kinds()[r.IntN(4)])
		if r.IntN(4) == 0 {
			e.Alternate = name("e", exchanges+1)
		}
		t.Exchanges = append(t.Exchanges, e)
	}
	for i := range queues {
		q := queue(fmt.Sprintf("q%s%d", strings.Repeat("x", i*i%40), i), r.IntN(1000), r.IntN(3), r.IntN(3))
		if r.IntN(4) == 0 {
			q.DeadLetter = &pubsub.DeadLetter{Exchange: name("e", exchanges+1)}
		}
		t.Queues = append(t.Queues, q)
	}
	for range r.IntN(80) {
		b := pubsub.Binding{Exchange: name("e", exchanges), Key: name("k", 8)}
		if r.IntN(3) == 0 {
			b.ToExchange = name("e", exchanges)
		} else {
			b.Queue = name("q", queues)
		}
		t.Bindings = append(t.Bindings, b)
	}
	return t
}
