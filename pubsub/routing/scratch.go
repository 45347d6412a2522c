package routing

import "sync"

// scratch is what a route needs while it runs. It is used again and again.
type scratch[Q comparable] struct {
	states states[Q]
	work   []*target[Q] // exchanges reached, and not yet looked at
	found  bool         // the exchange in hand has a binding that matches
	first  *dests[Q]    // the first queues taken
	out    []Q          // what was taken, once there is more than first
	copied bool         // first is in out
	marks  []uint32     // by target id: round, if the target was taken
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

// begin starts a route. Ids are below n.
func (s *scratch[Q]) begin(n uint32, into []Q) {
	s.out, s.first, s.copied, s.found = into[:0], nil, false, false
	if uint32(len(s.marks)) < n {
		s.marks = make([]uint32, n+n/2)
		s.round = 0
	}
	if s.round++; s.round == 0 {
		clear(s.marks)
		s.round = 1
	}
}

// end returns the result and gives s back.
func (s *scratch[Q]) end(p *scratchPool[Q]) []Q {
	out := s.out
	if s.first != nil && !s.copied {
		out = s.first.result()
	}
	s.out, s.first = nil, nil
	p.pool.Put(s)
	return out
}

// mark marks a target and reports whether it was not marked yet.
func (s *scratch[Q]) mark(id uint32) bool {
	if s.marks[id] == s.round {
		return false
	}
	s.marks[id] = s.round
	return true
}

// take adds destinations to the route. Only a second list of queues makes it
// copy: most messages find one.
func (s *scratch[Q]) take(d *dests[Q]) {
	for _, to := range d.exchanges {
		s.found = true
		if s.mark(to.id) {
			s.work = append(s.work, to)
		}
	}
	if len(d.ids) == 0 {
		return
	}
	s.found = true
	if s.first == nil || s.first == d {
		s.first = d
		return
	}
	if !s.copied {
		s.copied = true
		s.copy(s.first)
	}
	s.copy(d)
}

func (s *scratch[Q]) copy(d *dests[Q]) {
	for i, id := range d.ids {
		if s.mark(id) {
			s.out = append(s.out, d.queues[i])
		}
	}
}
