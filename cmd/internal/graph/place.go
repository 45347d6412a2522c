package graph

import (
	"cmp"
	"math"
	"slices"
)

// place decides on heights: each item as near to the mean of its neighbours as
// the order and the size of its column allow.
func (p *plan) place() {
	for c := range p.columns {
		p.settle(c, func(it *item) float64 { return 0 })
	}
	// First as those before, then as those behind, in the end as both.
	for range 4 {
		for c := 1; c < len(p.columns); c++ {
			p.settle(c, func(it *item) float64 { return p.middle(it, it.left, nil) })
		}
		for c := len(p.columns) - 2; c >= 0; c-- {
			p.settle(c, func(it *item) float64 { return p.middle(it, it.right, nil) })
		}
	}
	for range 2 {
		for c := range p.columns {
			p.settle(c, func(it *item) float64 { return p.middle(it, it.left, it.right) })
		}
	}
}

// middle is the mean height of neighbours.
func (p *plan) middle(it *item, some, more []int) float64 {
	n := len(some) + len(more)
	if n == 0 {
		return it.y
	}
	sum := 0.0
	for _, all := range [2][]int{some, more} {
		for _, j := range all {
			sum += p.items[j].y
		}
	}
	return sum / float64(n)
}

// settle places a column. The sum of the squared distances to what is wished is
// the least that is possible: with the room that the items take subtracted, what
// is left is a regression that must not fall, found by pooling adjacent
// violators.
func (p *plan) settle(c int, wish func(*item) float64) {
	type pool struct {
		sum float64
		n   int
	}
	column := p.columns[c]
	room := make([]float64, len(column)) // from the first item's middle
	pools := make([]pool, 0, len(column))
	for k, i := range column {
		it := &p.items[i]
		if k > 0 {
			before := &p.items[column[k-1]]
			space := float64(laneGap)
			if it.node >= 0 || before.node >= 0 {
				space = gap
			}
			room[k] = room[k-1] + (before.height+it.height)/2 + space
		}
		pools = append(pools, pool{wish(it) - room[k], 1})
		for len(pools) > 1 {
			a, b := pools[len(pools)-2], pools[len(pools)-1]
			if a.sum/float64(a.n) <= b.sum/float64(b.n) {
				break
			}
			pools = append(pools[:len(pools)-2], pool{a.sum + b.sum, a.n + b.n})
		}
	}
	k := 0
	for _, pl := range pools {
		for range pl.n {
			p.items[column[k]].y = pl.sum/float64(pl.n) + room[k]
			k++
		}
	}
}

// draw makes pixels of it.
func (p *plan) draw() *Layout {
	top := math.Inf(1)
	for i := range p.items {
		top = min(top, p.items[i].y-p.items[i].height/2)
	}
	out := &Layout{Boxes: make([]Box, len(p.g.Nodes)), Lines: make([]Line, len(p.g.Edges))}
	rects := make([]Rect, len(p.items))
	x := margin
	for c, column := range p.columns {
		width := 0
		for _, i := range column {
			width = max(width, p.items[i].width)
		}
		for _, i := range column {
			it := &p.items[i]
			r := Rect{X: x, Y: margin + int(math.Round(it.y-it.height/2-top)), W: width, H: int(it.height)}
			out.Height = max(out.Height, r.Y+r.H+margin)
			if it.node >= 0 {
				r.Y, r.H = r.Y+it.above, r.H-it.above
				n := &p.g.Nodes[it.node]
				out.Boxes[it.node] = Box{r, cut(n.Title(), titleCells), cut(n.Detail(), detailCells)}
			} else if it.label != "" {
				out.Lines[it.edge].Label = it.label
				out.Lines[it.edge].At = Rect{X: r.X + (width-it.width)/2, Y: r.Y, W: it.width, H: r.H}
			}
			rects[i] = r
		}
		out.Width = x + width + margin
		x += width + p.gapAfter(c)
	}
	p.lines(out, rects)
	return out
}

// gapAfter is how far a column is from the next: where lines climb, wider.
func (p *plan) gapAfter(c int) int {
	climb := 0.0
	for _, i := range p.columns[c] {
		for _, j := range p.items[i].right {
			climb = max(climb, math.Abs(p.items[i].y-p.items[j].y))
		}
	}
	return min(columnGap+int(climb/8), maxGap)
}

// lines lays the lines along their items.
func (p *plan) lines(out *Layout, rects []Rect) {
	at := p.ports(rects)
	loops := make([]int, len(p.g.Nodes))
	for e, chain := range p.chains {
		line, edge := &out.Lines[e], &p.g.Edges[e]
		if chain == nil {
			p.loop(line, edge, rects[edge.From], loops[edge.From])
			loops[edge.From]++
			continue
		}
		for k, i := range chain {
			r := rects[i]
			y := r.Y + r.H/2
			switch k {
			case 0:
				line.Points = append(line.Points, Point{r.X + r.W, at[[2]int{e, 0}]})
			case len(chain) - 1:
				line.Points = append(line.Points, Point{r.X, at[[2]int{e, 1}]})
			default:
				line.Points = append(line.Points, Point{r.X, y})
				if r.W > 0 {
					line.Points = append(line.Points, Point{r.X + r.W, y})
				}
			}
		}
		if chain[0] != edge.From {
			slices.Reverse(line.Points)
		}
	}
}

// ports says at which height each edge begins (0) and ends (1), seen from the
// left: spread over the side of the box, in the order of what they lead to.
func (p *plan) ports(rects []Rect) map[[2]int]int {
	type port struct{ edge, end, towards int }
	sides := make([][2][]port, len(p.g.Nodes))
	for e, chain := range p.chains {
		if chain == nil {
			continue
		}
		last := len(chain) - 1
		a, b := &sides[chain[0]], &sides[chain[last]]
		a[1] = append(a[1], port{e, 0, rects[chain[1]].Y})
		b[0] = append(b[0], port{e, 1, rects[chain[last-1]].Y})
	}
	at := make(map[[2]int]int, 2*len(p.chains))
	for n := range sides {
		for _, side := range sides[n] {
			slices.SortStableFunc(side, func(a, b port) int { return cmp.Compare(a.towards, b.towards) })
			for k, s := range side {
				at[[2]int{s.edge, s.end}] = rects[n].Y + rects[n].H*(k+1)/(len(side)+1)
			}
		}
	}
	return at
}

// loop leads from a box to itself, above it.
func (p *plan) loop(line *Line, edge *Edge, box Rect, n int) {
	line.loop = true
	right, left := box.X+box.W-10+4*n, box.X+box.W-34-4*n
	y := box.Y - n*loopH
	line.Points = []Point{{left, box.Y}, {left, y - 12}, {right, y - 12}, {right, box.Y}}
	most := (left - 4 - box.X) * 1000 / (smallSize * 615)
	if line.Label = edge.caption(max(1, most)); line.Label != "" {
		w := cellWidth(smallSize, cells(line.Label))
		line.At = Rect{X: left - 4 - w, Y: y - 4 - labelH, W: w, H: labelH}
	}
}
