package amqpserver

import "github.com/gobindery/bindery/pubsub"

// held is a delivery that the client has not settled: of a consumer or a get.
type held struct {
	settler pubsub.Settler // nil once it is settled
	tag     uint64         // the settler's
	gets    bool           // of a get, whose settler takes them one by one
}

// unacked holds a channel's unsettled deliveries in the order of their tags,
// which are consecutive: a tag is an index. Settled ones in the middle stay
// until those before them are settled.
type unacked struct {
	list []held
	base uint64 // the tag of list's first
}

// add takes in a delivery and returns its tag. One that needs no outcome has
// a nil settler.
func (u *unacked) add(d held) uint64 {
	u.list = append(u.list, d)
	tag := u.base + uint64(len(u.list)) - 1
	u.trim()
	return tag
}

// take takes out one delivery. It reports false if there is none to settle.
func (u *unacked) take(tag uint64) (held, bool) {
	if tag < u.base || tag >= u.base+uint64(len(u.list)) {
		return held{}, false
	}
	p := &u.list[tag-u.base]
	d := *p
	*p = held{}
	u.trim()
	return d, d.settler != nil
}

// takeThrough takes out all up to a tag, in order.
func (u *unacked) takeThrough(tag uint64) []held {
	if tag+1 <= u.base || tag >= u.base+uint64(len(u.list)) {
		return nil
	}
	n := int(tag - u.base + 1)
	taken := make([]held, 0, n)
	for i, d := range u.list[:n] {
		if d.settler != nil {
			taken = append(taken, d)
		}
		u.list[i] = held{}
	}
	u.trim()
	return taken
}

// all takes out all, in order.
func (u *unacked) all() []held {
	return u.takeThrough(u.base + uint64(len(u.list)) - 1)
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
	return tag >= u.base && tag < u.base+uint64(len(u.list)) && u.list[tag-u.base].settler != nil
}

// holds reports whether any delivery is a consumer's.
func (u *unacked) holds(sub pubsub.Subscription) bool {
	for _, d := range u.list {
		if d.settler == pubsub.Settler(sub) {
			return true
		}
	}
	return false
}
