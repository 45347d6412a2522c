package routing

import "github.com/gobindery/bindery/pubsub"

// headersIndex is the bindings of a headers exchange. Each is found by what it
// asks for: an "all" binding by one of its arguments, the one that the fewest
// bindings share; an "any" binding by each. So the cost of a route grows with
// the message's headers, and with the bindings that one of them finds, but not
// with all the others. The zero value is empty; it is changed by replacing it.
type headersIndex[Q comparable] struct {
	list   hamt[binding[Q]] // all
	always group[Q]         // "all" of nothing: they match everything
	asking hamt[asking[Q]]
}

// asking is the bindings that a header finds whose name and value have this
// hash. That they match must be checked.
type asking[Q comparable] struct {
	hash     uint64
	bindings hamt[binding[Q]]
	n        int
}

// askHash hashes a header's name and value; values that sameValue takes for
// equal have equal hashes.
func askHash(name string, v any) uint64 {
	switch classOf(v) {
	case classNumber:
		n := numberOf(v)
		if n.negative {
			n.whole = ^n.whole
		}
		return mix(hashString(name), mix(n.whole, hashFloat(n.float)))
	case classText:
		if b, ok := v.([]byte); ok {
			v = string(b)
		}
	case classList:
		if length(v) == 0 {
			return hashString(name)
		}
	}
	return mix(hashString(name), hashValue(v))
}

func (e *argument) askHash() uint64 { return askHash(e.name, e.value) }

// with returns x with b, which must not be in it, nor be shared yet.
func (x headersIndex[Q]) with(b *binding[Q]) headersIndex[Q] {
	x.list = x.list.put(b.hash, b, b.is)
	a := b.args
	if a == nil || a.wants == 0 && !a.any {
		x.always = x.always.with(b)
		return x
	}
	fewest := -1
	for i := range a.list[:a.wants] {
		if a.any {
			x.ask(a.list[i].askHash(), b)
			continue
		}
		n := 0
		if k := x.askingFor(a.list[i].askHash()); k != nil {
			n = k.n
		}
		if a.list[i].value == nil {
			n++ // whatever the value is, messages have it
		}
		if fewest < 0 || n < fewest {
			a.by, fewest = i, n
		}
	}
	if !a.any {
		x.ask(a.list[a.by].askHash(), b)
	}
	return x
}

// without returns x without b, which must be in it.
func (x headersIndex[Q]) without(b *binding[Q]) headersIndex[Q] {
	x.list, b = x.list.remove(b.hash, b.is) // the one that was added
	a := b.args
	switch {
	case a == nil || a.wants == 0 && !a.any:
		x.always = x.always.without(b)
	case a.any:
		for i := range a.list[:a.wants] {
			x.unask(a.list[i].askHash(), b)
		}
	default:
		x.unask(a.list[a.by].askHash(), b)
	}
	return x
}

func (x *headersIndex[Q]) askingFor(hash uint64) *asking[Q] {
	for _, s := range x.asking.bucket(hash) {
		if s.hash == hash {
			return s.val
		}
	}
	return nil
}

func (x *headersIndex[Q]) ask(hash uint64, b *binding[Q]) {
	k := &asking[Q]{hash: hash}
	if old := x.askingFor(hash); old != nil {
		*k = *old
	}
	k.bindings = k.bindings.put(b.hash, b, b.is)
	k.n++
	x.asking = x.asking.put(hash, k, func(*asking[Q]) bool { return true })
}

func (x *headersIndex[Q]) unask(hash uint64, b *binding[Q]) {
	k := *x.askingFor(hash)
	k.bindings, _ = k.bindings.remove(b.hash, b.is)
	k.n--
	if k.n == 0 {
		x.asking, _ = x.asking.remove(hash, func(*asking[Q]) bool { return true })
		return
	}
	x.asking = x.asking.put(hash, &k, func(*asking[Q]) bool { return true })
}

// match gives s the destinations of all bindings that a message with these
// headers gets through. A binding may be found more than once.
func (x *headersIndex[Q]) match(headers pubsub.Table, s *scratch[Q]) {
	if !x.always.empty() {
		s.take(x.always.dests())
	}
	if x.asking.empty() {
		return
	}
	for name, v := range headers {
		x.try(askHash(name, v), headers, s)
		if v != nil {
			x.try(askHash(name, nil), headers, s)
		}
	}
}

func (x *headersIndex[Q]) try(hash uint64, headers pubsub.Table, s *scratch[Q]) {
	k := x.askingFor(hash)
	if k == nil {
		return
	}
	for b := range k.bindings.all() {
		if b.args.match(headers) {
			s.take(&b.to.alone)
		}
	}
}
