package routing

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/gobindery/bindery/pubsub"
)

// Explanation says where a message goes, and why: what Route does with it, step
// by step. It is plain data that shares nothing with the Table; nobody but its
// owner changes it.
type Explanation struct {
	Exchange string       // that the message is published to; empty is the default exchange
	Keys     []string     // its routing key, then those of the headers CC and BCC
	Headers  pubsub.Table // the request's own

	// Refused is the error that Route returns: the exchange is missing, or it
	// is internal. Then there are no hops.
	Refused error

	// Hops are the exchanges on the way, each once, in the order in which they
	// are looked at: those that are fewer steps away come first.
	Hops []Hop

	// Queues are those that get a copy, each once, sorted by name.
	Queues []Reached
}

// Unroutable reports whether the message was accepted but reaches no queue: it
// is dropped, or returned to a publisher who asked for that (mandatory).
func (e *Explanation) Unroutable() bool { return e.Refused == nil && len(e.Queues) == 0 }

// Via is how a message came to an exchange.
type Via string

const (
	Published   Via = "published" // it was published there
	Bound       Via = "bound"     // a binding led there
	AsAlternate Via = "alternate" // another exchange's bindings did not match, and its alternate exchange is this one
)

// Hop is an exchange that a message comes to, and what that does with it.
type Hop struct {
	Exchange pubsub.Exchange // the default exchange has no name, and the kind direct

	// How the message came here first: From and Binding are the places of that
	// hop in Explanation.Hops and of the binding in its Bindings. They are -1
	// where there is none.
	Via     Via
	From    int
	Binding int

	// Bindings are those that were tried, sorted by destination, key and
	// arguments. The default exchange has one for each key. Omitted counts
	// those that did not match and were left out, as ExplainOptions asked.
	Bindings []Tried
	Omitted  int
	Matched  int // how many match

	// Alternate is where the message goes because nothing matched; nil if
	// something did, or if there is no alternate exchange.
	Alternate *Alternate
}

// Dropped reports whether this exchange has no use for the message: no binding
// matches, and there is no alternate exchange, or that is missing.
func (h *Hop) Dropped() bool {
	return h.Matched == 0 && (h.Alternate == nil || h.Alternate.Missing)
}

// Alternate is the alternate exchange that gets what another can't route.
type Alternate struct {
	Exchange string
	Missing  bool // there is no such exchange: the message goes no further
	Hop      int  // its place in Explanation.Hops; -1 if it is missing
	Again    bool // the message has been there before, and does nothing more there
}

// Tried is a binding that a message was held against.
type Tried struct {
	Binding pubsub.Binding
	Matched bool

	// Key is, in a direct or topic exchange, the first of the message's keys
	// that matches. Header is, in a headers exchange that asks for any header,
	// the first by name that matches.
	Key    string
	Header string

	// Misses say why it does not match: one for each key in a direct or topic
	// exchange, one for each argument that does not hold in a headers exchange.
	Misses []Miss

	// Hop is, for a binding that matches and leads to an exchange, the place
	// of that in Explanation.Hops; else it is -1. Again says that the message
	// has been there before, and does nothing more there.
	Hop   int
	Again bool
}

// Reached is a queue that gets a copy of a message.
type Reached struct {
	Queue string

	// By are the bindings that lead there: one is enough. The way to each is
	// that to its hop.
	By []Step
}

// Step is the place of a binding: of a hop in Explanation.Hops, and of the
// binding in its Bindings.
type Step struct{ Hop, Binding int }

// Path returns the hops from the first, where the message is published, to the
// one at place hop.
func (e *Explanation) Path(hop int) []int {
	var path []int
	for ; hop >= 0; hop = e.Hops[hop].From {
		path = append(path, hop)
	}
	slices.Reverse(path)
	return path
}

// ExplainOptions choose what [Table.Explain] keeps.
type ExplainOptions struct {
	// Misses is how many bindings that don't match are kept of each exchange:
	// the first ones in order. Zero keeps all, less than zero none. Those of
	// the default exchange, one for each key, are always kept.
	Misses int
}

// Explain says where a message goes, and why. It tries every binding on the
// way by itself, without the tries and caches of Route, and agrees with that:
// an error of Route is in Refused. Options may be nil. Its cost grows with the
// number of bindings from the exchanges on the way.
func (t *Table[Q]) Explain(r *Request, o *ExplainOptions) *Explanation {
	x := &explainer[Q]{table: t, request: r, places: map[string]int{}, queues: map[string][]Step{}}
	if o != nil {
		x.options = *o
	}
	x.out = &Explanation{Exchange: r.Exchange, Keys: append([]string{r.Key}, r.MoreKeys...), Headers: r.Headers.Clone()}
	x.run()
	return x.out
}

// explainer makes one Explanation.
type explainer[Q comparable] struct {
	table   *Table[Q]
	request *Request
	options ExplainOptions
	out     *Explanation
	places  map[string]int    // of exchanges, in out.Hops
	queues  map[string][]Step // reached
}

