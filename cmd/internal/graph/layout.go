package graph

import (
	"math"
	"slices"
)

// Layout is where a graph stands on a plane, in pixels, y downwards: in columns
// from left to right, exchanges by how many others are before them, queues
// last. No two boxes or labels overlap, and no line crosses a box.
type Layout struct {
	Width  int    `json:"width"`
	Height int    `json:"height"`
	Boxes  []Box  `json:"boxes"` // of Graph.Nodes, in that order
	Lines  []Line `json:"lines"` // of Graph.Edges, in that order
}

// Rect is an area: its upper left corner and its size.
type Rect struct {
	X int `json:"x"`
	Y int `json:"y"`
	W int `json:"w"`
	H int `json:"h"`
}

// Box is a node with two lines of text, cut to what fits.
type Box struct {
	Rect
	Title  string `json:"title"`
	Detail string `json:"detail"`
}

// Point is a place.
type Point struct {
	X int `json:"x"`
	Y int `json:"y"`
}

// Line is an edge. It leads through its points, from the first to the arrowhead
// at the last: in curves that are level at each point, so that Path draws it.
type Line struct {
	Points []Point `json:"points"`

	// Label is the text on it, cut to what fits, and where that stands. Empty:
	// there is none.
	Label string `json:"label,omitempty"`
	At    Rect   `json:"at"`

	loop bool // from a node to itself
}

// Sizes in pixels. Texts are in a font of fixed width, see cellWidth.
const (
	margin      = 16
	gap         = 14 // between boxes in a column
	laneGap     = 4  // between lines and labels in a column
	columnGap   = 28 // between columns, up to maxGap
	maxGap      = 160
	boxHeight   = 42
	portGap     = 7 // between lines at a box, up to maxBox
	maxBox      = 140
	labelH      = 18
	laneH       = 6
	loopH       = 28 // above a box, for each line that leads from it to itself
	padding     = 12
	titleSize   = 13 // fonts
	smallSize   = 11
	titleCells  = 30 // longer texts are cut
	detailCells = 44
	labelCells  = 34
)

// cellWidth is how wide a column of text is at a font size: monospace fonts have
// 0.6 em, and a little more is for those that are wider.
func cellWidth(size, cells int) int { return int(math.Ceil(float64(size*cells) * 0.615)) }

// item is what takes space in a column: a node, or a part of an edge that goes
// on to a later column.
type item struct {
	node  int // its place, or -1
	edge  int // its place, or -1
	label string
	width int
	above int // of the height: what lies above the box

	height      float64
	y           float64 // of its middle
	at          int     // its place in the column
	left, right []int   // neighbours: places of items
}

// plan is a layout in the making. Columns at even places are of nodes, those
// between them of labels.
type plan struct {
	g       *Graph
	depth   []int // of nodes: their column is twice that
	items   []item
	columns [][]int // of items, from top to bottom
	chains  [][]int // of each edge: its items from left to right, nodes included; nil for a loop
}

// Layout decides where everything stands. It is the same for equal graphs. Its
// cost is about proportional to what is there.
func (g *Graph) Layout() *Layout {
	p := &plan{g: g, depth: g.depths()}
	p.makeItems()
	p.order()
	p.place()
	return p.draw()
}

// makeItems fills the columns, in the order of nodes and edges.
func (p *plan) makeItems() {
	last := 0
	for _, d := range p.depth {
		last = max(last, d)
	}
	p.columns = make([][]int, 2*last+1)
	ports := make([][2]int, len(p.g.Nodes)) // how many lines at the left and at the right
	loops := make([]int, len(p.g.Nodes))
	for _, e := range p.g.Edges {
		a, b := e.From, e.To
		if a == b {
			loops[a]++
			continue
		}
		if p.depth[a] > p.depth[b] {
			a, b = b, a
		}
		ports[a][1]++
		ports[b][0]++
	}
	for i := range p.g.Nodes {
		n := &p.g.Nodes[i]
		title, detail := cut(n.Title(), titleCells), cut(n.Detail(), detailCells)
		it := item{node: i, edge: -1, width: max(cellWidth(titleSize, cells(title)), cellWidth(smallSize, cells(detail))) + 2*padding}
		it.above = loops[i] * loopH
		it.height = float64(it.above + min(max(boxHeight, portGap*(max(ports[i][0], ports[i][1])+1)), maxBox))
		p.add(2*p.depth[i], it)
	}
	p.chains = make([][]int, len(p.g.Edges))
	for i := range p.g.Edges {
		e := &p.g.Edges[i]
		a, b := e.From, e.To
		if a == b {
			continue
		}
		if p.depth[a] > p.depth[b] {
			a, b = b, a
		}
		chain := []int{a} // the items of nodes are those with their places
		for column := 2*p.depth[a] + 1; column < 2*p.depth[b]; column++ {
			it := item{node: -1, edge: i, height: laneH}
			if column == 2*p.depth[b]-1 {
				if it.label = e.caption(labelCells); it.label != "" {
					it.width, it.height = cellWidth(smallSize, cells(it.label))+8, labelH
				}
			}
			chain = append(chain, p.add(column, it))
		}
		chain = append(chain, b)
		for j := 1; j < len(chain); j++ {
			l, r := chain[j-1], chain[j]
			p.items[l].right = append(p.items[l].right, r)
			p.items[r].left = append(p.items[r].left, l)
		}
		p.chains[i] = chain
	}
}

func (p *plan) add(column int, it item) int {
	it.at = len(p.columns[column])
	p.items = append(p.items, it)
	p.columns[column] = append(p.columns[column], len(p.items)-1)
	return len(p.items) - 1
}

// depths says in which column of nodes each is: exchanges after all that lead
// to them, but for cycles; queues in the last.
func (g *Graph) depths() []int {
	next := make([][]int, len(g.Nodes)) // exchanges only
	for _, e := range g.Edges {
		if e.From != e.To && e.Kind != DeadLetter && g.Nodes[e.To].Exchange != nil {
			next[e.From] = append(next[e.From], e.To)
		}
	}
	const unseen, onWay, seen = 0, 1, 2
	state := make([]int, len(g.Nodes))
	var sorted []int // topologically, the last first
	var visit func(n int)
	visit = func(n int) {
		state[n] = onWay
		forward := next[n][:0]
		for _, m := range next[n] {
			if state[m] == onWay {
				continue // it closes a cycle
			}
			forward = append(forward, m)
			if state[m] == unseen {
				visit(m)
			}
		}
		next[n] = forward
		state[n] = seen
		sorted = append(sorted, n)
	}
	// Who is led to by nobody begins; what is left are cycles.
	led := make([]bool, len(g.Nodes))
	for _, all := range next {
		for _, m := range all {
			led[m] = true
		}
	}
	for _, begin := range []bool{true, false} {
		for n := range g.Nodes {
			if g.Nodes[n].Exchange != nil && state[n] == unseen && led[n] != begin {
				visit(n)
			}
		}
	}
	depth := make([]int, len(g.Nodes))
	last := -1
	for _, n := range slices.Backward(sorted) {
		last = max(last, depth[n])
		for _, m := range next[n] {
			depth[m] = max(depth[m], depth[n]+1)
		}
	}
	for n := range g.Nodes {
		if g.Nodes[n].Queue != nil {
			depth[n] = last + 1
		}
	}
	return depth
}
