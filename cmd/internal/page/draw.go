package page

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gobindery/bindery/cmd/internal/graph"
	"github.com/gobindery/bindery/pubsub"
	"github.com/gobindery/bindery/pubsub/routing"
)

// drawing is a graph with all its places, in pixels.
type drawing struct {
	Width  int    `json:"width"`
	Height int    `json:"height"`
	Lit    bool   `json:"lit"` // a message's way stands out
	Boxes  []box  `json:"boxes"`
	Lines  []line `json:"lines"`
}

type box struct {
	graph.Rect
	ID      string `json:"id"`
	Title   string `json:"title"` // cut to what fits
	Kind    string `json:"kind"`  // exchange or queue
	Detail  string `json:"detail,omitempty"`
	Missing bool   `json:"missing,omitempty"`
	Lit     bool   `json:"lit,omitempty"`
}

type line struct {
	From  string      `json:"from"` // IDs
	To    string      `json:"to"`
	Path  string      `json:"path"` // as the attribute d of an SVG path
	Kind  string      `json:"kind"`
	Label string      `json:"label,omitempty"` // cut to what fits
	At    *graph.Rect `json:"at,omitempty"`    // of the label
	Tip   string      `json:"tip"`
	Lit   bool        `json:"lit,omitempty"`
}

// draw lays out some nodes, and the way of a message among them, if there is
// one.
func (s *structure) draw(nodes map[string]bool, way *routing.Explanation) *drawing {
	g := graph.New(s.part(nodes), &graph.Options{All: true})
	if way != nil {
		g.Light(within(way, nodes))
	}
	at := g.Layout()
	d := &drawing{Width: at.Width, Height: at.Height, Lit: g.Lit, Boxes: []box{}, Lines: []line{}}
	for i, b := range at.Boxes {
		n := &g.Nodes[i]
		out := box{Rect: b.Rect, ID: n.ID, Title: b.Title, Kind: "queue", Missing: n.Missing, Lit: n.Lit}
		if n.Exchange != nil {
			out.Kind, out.Detail = "exchange", b.Detail
		}
		d.Boxes = append(d.Boxes, out)
	}
	for i, l := range at.Lines {
		e := &g.Edges[i]
		out := line{From: g.Nodes[e.From].ID, To: g.Nodes[e.To].ID, Path: l.Path(), Kind: string(e.Kind), Label: l.Label, Tip: tip(e), Lit: e.Lit}
		if l.Label != "" {
			out.At = &l.At
		}
		d.Lines = append(d.Lines, out)
	}
	return d
}

// tip is all that a line's label may be too short for.
func tip(e *graph.Edge) string {
	const most = 40
	all := make([]string, 0, min(len(e.Labels), most))
	for _, l := range e.Labels[:min(len(e.Labels), most)] {
		all = append(all, l.Text)
	}
	text := string(e.Kind)
	if len(all) > 0 {
		text += ": " + strings.Join(all, ", ")
	}
	if n := len(e.Labels) - most; n > 0 {
		text += fmt.Sprintf(" and %d more", n)
	}
	return text
}

// room are the counts that a queue is drawn with, so that there is room for
// those that come while the drawing stays.
var room = pubsub.QueueStatus{Ready: 9999, Unacked: 999}

// part is the topology of some nodes.
func (s *structure) part(nodes map[string]bool) pubsub.Topology {
	var t pubsub.Topology
	// What is there and not drawn must not look as if it were missing.
	hidden := func(exchange string) bool {
		id := graph.ExchangeID(exchange)
		_, there := s.nodes[id]
		return (there || exchange == "") && !nodes[id]
	}
	if nodes[graph.ExchangeID("")] {
		t.Exchanges = append(t.Exchanges, pubsub.Exchange{Kind: pubsub.Direct, Durable: true})
	}
	for _, e := range s.Exchanges {
		if !nodes[graph.ExchangeID(e.Name)] {
			continue
		}
		if e.Alternate != "" && hidden(e.Alternate) {
			e.Alternate = ""
		}
		t.Exchanges = append(t.Exchanges, e)
		for _, i := range s.from[e.Name] {
			if b := &s.Bindings[i]; nodes[destination(b)] {
				t.Bindings = append(t.Bindings, *b)
			}
		}
	}
	for _, q := range s.Queues {
		if !nodes[graph.QueueID(q.Name)] {
			continue
		}
		if q.DeadLetter != nil && hidden(q.DeadLetter.Exchange) {
			q.DeadLetter = nil
		}
		q.Ready, q.Unacked, q.Consumers = room.Ready, room.Unacked, room.Consumers
		t.Queues = append(t.Queues, q)
	}
	return t
}

// within is the part of an explanation that is about some nodes, enough of it
// to draw it.
func within(x *routing.Explanation, nodes map[string]bool) *routing.Explanation {
	part := *x
	part.Hops, part.Queues = nil, nil
	for _, h := range x.Hops {
		if !nodes[graph.ExchangeID(h.Exchange.Name)] {
			continue
		}
		h.Bindings = slices.DeleteFunc(slices.Clone(h.Bindings), func(t routing.Tried) bool { return !nodes[destination(&t.Binding)] })
		if h.Alternate != nil && !h.Alternate.Missing && !nodes[graph.ExchangeID(h.Alternate.Exchange)] {
			h.Alternate = nil
		}
		part.Hops = append(part.Hops, h)
	}
	for _, q := range x.Queues {
		if nodes[graph.QueueID(q.Queue)] {
			part.Queues = append(part.Queues, q)
		}
	}
	return &part
}
