package routing

import (
	"sync/atomic"

	"github.com/gobindery/bindery/pubsub"
)

// exchange is one state of an exchange: what it is, and its bindings in the
// form that its kind asks for. It is never changed but for what it remembers
// of its routes.
type exchange[Q comparable] struct {
	spec   pubsub.Exchange
	target *target[Q]
	to     hamt[binding[Q]] // bindings with this exchange as their destination
	from   int              // how many bindings there are from it

	all       group[Q]        // fanout
	keys      hamt[keyed[Q]]  // direct
	root      *node[Q]        // topic
	byHeaders headersIndex[Q] // headers

	// What a topic exchange remembers. It starts afresh with each state.
	recent atomic.Pointer[cache[Q]]
	routes atomic.Int32 // counted until there is a cache
}

// keyed is the bindings of a direct exchange with one key.
type keyed[Q comparable] struct {
	key   string
	group group[Q]
}

// copied returns a copy of x to change.
func (x *exchange[Q]) copied() *exchange[Q] {
	return &exchange[Q]{spec: x.spec, target: x.target, to: x.to, from: x.from, all: x.all, keys: x.keys, root: x.root, byHeaders: x.byHeaders}
}

// with returns x with b, which must not be there yet.
func (x *exchange[Q]) with(b *binding[Q]) *exchange[Q] {
	c := x.copied()
	c.from++
	switch x.spec.Kind {
	case pubsub.Fanout:
		c.all = c.all.with(b)
	case pubsub.Direct:
		hash, is := hashString(b.key), func(k *keyed[Q]) bool { return k.key == b.key }
		k := &keyed[Q]{key: b.key}
		if old := c.keys.get(hash, is); old != nil {
			*k = *old
		}
		k.group = k.group.with(b)
		c.keys = c.keys.put(hash, k, is)
	case pubsub.Topic:
		c.root = c.root.with(splitPattern(b.key), b)
	case pubsub.Headers:
		c.byHeaders = c.byHeaders.with(b)
	}
	return c
}

// without returns x without b, which must be there.
func (x *exchange[Q]) without(b *binding[Q]) *exchange[Q] {
	c := x.copied()
	c.from--
	switch x.spec.Kind {
	case pubsub.Fanout:
		c.all = c.all.without(b)
	case pubsub.Direct:
		hash, is := hashString(b.key), func(k *keyed[Q]) bool { return k.key == b.key }
		g := c.keys.get(hash, is).group.without(b)
		if g.empty() {
			c.keys, _ = c.keys.remove(hash, is)
		} else {
			c.keys = c.keys.put(hash, &keyed[Q]{b.key, g}, is)
		}
	case pubsub.Topic:
		c.root = c.root.without(splitPattern(b.key), b)
	case pubsub.Headers:
		c.byHeaders = c.byHeaders.without(b)
	}
	return c
}

// bindings visits every binding from x, in no particular order.
func (x *exchange[Q]) bindings(yield func(*binding[Q]) bool) bool {
	switch x.spec.Kind {
	case pubsub.Fanout:
		return x.all.bindings(yield)
	case pubsub.Direct:
		return x.keys.each(func(k *keyed[Q]) bool { return k.group.bindings(yield) })
	case pubsub.Topic:
		return x.root.bindings(yield)
	}
	return x.byHeaders.list.each(yield)
}

// direct returns the destinations of the bindings of a direct exchange with
// the key, or nil.
func (x *exchange[Q]) direct(key string) *dests[Q] {
	hash := hashString(key)
	for _, s := range x.keys.bucket(hash) {
		if s.hash == hash && s.val.key == key {
			return s.val.group.dests()
		}
	}
	return nil
}
