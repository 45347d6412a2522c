package amqpserver

import "github.com/gobindery/bindery/pubsub"

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

// unacked holds a channel's unsettled deliveries in the order of their tags,
// which are consecutive: a tag is an index. Settled ones in the middle stay
// until those before them are settled.
type unacked struct {
	list []held
	base uint64 // the tag of list's first
}

// next is the tag of the next delivery.
func (u *unacked) next() uint64 { return u.base + uint64(len(u.list)) }

// add takes in a delivery and returns its tag. One that needs no outcome has
// a nil settler.
func (u *unacked) add(d held) uint64 {
	tag := u.next()
	u.list = append(u.list, d)
	u.trim()
	return tag
}

// take takes out one delivery. It reports false if there is none to settle.
func (u *unacked) take(tag uint64) (taken, bool) {
	if !u.has(tag) {
		return taken{}, false
	}
	p := &u.list[tag-u.base]
	t := taken{*p, tag}
	*p = held{}
	u.trim()
	return t, true
}

// takeThrough takes out all up to a tag, in order. That one must be there.
func (u *unacked) takeThrough(tag uint64) ([]taken, bool) {
	if !u.has(tag) {
		return nil, false
	}
	n := int(tag - u.base + 1)
	list := make([]taken, 0, n)
	for i, d := range u.list[:n] {
		if d.settler != nil {
			list = append(list, taken{d, u.base + uint64(i)})
		}
		u.list[i] = held{}
	}
	u.trim()
	return list, true
}

// all takes out all, in order.
func (u *unacked) all() []taken {
	// The last one of the list may need no outcome, or be settled.
	for last := len(u.list) - 1; last >= 0; last-- {
		if u.list[last].settler != nil {
			list, _ := u.takeThrough(u.base + uint64(last))
			return list
		}
	}
	return nil
}

// putBack undoes a take.
func (u *unacked) putBack(t taken) {
	if t.own < u.base {
		u.list = append(make([]held, u.base-t.own), u.list...)
		u.base = t.own
	}
	u.list[t.own-u.base] = t.held
}

// trim drops settled deliveries from the head.
func (u *unacked) trim() {
	n := 0
	for n < len(u.list) && u.list[n].settler == nil {
		n++
	}
	u.list = u.list[n:]
	u.base += uint64(n)
}

// has reports whether a delivery waits for its outcome.
func (u *unacked) has(tag uint64) bool {
	return tag >= u.base && tag < u.next() && u.list[tag-u.base].settler != nil
}
