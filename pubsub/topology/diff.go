package topology

import (
	"cmp"
	"slices"
	"strings"

	"github.com/gobindery/bindery/pubsub"
	"github.com/gobindery/bindery/pubsub/classic"
)

// DiffOptions choose what [Diff] compares.
type DiffOptions struct {
	// All compares everything but the default exchange: also what comes and
	// goes by itself.
	All bool
}

// Diff tells in what the real topology differs from a wanted one: exchanges
// first, then queues, then bindings, each in the order of their names. It is
// empty if the two are the same. Options may be nil. The changes point into
// what they were made from. The cost is that of sorting what there is.
func Diff(want, have pubsub.Topology, o *DiffOptions) []Change {
	all := o != nil && o.All
	var changes []Change
	compare(want.Exchanges, have.Exchanges, func(e *pubsub.Exchange) string { return e.Name }, func(want, have *pubsub.Exchange) {
		c := Change{Exchange: cmp.Or(want, have)}
		if c.Exchange.Name == "" || !all && brokersOwn(c.Exchange.Name) {
			return
		}
		if c.Action, c.Fields = compared(want, have, exchangeFields); c.Action != "" {
			changes = append(changes, c)
		}
	})
	leftOut := map[string]bool{} // queues, whose bindings are too
	compare(want.Queues, have.Queues, func(q *pubsub.QueueStatus) string { return q.Name }, func(want, have *pubsub.QueueStatus) {
		c := Change{Queue: cmp.Or(want, have)}
		// Where one is exclusive and the other is not, that is a difference.
		if !all && (brokersOwn(c.Queue.Name) || c.Queue.Exclusive && (have == nil || have.Exclusive)) {
			leftOut[c.Queue.Name] = true
			return
		}
		if c.Action, c.Fields = compared(want, have, queueFields); c.Action != "" {
			changes = append(changes, c)
		}
	})
	compare(want.Bindings, have.Bindings, identity, func(want, have *pubsub.Binding) {
		c := Change{Binding: cmp.Or(want, have)}
		if c.Binding.Exchange == "" || !all && (leftOut[c.Binding.Queue] || brokersOwn(c.Binding.Queue)) {
			return
		}
		none := func(_, _ *pubsub.Binding) []Field { return nil }
		if c.Action, _ = compared(want, have, none); c.Action != "" {
			changes = append(changes, c)
		}
	})
	return changes
}

// brokersOwn reports whether a queue's or exchange's name is the broker's choice.
func brokersOwn(name string) bool { return strings.HasPrefix(name, "amq.") }

// compare calls visit once for each name that is in one of two lists, or in
// both, in order. What is missing is nil. Of those in one list with the same
// name the first counts.
func compare[T any](want, have []T, name func(*T) string, visit func(want, have *T)) {
	w, h := named(want, name), named(have, name)
	for len(w) > 0 || len(h) > 0 {
		switch {
		case len(h) == 0 || len(w) > 0 && w[0].name < h[0].name:
			visit(w[0].entity, nil)
			w = w[1:]
		case len(w) == 0 || h[0].name < w[0].name:
			visit(nil, h[0].entity)
			h = h[1:]
		default:
			visit(w[0].entity, h[0].entity)
			w, h = w[1:], h[1:]
		}
	}
}

type entry[T any] struct {
	name   string
	entity *T
}

// named sorts a list by name, each name once.
func named[T any](list []T, name func(*T) string) []entry[T] {
	entries := make([]entry[T], len(list))
	for i := range list {
		entries[i] = entry[T]{name(&list[i]), &list[i]}
	}
	slices.SortStableFunc(entries, func(a, b entry[T]) int { return cmp.Compare(a.name, b.name) })
	return slices.CompactFunc(entries, func(a, b entry[T]) bool { return a.name == b.name })
}

// compared returns what has to be done about one that is wanted, and one that
// is there; either may be nil. The action is empty if they are the same.
func compared[T any](want, have *T, differences func(want, have *T) []Field) (Action, []Field) {
	switch {
	case have == nil:
		return Create, nil
	case want == nil:
		return Delete, nil
	}
	if fields := differences(want, have); len(fields) > 0 {
		return Differs, fields
	}
	return "", nil
}

func exchangeFields(want, have *pubsub.Exchange) (fields []Field) {
	add := func(name string, want, have any) {
		if want != have {
			fields = append(fields, Field{name, want, have})
		}
	}
	alternate := func(e *pubsub.Exchange) any {
		if e.Alternate == "" {
			return nil
		}
		return e.Alternate
	}
	add("type", string(want.Kind), string(have.Kind))
	add("durable", want.Durable, have.Durable)
	add("auto_delete", want.AutoDelete, have.AutoDelete)
	add("internal", want.Internal, have.Internal)
	add("alternate-exchange", alternate(want), alternate(have))
	return fields
}

func queueFields(want, have *pubsub.QueueStatus) (fields []Field) {
	for _, d := range classic.Differences(have.Queue, want.Queue) {
		fields = append(fields, Field{d.Arg, d.Want, d.Have})
	}
	return fields
}
