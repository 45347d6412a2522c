package amqpserver

import (
	"cmp"
	"slices"

	"github.com/gobindery/bindery/pubsub"
)

// held is a delivery that the client has not settled: of a consumer or a get.
type held struct {
	settler pubsub.Settler // nil once it is settled
	tag     uint64         // the settler's
	of      *consumer      // nil for a get
}

// taken is a delivery that was taken out of unacked, with its tag there.
type taken struct {
	held
	own uint64
}

// unacked holds a channel's unsettled deliveries in the order of their tags.
// Settled ones leave a gap, until there are more gaps than deliveries.
type unacked struct {
	list      []taken
	unsettled int    // of list
	last      uint64 // the tag of the last delivery
}

// next is the tag of the next delivery.
func (u *unacked) next() uint64 { return u.last + 1 }

// add takes in a delivery and returns its tag. One that needs no outcome has
// a nil settler.
func (u *unacked) add(d held) uint64 {
	u.last++
	if d.settler != nil {
		u.list = append(u.list, taken{d, u.last})
		u.unsettled++
	}
	return u.last
}

// take takes out one delivery. It reports false if there is none to settle.
func (u *unacked) take(tag uint64) (taken, bool) {
	i, ok := u.find(tag)
	if !ok {
		return taken{}, false
	}
	t := u.list[i]
	u.list[i].held = held{}
	u.unsettled--
	u.trim()
	return t, true
}

// takeThrough takes out all up to a tag, in order. That one must be there.
func (u *unacked) takeThrough(tag uint64) ([]taken, bool) {
	i, ok := u.find(tag)
	if !ok {
		return nil, false
	}
	return u.takeFirst(i + 1), true
}

// all takes out all, in order.
func (u *unacked) all() []taken { return u.takeFirst(len(u.list)) }

func (u *unacked) takeFirst(n int) []taken {
	list := slices.DeleteFunc(slices.Clone(u.list[:n]), settled)
	clear(u.list[:n])
	u.list = u.list[n:]
	u.unsettled -= len(list)
	return list
}

// putBack undoes takes.
func (u *unacked) putBack(list []taken) {
	u.list = append(slices.DeleteFunc(u.list, settled), list...)
	slices.SortFunc(u.list, func(a, b taken) int { return cmp.Compare(a.own, b.own) })
	u.unsettled = len(u.list)
}

// find returns the place of a delivery. It reports false if there is none to
// settle.
func (u *unacked) find(tag uint64) (int, bool) {
	if len(u.list) == 0 {
		return 0, false
	}
	// Mostly none is missing between the first one and this.
	i, n := tag-u.list[0].own, len(u.list)
	if i >= uint64(n) || u.list[i].own != tag {
		found, _ := slices.BinarySearchFunc(u.list, tag, func(t taken, tag uint64) int { return cmp.Compare(t.own, tag) })
		i = uint64(found)
	}
	return int(i), i < uint64(n) && u.list[i].own == tag && !settled(u.list[i])
}

// trim drops the gaps at the head, and all if there are many: each delivery is
// moved a few times at most.
func (u *unacked) trim() {
	n := 0
	for n < len(u.list) && settled(u.list[n]) {
		n++
	}
	u.list = u.list[n:]
	if len(u.list) > 2*u.unsettled+64 {
		u.list = slices.DeleteFunc(u.list, settled)
	}
}

func settled(t taken) bool { return t.settler == nil }
