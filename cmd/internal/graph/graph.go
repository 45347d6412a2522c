// Package graph draws a topology: as SVG, and as text for Mermaid and Graphviz.
//
// A [Graph] is what there is to draw, a [Layout] where it stands. The second is
// a step of its own, so that a page can draw the same by itself.
package graph

import (
	"cmp"
	"slices"
	"strings"

	"github.com/gobindery/bindery/pubsub"
)

// Graph is a topology as nodes, and edges between them. New makes one.
type Graph struct {
	Nodes []Node `json:"nodes"` // exchanges, then queues, each sorted by name
	Edges []Edge `json:"edges"` // sorted by where they come from and lead

	// Lit says that some nodes and edges stand out, see [Graph.Light].
	Lit bool `json:"lit,omitempty"`

	byID map[string]int // places of nodes
}

// Node is an exchange or a queue: one of Exchange and Queue is set.
type Node struct {
	// ID is [ExchangeID] or [QueueID].
	ID   string `json:"id"`
	Name string `json:"name"` // of the default exchange it is empty

	Exchange *pubsub.Exchange    `json:"-"`
	Queue    *pubsub.QueueStatus `json:"-"`

	// Missing says that something refers to it, but it is not there.
	Missing bool `json:"missing,omitempty"`
	Lit     bool `json:"lit,omitempty"`
}

// EdgeKind says why messages go along an edge.
type EdgeKind string

const (
	Bound      EdgeKind = "bound"       // by bindings
	Alternate  EdgeKind = "alternate"   // from an exchange that can't route them to its alternate exchange
	DeadLetter EdgeKind = "dead-letter" // from a queue that gives them up
)

// Edge is a way from one node to another. All bindings between the same two are
// one edge.
type Edge struct {
	From   int      `json:"from"` // places in Graph.Nodes
	To     int      `json:"to"`
	Kind   EdgeKind `json:"kind"`
	Labels []Label  `json:"labels,omitempty"` // of each binding that says something
	Lit    bool     `json:"lit,omitempty"`
}

// Label is what one binding asks for: a key, or the arguments for a headers
// exchange.
type Label struct {
	Text string `json:"text"`
	Lit  bool   `json:"lit,omitempty"`
}

// ExchangeID is the ID of an exchange's node.
func ExchangeID(name string) string { return "exchange:" + name }

// QueueID is the ID of a queue's node.
func QueueID(name string) string { return "queue:" + name }

// Options choose what is drawn.
type Options struct {
	// All draws also those exchanges that every vhost has from the start and
	// that nothing is bound to.
	All bool
}

// New returns the graph of a topology, which it points into. Options may be
// nil. Alternate and dead-letter exchanges that are missing are nodes too; so is
// the default exchange if dead letters go there.
func New(t pubsub.Topology, o *Options) *Graph {
	g := &Graph{byID: make(map[string]int, len(t.Exchanges)+len(t.Queues))}
	for i := range t.Exchanges {
		e := &t.Exchanges[i]
		g.Nodes = append(g.Nodes, Node{ID: ExchangeID(e.Name), Name: e.Name, Exchange: e})
	}
	for i := range t.Queues {
		q := &t.Queues[i]
		g.Nodes = append(g.Nodes, Node{ID: QueueID(q.Name), Name: q.Name, Queue: q})
	}
	for i, n := range g.Nodes {
		g.byID[n.ID] = i
	}
	for i := range t.Bindings {
		b := &t.Bindings[i]
		if b.Exchange != "" {
			g.join(g.exchange(b.Exchange), g.destination(b), Bound, g.label(b))
		}
	}
	for i := range t.Exchanges {
		if e := &t.Exchanges[i]; e.Alternate != "" {
			g.join(g.exchange(e.Name), g.exchange(e.Alternate), Alternate, "")
		}
	}
	for i := range t.Queues {
		g.deadLetters(&t.Queues[i])
	}
	if o == nil || !o.All {
		g.leaveOutUnused()
	}
	g.sort()
	return g
}

// exchange returns the node of an exchange, and makes one if it is missing.
func (g *Graph) exchange(name string) int {
	id := ExchangeID(name)
	at, ok := g.byID[id]
	if !ok {
		at = len(g.Nodes)
		e := &pubsub.Exchange{Name: name}
		if name == "" {
			e.Kind, e.Durable = pubsub.Direct, true
		}
		g.Nodes = append(g.Nodes, Node{ID: id, Name: name, Exchange: e, Missing: name != ""})
		g.byID[id] = at
	}
	return at
}

