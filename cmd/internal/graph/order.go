package graph

import (
	"cmp"
	"slices"
)

// order brings the items of each column into an order in which few lines cross:
// each to the mean of its neighbours, column by column, from left to right and
// back, as in Sugiyama, Tagawa and Toda (1981). The best of some rounds stays.
func (p *plan) order() {
	const rounds, enough = 12, 20_000
	n := rounds
	if len(p.items) > enough {
		n = 2 // nobody looks at all of that at once
	}
	best, crossings := p.orders(), p.crossings()
	for round := 0; round < n && crossings > 0; round++ {
		for c := 1; c < len(p.columns); c++ {
			p.sortColumn(c, func(it *item) []int { return it.left })
		}
		for c := len(p.columns) - 2; c >= 0; c-- {
			p.sortColumn(c, func(it *item) []int { return it.right })
		}
		if now := p.crossings(); now < crossings {
			best, crossings = p.orders(), now
		}
	}
	p.columns = best
	for _, column := range p.columns {
		for at, i := range column {
			p.items[i].at = at
		}
	}
}

// orders copies the columns.
func (p *plan) orders() [][]int {
	all := make([][]int, len(p.columns))
	for c, column := range p.columns {
		all[c] = slices.Clone(column)
	}
	return all
}

// sortColumn sorts a column by where the neighbours on one side are. Items
// without any stay about where they are.
func (p *plan) sortColumn(c int, neighbours func(*item) []int) {
	column := p.columns[c]
	mean := make(map[int]float64, len(column))
	for _, i := range column {
		it := &p.items[i]
		all := neighbours(it)
		if len(all) == 0 {
			mean[i] = float64(it.at)
			continue
		}
		sum := 0
		for _, j := range all {
			sum += p.items[j].at
		}
		mean[i] = float64(sum) / float64(len(all))
	}
	slices.SortStableFunc(column, func(a, b int) int { return cmp.Compare(mean[a], mean[b]) })
	for at, i := range column {
		p.items[i].at = at
	}
}

// crossings counts how often lines cross, between all columns.
func (p *plan) crossings() int {
	total := 0
	for c := 0; c+1 < len(p.columns); c++ {
		// Lines sorted by their left end: two cross if their right ends are the
		// other way round. A Fenwick tree counts those.
		tree := make([]int, len(p.columns[c+1])+1)
		lines := 0
		for _, i := range p.columns[c] {
			ends := make([]int, 0, len(p.items[i].right))
			for _, j := range p.items[i].right {
				ends = append(ends, p.items[j].at)
			}
			slices.Sort(ends)
			for _, end := range ends {
				before := 0
				for k := end + 1; k > 0; k -= k & -k {
					before += tree[k]
				}
				total += lines - before
			}
			for _, end := range ends {
				for k := end + 1; k < len(tree); k += k & -k {
					tree[k]++
				}
				lines++
			}
		}
	}
	return total
}
