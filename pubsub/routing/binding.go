package routing

import (
	"cmp"

	"github.com/gobindery/bindery/pubsub"
)

// target is what messages can be routed to: a queue, or an exchange. It is
// made once and shared by all snapshots in which the queue or exchange exists,
// so that a binding can point at it.
type target[Q comparable] struct {
	name string

	// id tells the targets of one snapshot apart. Ids are small, for they
	// index marks: a deleted target's id is used again.
	id uint32

	exchange bool
	handle   Q // of a queue

	// alone is the destinations of a binding to this target: most keys have
	// one binding, and need no list of their own.
	alone dests[Q]
}

func newQueueTarget[Q comparable](name string, q Q, id uint32) *target[Q] {
	to := &target[Q]{name: name, id: id, handle: q}
	to.alone.queues = []Q{q}
	to.alone.ids = []uint32{id}
	return to
}

func newExchangeTarget[Q comparable](name string, id uint32) *target[Q] {
	to := &target[Q]{name: name, id: id, exchange: true}
	to.alone.exchanges = []*target[Q]{to}
	return to
}

// binding is one binding. It is shared by every structure that it is in, and
// never changed.
type binding[Q comparable] struct {
	from, to *target[Q]
	key      string
	args     *arguments // nil: none
	hash     uint64     // of all of the above
}

// is returns a function that reports whether a binding is equal to b: every
// field is part of the identity, and arguments must have the same types.
func (b *binding[Q]) is(c *binding[Q]) bool {
	return b == c || b.from == c.from && b.to == c.to && b.key == c.key && b.args.is(c.args)
}

// redirected returns a copy of b that leads elsewhere.
func (b *binding[Q]) redirected(to *target[Q]) *binding[Q] {
	args := b.args
	if args != nil {
		a := *args
		args = &a
	}
	return newBinding(b.from, to, b.key, args)
}

// public is the binding as a user knows it. The arguments are a copy.
func (b *binding[Q]) public() pubsub.Binding {
	p := pubsub.Binding{Exchange: b.from.name, Key: b.key, Arguments: b.args.table()}
	if b.to.exchange {
		p.ToExchange = b.to.name
	} else {
		p.Queue = b.to.name
	}
	return p
}

// compareBindings puts the bindings of one exchange in order: by destination
// (queues before exchanges of the same name), then key.
func compareBindings[Q comparable](a, b *binding[Q]) int {
	if c := cmp.Compare(a.to.name, b.to.name); c != 0 {
		return c
	}
	if a.to.exchange != b.to.exchange {
		if b.to.exchange {
			return -1
		}
		return 1
	}
	if c := cmp.Compare(a.key, b.key); c != 0 {
		return c
	}
	return cmp.Compare(a.hash, b.hash)
}
