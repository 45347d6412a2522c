package graph

import (
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/gobindery/bindery/pubsub"
)

// TestNothingOverlaps: boxes and labels keep off one another, and lines off
// boxes, in any topology.
func TestNothingOverlaps(t *testing.T) {
	for name, topology := range map[string]pubsub.Topology{"logging": logging(), "cycles": cycles(), "names": names(), "wide": wide(50)} {
		t.Run(name, func(t *testing.T) { checkLayout(t, New(topology, nil)) })
	}
	seed := rand.Uint64()
	for i := range uint64(300) {
		checkLayout(t, New(random(rand.New(rand.NewPCG(seed, i))), nil))
		if t.Failed() {
			t.Fatalf("topology %d of the seed %d", i, seed)
		}
	}
}

func checkLayout(t *testing.T, g *Graph) {
	t.Helper()
	l := g.Layout()
	type area struct {
		what string
		Rect
	}
	var all []area
	for i, b := range l.Boxes {
		all = append(all, area{"box " + g.Nodes[i].ID, b.Rect})
	}
	for i, line := range l.Lines {
		if line.Label != "" {
			all = append(all, area{"label " + line.Label, line.At})
		}
		if len(line.Points) < 2 {
			t.Errorf("edge %d has no line", i)
		}
	}
	for i, a := range all {
		if a.X < 0 || a.Y < 0 || a.X+a.W > l.Width || a.Y+a.H > l.Height || a.W <= 0 || a.H <= 0 {
			t.Errorf("%s is at %+v, beyond %d × %d", a.what, a.Rect, l.Width, l.Height)
		}
		for _, b := range all[:i] {
			if a.X < b.X+b.W && b.X < a.X+a.W && a.Y < b.Y+b.H && b.Y < a.Y+a.H {
				t.Errorf("%s at %+v and %s at %+v overlap", a.what, a.Rect, b.what, b.Rect)
			}
		}
	}
	for i := range l.Lines {
		line := &l.Lines[i]
		for _, p := range curve(line) {
			for j, b := range l.Boxes {
				if p.X > b.X && p.X < b.X+b.W && p.Y > b.Y && p.Y < b.Y+b.H {
					t.Errorf("the line from %s to %s crosses %s at %v", g.Nodes[g.Edges[i].From].ID, g.Nodes[g.Edges[i].To].ID, g.Nodes[j].ID, p)
				}
			}
		}
		from, to := l.Boxes[g.Edges[i].From].Rect, l.Boxes[g.Edges[i].To].Rect
		if first, last := line.Points[0], line.Points[len(line.Points)-1]; !touches(from, first) || !touches(to, last) {
			t.Errorf("the line from %s to %s leads from %v to %v, which are not their edges", g.Nodes[g.Edges[i].From].ID, g.Nodes[g.Edges[i].To].ID, first, last)
		}
	}
}

// curve samples what Path draws.
func curve(l *Line) []Point {
	var all []Point
	for i := 1; i < len(l.Points); i++ {
		a, z := l.Points[i-1], l.Points[i]
		for k := range 17 {
			u := float64(k) / 16
			x, y := float64(a.X)+u*float64(z.X-a.X), float64(a.Y)+u*float64(z.Y-a.Y)
			if !l.loop {
				v := 1 - u
				middle := float64(a.X+z.X) / 2
				x = v*v*v*float64(a.X) + 3*v*u*middle + u*u*u*float64(z.X)
				y = (v*v*v+3*v*v*u)*float64(a.Y) + (3*v*u*u+u*u*u)*float64(z.Y)
			}
			all = append(all, Point{int(x), int(y)})
		}
	}
	return all
}

func touches(r Rect, p Point) bool {
	inside := p.X >= r.X && p.X <= r.X+r.W && p.Y >= r.Y && p.Y <= r.Y+r.H
	return inside && (p.X == r.X || p.X == r.X+r.W || p.Y == r.Y)
}

// TestLayoutIsTheSame: equal graphs are drawn alike.
func TestLayoutIsTheSame(t *testing.T) {
	for i := range uint64(20) {
		a, b := New(random(rand.New(rand.NewPCG(1, i))), nil).Layout(), New(random(rand.New(rand.NewPCG(1, i))), nil).Layout()
		if !reflect.DeepEqual(a, b) {
			t.Fatalf("topology %d has two layouts", i)
		}
	}
}

// TestColumns: exchanges stand after those that lead to them, queues last.
func TestColumns(t *testing.T) {
	g := New(logging(), nil)
	l := g.Layout()
	x := func(id string) int { return l.Boxes[g.byID[id]].X }
	for _, order := range [][]string{
		{"exchange:amq.topic", "exchange:events", "exchange:jobs", "queue:reports"},
		{"exchange:events", "exchange:unrouted", "queue:leftovers"},
		{"exchange:dead", "queue:retry"},
	} {
		for i := 1; i < len(order); i++ {
			if x(order[i-1]) >= x(order[i]) {
				t.Errorf("%s stands at %d, not before %s at %d", order[i-1], x(order[i-1]), order[i], x(order[i]))
			}
		}
	}
	for i, n := range g.Nodes {
		if n.Queue != nil && l.Boxes[i].X != x("queue:audit") {
			t.Errorf("%s stands at %d, the queue audit at %d", n.ID, l.Boxes[i].X, x("queue:audit"))
		}
	}
}

func BenchmarkLayout(b *testing.B) {
	g := New(wide(10_000), nil)
	for b.Loop() {
		g.Layout()
	}
}
