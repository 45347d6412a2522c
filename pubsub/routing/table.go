package routing

import (
	"iter"
	"slices"
	"sync/atomic"

	"github.com/gobindery/bindery/pubsub"
)

// Table is an immutable snapshot of a vhost's exchanges, bindings and queue
// names. A method that changes it returns a new Table, which shares most of
// its structure with the old one; a change takes time logarithmic in the size
// of what it changes. All methods are safe for concurrent use, and readers
// need no lock. Who changes a Table must serialise that: of two Tables made
// from the same one, each has its own change only.
//
// Q is the adapter's handle for a queue: what Route returns.
type Table[Q comparable] struct {
	exchanges hamt[exchange[Q]] // by name
	queues    hamt[queue[Q]]    // by name

	// names finds the exchanges that are published to without hashing their
	// names. It is filled by Route.
	names *[16]atomic.Pointer[exchange[Q]]

	free    *freeID // ids of deleted targets
	ids     uint32  // ids below are in use or free
	scratch *scratchPool[Q]
}

// queue is one state of a queue: its target, and the bindings to it.
type queue[Q comparable] struct {
	target *target[Q]
	to     hamt[binding[Q]]
}

// freeID is a list of ids to use again.
type freeID struct {
	id   uint32
	next *freeID
}

// New returns the Table of a new vhost: there are the default exchange and the
// durable amq.direct, amq.fanout, amq.topic, amq.headers and amq.match. See
// the AMQP 0-9-1 specification, section 3.1.3.
func New[Q comparable]() *Table[Q] {
	t := (&Table[Q]{scratch: new(scratchPool[Q])}).copied()
	for _, e := range []pubsub.Exchange{
		{Name: "amq.direct", Kind: pubsub.Direct},
		{Name: "amq.fanout", Kind: pubsub.Fanout},
		{Name: "amq.topic", Kind: pubsub.Topic},
		{Name: "amq.headers", Kind: pubsub.Headers},
		{Name: "amq.match", Kind: pubsub.Headers},
	} {
		e.Durable = true
		t.addExchange(e)
	}
	return t
}

// copied returns a copy of t to change.
func (t *Table[Q]) copied() *Table[Q] {
	c := *t
	c.names = new([16]atomic.Pointer[exchange[Q]])
	return &c
}

// published returns the exchange with this name, which is not empty, or nil.
// Only Route may call it: while t is being made, exchanges change.
func (t *Table[Q]) published(name string) *exchange[Q] {
	p := &t.names[(len(name)+int(name[len(name)-1]))%len(t.names)]
	x := p.Load()
	if x != nil && x.spec.Name == name {
		return x
	}
	y := t.exchange(name)
	if x == nil && y != nil {
		p.Store(y) // the first one stays, so that two don't push each other out
	}
	return y
}

// newID takes an id for a target; t is not shared yet.
func (t *Table[Q]) newID() uint32 {
	if f := t.free; f != nil {
		t.free = f.next
		return f.id
	}
	t.ids++
	return t.ids - 1
}

// freeID gives an id back; t is not shared yet.
func (t *Table[Q]) freeID(id uint32) { t.free = &freeID{id, t.free} }

func (t *Table[Q]) exchange(name string) *exchange[Q] {
	hash := hashString(name)
	for _, s := range t.exchanges.bucket(hash) {
		if s.hash == hash && s.val.target.name == name {
			return s.val
		}
	}
	return nil
}

func (t *Table[Q]) queue(name string) *queue[Q] {
	hash := hashString(name)
	for _, s := range t.queues.bucket(hash) {
		if s.hash == hash && s.val.target.name == name {
			return s.val
		}
	}
	return nil
}

// setExchange puts a state of an exchange into t, which is not shared yet.
func (t *Table[Q]) setExchange(x *exchange[Q]) {
	t.exchanges = t.exchanges.put(hashString(x.target.name), x, func(y *exchange[Q]) bool { return y.target.name == x.target.name })
}

// setQueue puts a state of a queue into t, which is not shared yet.
func (t *Table[Q]) setQueue(q *queue[Q]) {
	t.queues = t.queues.put(hashString(q.target.name), q, func(p *queue[Q]) bool { return p.target.name == q.target.name })
}

// Exchange returns the exchange with this name, as it was declared. The
// default exchange, whose name is empty, is none that was declared.
func (t *Table[Q]) Exchange(name string) (pubsub.Exchange, bool) {
	x := t.exchange(name)
	if x == nil {
		return pubsub.Exchange{}, false
	}
	return x.public(), true
}

// Queue returns the handle of the queue with this name.
func (t *Table[Q]) Queue(name string) (q Q, ok bool) {
	s := t.queue(name)
	if s == nil {
		return q, false
	}
	return s.target.handle, true
}

// Exchanges returns the exchanges, sorted by name, without the default exchange.
func (t *Table[Q]) Exchanges() iter.Seq[pubsub.Exchange] {
	return func(yield func(pubsub.Exchange) bool) {
		for _, x := range t.sortedExchanges() {
			if !yield(x.public()) {
				return
			}
		}
	}
}

// Queues returns the queues' names and handles, sorted by name.
func (t *Table[Q]) Queues() iter.Seq2[string, Q] {
	return func(yield func(string, Q) bool) {
		queues := slices.SortedFunc(t.queues.all(), func(a, b *queue[Q]) int { return compareNames(a.target, b.target) })
		for _, q := range queues {
			if !yield(q.target.name, q.target.handle) {
				return
			}
		}
	}
}

// Bindings returns the bindings, sorted by exchange, destination and key,
// without those of the default exchange. Their arguments are copies.
func (t *Table[Q]) Bindings() iter.Seq[pubsub.Binding] {
	return func(yield func(pubsub.Binding) bool) {
		for _, x := range t.sortedExchanges() {
			bindings := slices.SortedFunc(func(yield func(*binding[Q]) bool) { x.bindings(yield) }, compareBindings)
			for _, b := range bindings {
				if !yield(b.public()) {
					return
				}
			}
		}
	}
}

func (t *Table[Q]) sortedExchanges() []*exchange[Q] {
	return slices.SortedFunc(t.exchanges.all(), func(a, b *exchange[Q]) int { return compareNames(a.target, b.target) })
}

// public is the exchange as a user knows it. The arguments are a copy.
func (x *exchange[Q]) public() pubsub.Exchange {
	e := x.spec
	e.Arguments = e.Arguments.Clone()
	return e
}
