package topology

import (
	"fmt"
	"maps"
	"slices"

	"github.com/gobindery/bindery/pubsub"
)

// plan is what Apply does.
type plan struct {
	changes []Change // in a safe order
	again   []Change // afterwards: what the deletions may take with them
}

// newPlan orders the changes, and refuses what can't be done.
func newPlan(want, have pubsub.Topology, prune bool) (*plan, error) {
	var conflicts, queues, bindings, oldQueues, unbinds []Change
	exchanges, oldExchanges := map[string]Change{}, map[string]Change{}
	created := pubsub.Topology{}
	if err := checkTwice(want); err != nil {
		return nil, err
	}
	for _, c := range Diff(want, have, nil) {
		switch {
		case c.Action == Differs:
			conflicts = append(conflicts, c)
		case c.Action == Delete && c.Binding != nil:
			unbinds = append(unbinds, c)
		case c.Action == Delete && c.Queue != nil:
			oldQueues = append(oldQueues, c)
		case c.Action == Delete:
			oldExchanges[c.Exchange.Name] = c
		case c.Exchange != nil:
			exchanges[c.Exchange.Name] = c
			created.Exchanges = append(created.Exchanges, *c.Exchange)
		case c.Queue != nil:
			queues = append(queues, c)
			created.Queues = append(created.Queues, *c.Queue)
		default:
			bindings = append(bindings, c)
			created.Bindings = append(created.Bindings, *c.Binding)
		}
	}
	if len(conflicts) > 0 {
		return nil, &MismatchError{conflicts}
	}
	if err := created.Validate(); err != nil {
		return nil, err
	}
	if err := checkEnds(want, have, bindings, prune); err != nil {
		return nil, err
	}
	p := &plan{changes: alternatesFirst(exchanges)}
	p.changes = append(append(p.changes, queues...), farthestFirst(bindings)...)
	if prune {
		// The other way round: where messages come in, first.
		unbinds, old := farthestFirst(unbinds), alternatesFirst(oldExchanges)
		slices.Reverse(unbinds)
		slices.Reverse(old)
		deletes := slices.Concat(unbinds, oldQueues, old)
		p.changes = append(p.changes, deletes...)
		p.again = restored(want, deletes)
	}
	return p, nil
}

// checkTwice refuses a name that is wanted twice: which one would count?
func checkTwice(want pubsub.Topology) error {
	exchanges, queues := map[string]bool{}, map[string]bool{}
	for _, e := range want.Exchanges {
		if exchanges[e.Name] {
			return fmt.Errorf("%w: exchange %q is wanted twice; one of them must go", pubsub.ErrInvalid, e.Name)
		}
		exchanges[e.Name] = true
	}
	for _, q := range want.Queues {
		if queues[q.Name] {
			return fmt.Errorf("%w: queue %q is wanted twice; one of them must go", pubsub.ErrInvalid, q.Name)
		}
		queues[q.Name] = true
	}
	return nil
}

// checkEnds looks for what new bindings lead from and to.
func checkEnds(want, have pubsub.Topology, bindings []Change, prune bool) error {
	exchanges, queues := map[string]bool{}, map[string]bool{}
	add := func(t pubsub.Topology) {
		for _, e := range t.Exchanges {
			exchanges[e.Name] = true
		}
		for _, q := range t.Queues {
			queues[q.Name] = true
		}
	}
	add(want)
	where := "neither wanted nor there"
	if prune {
		where = "not wanted"
	} else {
		add(have)
	}
	for _, c := range bindings {
		b := c.Binding
		for _, name := range []string{b.Exchange, b.ToExchange} {
			if name != "" && !exchanges[name] && !brokersOwn(name) {
				return fmt.Errorf("%w: %s: the exchange %q is %s; add it, or take the binding out", pubsub.ErrNotFound, c.Entity(), name, where)
			}
		}
		if b.Queue != "" && !queues[b.Queue] {
			return fmt.Errorf("%w: %s: the queue %q is %s; add it, or take the binding out", pubsub.ErrNotFound, c.Entity(), b.Queue, where)
		}
	}
	return nil
}

// alternatesFirst puts exchanges in order: each after its alternate
// exchange, as far as there are no cycles.
func alternatesFirst(exchanges map[string]Change) []Change {
	var ordered []Change
	var visit func(name string)
	seen := map[string]bool{}
	visit = func(name string) {
		c, ok := exchanges[name]
		if !ok || seen[name] {
			return
		}
		seen[name] = true
		visit(c.Exchange.Alternate)
		ordered = append(ordered, c)
	}
	for _, name := range slices.Sorted(maps.Keys(exchanges)) {
		visit(name)
	}
	return ordered
}

// farthestFirst puts bindings in order: those from an exchange come before
// those to it, as far as there are no cycles, since a message that is sent on to
// an exchange is not given to an alternate exchange any more.
func farthestFirst(bindings []Change) []Change {
	from := map[string][]Change{}
	for _, c := range bindings {
		from[c.Binding.Exchange] = append(from[c.Binding.Exchange], c)
	}
	var ordered []Change
	var visit func(exchange string)
	seen := map[string]bool{}
	visit = func(exchange string) {
		if seen[exchange] {
			return
		}
		seen[exchange] = true
		for _, c := range from[exchange] {
			if to := c.Binding.ToExchange; to != "" {
				visit(to)
			}
		}
		ordered = append(ordered, from[exchange]...)
	}
	for _, exchange := range slices.Sorted(maps.Keys(from)) {
		visit(exchange)
	}
	return ordered
}

// restored returns what has to be declared again after deletions: an auto-delete
// exchange goes with the last binding from it, and takes the bindings to it
// along. Those that are wanted are made again; if they are still there, that
// does nothing.
func restored(want pubsub.Topology, deletes []Change) (again []Change) {
	if len(deletes) == 0 {
		return nil
	}
	fleeting := map[string]bool{}
	for i := range want.Exchanges {
		if e := &want.Exchanges[i]; e.AutoDelete && !brokersOwn(e.Name) {
			fleeting[e.Name] = true
			again = append(again, Change{Action: Create, Exchange: e})
		}
	}
	exclusive := map[string]bool{}
	for _, q := range want.Queues {
		exclusive[q.Name] = q.Exclusive
	}
	for i := range want.Bindings {
		b := &want.Bindings[i]
		if (fleeting[b.Exchange] || fleeting[b.ToExchange]) && !exclusive[b.Queue] && !brokersOwn(b.Queue) {
			again = append(again, Change{Action: Create, Binding: b})
		}
	}
	return again
}
