package graph

import (
	"github.com/gobindery/bindery/pubsub/routing"
)

// Light makes the way stand out that a message takes: the exchanges that it
// comes to, the bindings that match, and the queues that get it. The
// explanation must be of the same topology.
func (g *Graph) Light(x *routing.Explanation) {
	g.Lit = true
	for i := range x.Hops {
		h := &x.Hops[i]
		from := g.exchange(h.Exchange.Name)
		if g.Nodes[from].Missing || g.Nodes[from].Exchange.Kind == "" {
			g.Nodes[from].Exchange, g.Nodes[from].Missing = &h.Exchange, false
		}
		g.Nodes[from].Lit = true
		for j := range h.Bindings {
			if t := &h.Bindings[j]; t.Matched {
				label := labelOf(h.Exchange.Kind, &t.Binding)
				if h.Exchange.Name == "" {
					label = show(t.Binding.Key)
				}
				g.lightEdge(from, g.destination(&t.Binding), Bound, label)
			}
		}
		if a := h.Alternate; a != nil {
			g.lightEdge(from, g.exchange(a.Exchange), Alternate, "")
		}
	}
	for _, q := range x.Queues {
		g.Nodes[g.queue(q.Queue)].Lit = true
	}
	g.sort()
}

// lightEdge adds a lit edge, which sort puts together with the one there.
func (g *Graph) lightEdge(from, to int, kind EdgeKind, label string) {
	e := Edge{From: from, To: to, Kind: kind, Lit: true}
	if label != "" {
		e.Labels = []Label{{label, true}}
	}
	g.Edges = append(g.Edges, e)
	if kind == Bound || !g.Nodes[to].Missing {
		g.Nodes[to].Lit = true
	}
}
