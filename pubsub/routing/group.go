package routing

import "sync/atomic"

// group is the bindings that match together: those with one key in a direct
// exchange, those with equivalent patterns in a topic exchange, all of a
// fanout exchange. The zero value is empty. It is changed by replacing it.
type group[Q comparable] struct {
	only *binding[Q] // there is exactly one binding
	many *many[Q]    // there are more
}

// many is a group of at least two bindings.
type many[Q comparable] struct {
	members hamt[member[Q]] // by the hash of the target's id

	// flat holds the destinations, made when first asked for, and handed on
	// to the next states. Two readers who find none both make it: that does no
	// harm.
	flat atomic.Pointer[flat[Q]]
}

// flat is the destinations of an earlier state and those that have gone since:
// leaving a few out later is cheaper than gathering all again, and costs
// nothing if nobody asks.
type flat[Q comparable] struct {
	dests[Q]
	gone []*target[Q]
}

// mostGone is how many can be gone before all are gathered again.
const mostGone = 8

// member is the bindings of a group with one destination: mostly one.
type member[Q comparable] struct {
	to       *target[Q]
	bindings hamt[binding[Q]] // by identity; never empty
}

func (g *group[Q]) empty() bool { return g.only == nil && g.many == nil }

// dests returns where messages go that match the group.
func (g *group[Q]) dests() *dests[Q] {
	if g.only != nil {
		return &g.only.to.alone
	}
	if g.many == nil {
		return new(dests[Q])
	}
	old := g.many.flat.Load()
	if old != nil && len(old.gone) == 0 {
		return &old.dests
	}
	f := new(flat[Q])
	if old != nil {
		f.dests = old.without(old.gone)
	} else {
		for m := range g.many.members.all() {
			f.add(m.to)
		}
	}
	f.used = new(atomic.Int64)
	f.used.Store(int64(len(f.ids)))
	g.many.flat.Store(f)
	return &f.dests
}

// bindings visits every binding of the group.
func (g *group[Q]) bindings(yield func(*binding[Q]) bool) bool {
	if g.only != nil {
		return yield(g.only)
	}
	if g.many == nil {
		return true
	}
	return g.many.members.each(func(m *member[Q]) bool { return m.bindings.each(yield) })
}

// with returns the group with b, which must not be in it yet.
func (g group[Q]) with(b *binding[Q]) group[Q] {
	if g.empty() {
		return group[Q]{only: b}
	}
	n := new(many[Q])
	if g.only != nil {
		n.members, _ = withMember(n.members, g.only)
	} else {
		n.members = g.many.members
	}
	members, old := withMember(n.members, b)
	n.members = members
	if g.many == nil {
		return group[Q]{many: n}
	}
	switch f := g.many.flat.Load(); {
	case f == nil:
	case old != nil:
		n.flat.Store(f)
	case len(f.gone) == 0:
		n.flat.Store(&flat[Q]{dests: f.with(b.to)})
	}
	return group[Q]{many: n}
}

// withMember returns the members with b, and the member of b's destination
// that was there before, if any.
func withMember[Q comparable](members hamt[member[Q]], b *binding[Q]) (hamt[member[Q]], *member[Q]) {
	hash, is := hashID(b.to.id), func(m *member[Q]) bool { return m.to == b.to }
	old := members.get(hash, is)
	m := &member[Q]{to: b.to}
	if old != nil {
		m.bindings = old.bindings
	}
	m.bindings = m.bindings.put(b.hash, b, b.is)
	return members.put(hash, m, is), old
}

// without returns the group without b, which must be in it.
func (g group[Q]) without(b *binding[Q]) group[Q] {
	if g.only != nil {
		return group[Q]{}
	}
	hash, is := hashID(b.to.id), func(m *member[Q]) bool { return m.to == b.to }
	m := g.many.members.get(hash, is)
	n := new(many[Q])
	if bindings, _ := m.bindings.remove(b.hash, b.is); bindings.empty() {
		n.members, _ = g.many.members.remove(hash, is)
		if f := g.many.flat.Load(); f != nil && len(f.gone) < mostGone {
			n.flat.Store(&flat[Q]{f.dests, append(f.gone[:len(f.gone):len(f.gone)], b.to)})
		}
	} else {
		n.members = g.many.members.put(hash, &member[Q]{to: m.to, bindings: bindings}, is)
		n.flat.Store(g.many.flat.Load()) // the destinations are the same
	}
	if only := n.single(); only != nil {
		return group[Q]{only: only}
	}
	return group[Q]{many: n}
}

// single returns the only binding, or nil if there are more.
func (n *many[Q]) single() *binding[Q] {
	if n.members.kids != nil || len(n.members.slots) != 1 {
		return nil
	}
	b := &n.members.slots[0].val.bindings
	if b.kids != nil || len(b.slots) != 1 {
		return nil
	}
	return b.slots[0].val
}