func (x *explainer[Q]) run() {
	if x.request.Exchange == "" {
		x.byName()
	} else {
		first := x.table.exchange(x.request.Exchange)
		switch {
		case first == nil:
			x.out.Refused = noExchange(x.request.Exchange)
			return
		case first.spec.Internal && !x.request.Dead:
			x.out.Refused = toInternal(x.request.Exchange)
			return
		}
		x.arrive(first, Published, -1, -1)
		// The list grows while it is walked: what comes in is looked at in turn.
		for i := 0; i < len(x.out.Hops); i++ {
			x.look(i)
		}
	}
	for name, by := range x.queues {
		x.out.Queues = append(x.out.Queues, Reached{name, by})
	}
	slices.SortFunc(x.out.Queues, func(a, b Reached) int { return cmp.Compare(a.Queue, b.Queue) })
}

// arrive notes that a message comes to an exchange, and returns the place of
// that among the hops, and whether the message has been there before.
func (x *explainer[Q]) arrive(to *exchange[Q], via Via, from, binding int) (hop int, again bool) {
	if i, ok := x.places[to.target.name]; ok {
		return i, true
	}
	i := len(x.out.Hops)
	x.places[to.target.name] = i
	x.out.Hops = append(x.out.Hops, Hop{Exchange: to.public(), Via: via, From: from, Binding: binding})
	return i, false
}

// byName is the default exchange.
func (x *explainer[Q]) byName() {
	h := Hop{Exchange: pubsub.Exchange{Kind: pubsub.Direct, Durable: true}, Via: Published, From: -1, Binding: -1}
	for i, key := range x.out.Keys {
		if slices.Contains(x.out.Keys[:i], key) {
			continue
		}
		t := Tried{Binding: pubsub.Binding{Queue: key, Key: key}, Hop: -1}
		if x.table.queue(key) != nil {
			t.Matched, t.Key = true, key
			h.Matched++
			x.queues[key] = []Step{{0, len(h.Bindings)}}
		} else {
			t.Misses = []Miss{{Reason: NoQueue, Key: key}}
		}
		h.Bindings = append(h.Bindings, t)
	}
	x.out.Hops = []Hop{h}
}

// look tries the bindings of a hop.
func (x *explainer[Q]) look(hop int) {
	e := x.table.exchange(x.out.Hops[hop].Exchange.Name)
	all := slices.SortedFunc(func(yield func(*binding[Q]) bool) { e.bindings(yield) }, compareListed)
	var tried []Tried
	matched, misses, omitted := 0, 0, 0
	for _, b := range all {
		t := try(e.spec.Kind, b, x.out.Keys, x.request.Headers)
		if !t.Matched {
			if misses++; x.options.Misses != 0 && misses > x.options.Misses {
				omitted++
				continue
			}
		} else {
			matched++
			if b.to.exchange {
				t.Hop, t.Again = x.arrive(x.table.exchange(b.to.name), Bound, hop, len(tried))
			} else {
				x.queues[b.to.name] = append(x.queues[b.to.name], Step{hop, len(tried)})
			}
		}
		t.Binding = b.public()
		tried = append(tried, t)
	}
	var alternate *Alternate
	if name := e.spec.Alternate; matched == 0 && name != "" {
		alternate = &Alternate{Exchange: name, Missing: true, Hop: -1}
		if y := x.table.exchange(name); y != nil {
			alternate.Missing = false
			alternate.Hop, alternate.Again = x.arrive(y, AsAlternate, hop, -1)
		}
	}
	// Only now: arrive may have moved the hops.
	h := &x.out.Hops[hop]
	h.Bindings, h.Matched, h.Omitted, h.Alternate = tried, matched, omitted, alternate
}

// compareListed puts the bindings of one exchange in an order that is the same
// in each process.
func compareListed[Q comparable](a, b *binding[Q]) int {
	if a.to.name == b.to.name && a.to.exchange == b.to.exchange && a.key == b.key {
		return cmp.Compare(fmt.Sprintf("%#v", a.args.table()), fmt.Sprintf("%#v", b.args.table()))
	}
	return compareBindings(a, b)
}

// try holds a message against one binding.
func try[Q comparable](kind pubsub.Kind, b *binding[Q], keys []string, headers pubsub.Table) Tried {
	t := Tried{Hop: -1}
	switch kind {
	case pubsub.Fanout:
		t.Matched = true
	case pubsub.Headers:
		t.Header, t.Misses = b.args.explain(headers)
		t.Matched = t.Misses == nil
	default:
		for _, key := range keys {
			miss := Miss{Reason: OtherKey, Key: key, Want: b.key, Have: key}
			match := key == b.key
			if kind == pubsub.Topic {
				miss, match = explainPattern(b.key, key)
			}
			if match {
				t.Matched, t.Key, t.Misses = true, key, nil
				break
			}
			t.Misses = append(t.Misses, miss)
		}
	}
	return t
}

// Err returns why no queue gets the message: Refused, or
// [pubsub.ErrUnroutable]; nil if one does.
func (e *Explanation) Err() error {
	if e.Refused != nil {
		return e.Refused
	}
	if e.Unroutable() {
		return errUnroutable
	}
	return nil
}

var errUnroutable = fmt.Errorf("%w: no queue matches", pubsub.ErrUnroutable)

// refusedBy says in a word why a message is refused.
func refusedBy(err error) string {
	if errors.Is(err, pubsub.ErrNotFound) {
		return "there is no such exchange"
	}
	return "the exchange is internal: it takes messages from other exchanges only"
}
