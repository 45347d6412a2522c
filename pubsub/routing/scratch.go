package routing

import "sync"

// scratch is what a route needs while it runs. It is used again and again.
type scratch[Q comparable] struct {
	states states[Q]
	work   []*exchange[Q] // reached, and not yet looked at
	marks  []uint32       // by target id: round, if the target was reached
	round  uint32
}

// scratchPool is shared by all Tables that come from one New.
type scratchPool[Q comparable] struct{ pool sync.Pool }

func (p *scratchPool[Q]) get() *scratch[Q] {
	if s, ok := p.pool.Get().(*scratch[Q]); ok {
		return s
	}
	return new(scratch[Q])
}

func (p *scratchPool[Q]) put(s *scratch[Q]) { p.pool.Put(s) }

// begin forgets what was marked. Ids are below n.
func (s *scratch[Q]) begin(n uint32) {
	if uint32(len(s.marks)) < n {
		s.marks = make([]uint32, n+n/2)
		s.round = 0
	}
	if s.round++; s.round == 0 {
		clear(s.marks)
		s.round = 1
	}
}

// mark marks a target and reports whether it was not marked yet.
func (s *scratch[Q]) mark(id uint32) bool {
	if s.marks[id] == s.round {
		return false
	}
	s.marks[id] = s.round
	return true
}