func (g *Graph) queue(name string) int {
	id := QueueID(name)
	at, ok := g.byID[id]
	if !ok {
		at = len(g.Nodes)
		g.Nodes = append(g.Nodes, Node{ID: id, Name: name, Queue: &pubsub.QueueStatus{Queue: pubsub.Queue{Name: name}}, Missing: true})
		g.byID[id] = at
	}
	return at
}

func (g *Graph) destination(b *pubsub.Binding) int {
	if b.ToExchange != "" {
		return g.exchange(b.ToExchange)
	}
	return g.queue(b.Queue)
}

// deadLetters adds the way of the messages that a queue gives up. By the
// default exchange they reach one queue, if the key is known.
func (g *Graph) deadLetters(q *pubsub.QueueStatus) {
	if q.DeadLetter == nil {
		return
	}
	label, key := "", q.DeadLetter.RoutingKey
	if key != nil {
		label = show(*key)
	}
	to := g.exchange(q.DeadLetter.Exchange)
	g.join(g.queue(q.Name), to, DeadLetter, label)
	if q.DeadLetter.Exchange == "" && key != nil {
		if _, ok := g.byID[QueueID(*key)]; ok {
			g.join(to, g.queue(*key), Bound, show(*key))
		}
	}
}

// join adds an edge. Edges between the same two are put together by sort.
func (g *Graph) join(from, to int, kind EdgeKind, label string) {
	e := Edge{From: from, To: to, Kind: kind}
	if label != "" {
		e.Labels = []Label{{Text: label}}
	}
	g.Edges = append(g.Edges, e)
}

// leaveOutUnused leaves out the exchanges of every vhost that nothing leads to
// or from.
func (g *Graph) leaveOutUnused() {
	used := make([]bool, len(g.Nodes))
	for _, e := range g.Edges {
		used[e.From], used[e.To] = true, true
	}
	for i, n := range g.Nodes {
		used[i] = used[i] || n.Queue != nil || n.Name != "" && !strings.HasPrefix(n.Name, "amq.")
	}
	g.keep(used)
}

// keep leaves out nodes that have no edges.
func (g *Graph) keep(nodes []bool) {
	places := make([]int, len(g.Nodes))
	kept := g.Nodes[:0]
	for i, n := range g.Nodes {
		if nodes[i] {
			places[i] = len(kept)
			kept = append(kept, n)
		}
	}
	g.Nodes = kept
	g.move(places)
}

// move tells the edges where their nodes are now.
func (g *Graph) move(places []int) {
	for i := range g.Edges {
		e := &g.Edges[i]
		e.From, e.To = places[e.From], places[e.To]
	}
	clear(g.byID)
	for i, n := range g.Nodes {
		g.byID[n.ID] = i
	}
}

// sort brings all in order, and makes one edge of those between the same two.
func (g *Graph) sort() {
	order := make([]int, len(g.Nodes))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return strings.Compare(g.Nodes[a].ID, g.Nodes[b].ID) })
	nodes, places := make([]Node, len(order)), make([]int, len(order))
	for to, from := range order {
		nodes[to], places[from] = g.Nodes[from], to
	}
	g.Nodes = nodes
	g.move(places)
	slices.SortStableFunc(g.Edges, func(a, b Edge) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To), strings.Compare(string(a.Kind), string(b.Kind)))
	})
	folded := g.Edges[:0]
	for _, e := range g.Edges {
		if last := len(folded) - 1; last >= 0 && folded[last].From == e.From && folded[last].To == e.To && folded[last].Kind == e.Kind {
			folded[last].Labels = append(folded[last].Labels, e.Labels...)
			folded[last].Lit = folded[last].Lit || e.Lit
		} else {
			folded = append(folded, e)
		}
	}
	g.Edges = folded
	for i := range g.Edges {
		g.Edges[i].tidy()
	}
}

// tidy has each label once, those that stand out first.
func (e *Edge) tidy() {
	slices.SortFunc(e.Labels, func(a, b Label) int {
		if a.Text == b.Text && a.Lit != b.Lit {
			if a.Lit {
				return -1
			}
			return 1
		}
		return strings.Compare(a.Text, b.Text)
	})
	e.Labels = slices.CompactFunc(e.Labels, func(a, b Label) bool { return a.Text == b.Text })
	slices.SortStableFunc(e.Labels, func(a, b Label) int {
		switch {
		case a.Lit == b.Lit:
			return 0
		case a.Lit:
			return -1
		}
		return 1
	})
}
