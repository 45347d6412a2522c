package routing

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/gobindery/bindery/pubsub"
)

// Bind returns a Table with the binding; if it is there already, that is t
// itself. All fields are its identity, arguments with their types: int32(1) and
// int64(1) are two. A missing exchange or queue is [pubsub.ErrNotFound], the
// source named first; the default exchange is [pubsub.ErrAccessRefused]; from a
// headers exchange, an "x-match" that is none of the four is
// [pubsub.ErrPreconditionFailed]. See the AMQP 0-9-1 reference, queue.bind, and
// https://www.rabbitmq.com/docs/e2e.
func (t *Table[Q]) Bind(p pubsub.Binding) (*Table[Q], error) {
	if err := checkEnds(p); err != nil {
		return nil, err
	}
	x := t.exchange(p.Exchange)
	if x == nil {
		return nil, noExchange(p.Exchange)
	}
	to := t.target(p)
	if to == nil {
		if p.ToExchange != "" {
			return nil, noExchange(p.ToExchange)
		}
		return nil, fmt.Errorf("%w: no queue '%s'", pubsub.ErrNotFound, p.Queue)
	}
	args, err := newArguments(p.Arguments, x.spec.Kind)
	if err != nil {
		return nil, err
	}
	b := newBinding(x.target, to, p.Key, args)
	if t.has(b) {
		return t, nil
	}
	// What the binding keeps must be its own.
	b.key = strings.Clone(p.Key)
	b.args, _ = newArguments(p.Arguments.Clone(), x.spec.Kind)
	t = t.copied()
	t.setExchange(x.with(b))
	t.addIncoming(b)
	return t, nil
}

// Unbind returns a Table without the binding; t itself if it, its exchange or
// its queue is missing. An auto-delete exchange goes with its last binding.
// The default exchange is [pubsub.ErrAccessRefused].
func (t *Table[Q]) Unbind(p pubsub.Binding) (*Table[Q], error) {
	if err := checkEnds(p); err != nil {
		return nil, err
	}
	x, to := t.exchange(p.Exchange), t.target(p)
	if x == nil || to == nil {
		return t, nil
	}
	args, err := newArguments(p.Arguments, x.spec.Kind)
	if err != nil {
		return t, nil // there can't be such a binding
	}
	b := newBinding(x.target, to, p.Key, args)
	if !t.has(b) {
		return t, nil
	}
	t = t.copied()
	t.dropIncoming(b)
	t.dropOutgoing(b)
	return t, nil
}

// checkEnds refuses what no vhost allows.
func checkEnds(p pubsub.Binding) error {
	if p.Exchange == "" || p.Queue == "" && p.ToExchange == "" {
		return errDefaultExchange
	}
	if p.Queue != "" && p.ToExchange != "" {
		return fmt.Errorf("%w: a binding has one destination; set Queue or ToExchange, not both", pubsub.ErrInvalid)
	}
	return nil
}

func noExchange(name string) error {
	return fmt.Errorf("%w: no exchange '%s'", pubsub.ErrNotFound, name)
}

// target returns what p leads to, or nil.
func (t *Table[Q]) target(p pubsub.Binding) *target[Q] {
	if p.ToExchange != "" {
		if x := t.exchange(p.ToExchange); x != nil {
			return x.target
		}
	} else if q := t.queue(p.Queue); q != nil {
		return q.target
	}
	return nil
}

func newBinding[Q comparable](from, to *target[Q], key string, args *arguments) *binding[Q] {
	hash := mix(mix(uint64(from.id)<<32|uint64(to.id), hashString(key)), args.hash())
	return &binding[Q]{from: from, to: to, key: key, args: args, hash: hash}
}

// has reports whether there is a binding that is equal to b. Its destination
// knows.
func (t *Table[Q]) has(b *binding[Q]) bool {
	if b.to.exchange {
		return t.exchange(b.to.name).to.get(b.hash, b.is) != nil
	}
	return t.queue(b.to.name).to.get(b.hash, b.is) != nil
}

// The methods below change t, which is not shared yet.

// addIncoming notes b at its destination.
func (t *Table[Q]) addIncoming(b *binding[Q]) {
	if b.to.exchange {
		x := t.exchange(b.to.name).copied()
		x.to = x.to.put(b.hash, b, b.is)
		t.setExchange(x)
		return
	}
	t.setQueue(&queue[Q]{target: b.to, to: t.queue(b.to.name).to.put(b.hash, b, b.is)})
}

// dropIncoming takes b away from its destination, if that is still there.
func (t *Table[Q]) dropIncoming(b *binding[Q]) {
	if b.to.exchange {
		if x := t.exchange(b.to.name); x != nil {
			x = x.copied()
			x.to, _ = x.to.remove(b.hash, b.is)
			t.setExchange(x)
		}
		return
	}
	if q := t.queue(b.to.name); q != nil {
		to, _ := q.to.remove(b.hash, b.is)
		t.setQueue(&queue[Q]{target: q.target, to: to})
	}
}

// dropOutgoing takes b away from its exchange, if that is still there, and the
// exchange with it if it is auto-delete and b was its last.
func (t *Table[Q]) dropOutgoing(b *binding[Q]) {
	x := t.exchange(b.from.name)
	if x == nil {
		return
	}
	x = x.without(b)
	if x.from == 0 && x.spec.AutoDelete {
		t.dropExchange(x)
		return
	}
	t.setExchange(x)
}

// dropAll takes the bindings to a destination that has gone away from their
// exchanges.
func (t *Table[Q]) dropAll(to hamt[binding[Q]]) {
	for b := range to.all() {
		t.dropOutgoing(b)
	}
}

func compareNames[Q comparable](a, b *target[Q]) int { return cmp.Compare(a.name, b.name) }
