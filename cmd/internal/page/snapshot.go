package page

import (
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/gobindery/bindery/cmd/internal/graph"
	"github.com/gobindery/bindery/pubsub"
	"github.com/gobindery/bindery/pubsub/routing"
	"github.com/gobindery/bindery/pubsub/topology"
)

// snapshot is what a poll found. It doesn't change, and is shared by all viewers.
type snapshot struct {
	*structure
	at     time.Time
	queues []pubsub.QueueStatus // sorted by name, as in the structure
	counts []count              // of the queues
	totals count
}

// count is what is in a queue: ready, unacknowledged, consumers, and how much
// the first two together grew a second since the poll before.
type count [4]float64

// structure is what there is without counts, indexed. Snapshots share one until
// it changes.
type structure struct {
	pubsub.Topology
	nodes map[string]node
	from  map[string][]int // bindings by the exchange that they come from
	to    map[string][]int // bindings by the ID of where they lead
	table func() (*routing.Table[string], error)
}

// node is the place of an exchange or a queue.
type node struct {
	queue bool
	at    int
}

func newSnapshot(at time.Time, t pubsub.Topology, before *snapshot) *snapshot {
	s := &snapshot{at: at, queues: t.Queues, counts: make([]count, len(t.Queues))}
	if before != nil && sameStructure(&before.structure.Topology, &t) {
		s.structure = before.structure
	} else {
		s.structure = newStructure(t)
	}
	for i := range t.Queues {
		q := &t.Queues[i]
		c := count{float64(q.Ready), float64(q.Unacked), float64(q.Consumers), 0}
		if before != nil {
			if n, ok := before.nodes[graph.QueueID(q.Name)]; ok {
				was := before.counts[n.at]
				c[3] = (c[0] + c[1] - was[0] - was[1]) / at.Sub(before.at).Seconds()
			}
		}
		s.counts[i] = c
		for j := range c {
			s.totals[j] += c[j]
		}
	}
	return s
}

// sameStructure reports whether two differ in counts at most.
func sameStructure(a, b *pubsub.Topology) bool {
	return reflect.DeepEqual(a.Exchanges, b.Exchanges) && reflect.DeepEqual(a.Bindings, b.Bindings) &&
		slices.EqualFunc(a.Queues, b.Queues, func(p, q pubsub.QueueStatus) bool {
			return p.Name == q.Name && reflect.DeepEqual(p.Queue, q.Queue)
		})
}

func newStructure(t pubsub.Topology) *structure {
	s := &structure{
		Topology: t,
		nodes:    make(map[string]node, len(t.Exchanges)+len(t.Queues)),
		from:     map[string][]int{},
		to:       map[string][]int{},
		table:    sync.OnceValues(func() (*routing.Table[string], error) { return topology.Table(t) }),
	}
	for i, e := range t.Exchanges {
		s.nodes[graph.ExchangeID(e.Name)] = node{false, i}
	}
	for i, q := range t.Queues {
		s.nodes[graph.QueueID(q.Name)] = node{true, i}
	}
	for i := range t.Bindings {
		b := &t.Bindings[i]
		s.from[b.Exchange] = append(s.from[b.Exchange], i)
		s.to[destination(b)] = append(s.to[destination(b)], i)
	}
	return s
}

// destination is the ID of where a binding leads.
func destination(b *pubsub.Binding) string {
	if b.ToExchange != "" {
		return graph.ExchangeID(b.ToExchange)
	}
	return graph.QueueID(b.Queue)
}

// neighbours are the IDs of what a node is bound to, and what is bound to it.
func (s *structure) neighbours(id string) []string {
	var all []string
	if n, ok := s.nodes[id]; ok && !n.queue {
		e := &s.Exchanges[n.at]
		for _, i := range s.from[e.Name] {
			all = append(all, destination(&s.Bindings[i]))
		}
		if e.Alternate != "" {
			all = append(all, graph.ExchangeID(e.Alternate))
		}
	} else if ok {
		if d := s.Queues[n.at].DeadLetter; d != nil {
			all = append(all, graph.ExchangeID(d.Exchange))
		}
	}
	for _, i := range s.to[id] {
		all = append(all, graph.ExchangeID(s.Bindings[i].Exchange))
	}
	return all
}
