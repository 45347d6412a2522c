package routing

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gobindery/bindery/pubsub"
)

var errDefaultExchange = fmt.Errorf("%w: operation not permitted on the default exchange", pubsub.ErrAccessRefused)

// DeclareExchange returns a Table with the exchange. If there is one that is
// equal, it is t itself; kind, durability, auto-delete, internal and alternate
// exchange count, other arguments don't. If the one there is not equal, the
// error is [pubsub.ErrPreconditionFailed]. A new name that begins with "amq.",
// and the default exchange, are [pubsub.ErrAccessRefused]; an unknown kind is
// [pubsub.ErrInvalid]. See https://www.rabbitmq.com/docs/exchanges.
func (t *Table[Q]) DeclareExchange(e pubsub.Exchange) (*Table[Q], error) {
	if e.Name == "" {
		return nil, errDefaultExchange
	}
	switch e.Kind {
	case pubsub.Direct, pubsub.Fanout, pubsub.Topic, pubsub.Headers:
	case "":
		return nil, fmt.Errorf("%w: invalid exchange type ''", pubsub.ErrInvalid)
	default:
		return nil, fmt.Errorf("%w: unknown exchange type '%s'", pubsub.ErrInvalid, e.Kind)
	}
	if x := t.exchange(e.Name); x != nil {
		return t, equivalent(&x.spec, &e)
	}
	if strings.HasPrefix(e.Name, "amq.") {
		return nil, fmt.Errorf("%w: exchange name '%s' contains reserved prefix 'amq.*'", pubsub.ErrAccessRefused, e.Name)
	}
	t = t.copied()
	t.addExchange(e)
	return t, nil
}

// addExchange puts a new exchange into t, which is not shared yet.
func (t *Table[Q]) addExchange(e pubsub.Exchange) {
	e.Name = strings.Clone(e.Name)
	e.Arguments = e.Arguments.Clone()
	t.setExchange(&exchange[Q]{spec: e, target: newExchangeTarget[Q](e.Name, t.newID())})
}

// equivalent tells in what an exchange that is declared again differs.
func equivalent(have, want *pubsub.Exchange) error {
	switch {
	case have.Kind != want.Kind:
		return inequivalent(want.Name, "type", quoted(want.Kind), quoted(have.Kind))
	case have.Durable != want.Durable:
		return inequivalent(want.Name, "durable", quoted(want.Durable), quoted(have.Durable))
	case have.AutoDelete != want.AutoDelete:
		return inequivalent(want.Name, "auto_delete", quoted(want.AutoDelete), quoted(have.AutoDelete))
	case have.Internal != want.Internal:
		return inequivalent(want.Name, "internal", quoted(want.Internal), quoted(have.Internal))
	case have.Alternate != want.Alternate && have.Alternate != "" && want.Alternate != "":
		return inequivalent(want.Name, "alternate-exchange", quoted(want.Alternate), quoted(have.Alternate))
	case have.Alternate != want.Alternate:
		return inequivalent(want.Name, "alternate-exchange", alternateValue(want.Alternate), alternateValue(have.Alternate))
	}
	return nil
}

func inequivalent(exchange, arg, received, current string) error {
	return fmt.Errorf("%w: inequivalent arg '%s' for exchange '%s': received %s but current is %s", pubsub.ErrPreconditionFailed, arg, exchange, received, current)
}

func quoted(v any) string { return fmt.Sprintf("'%v'", v) }

func alternateValue(name string) string {
	if name == "" {
		return "none"
	}
	return fmt.Sprintf("the value '%s' of type 'longstr'", name)
}

// DeleteExchange returns a Table without the exchange and without the bindings
// from and to it. With that, auto-delete exchanges go that lose their last
// binding. An exchange that is missing is no error. The default exchange and
// names that begin with "amq." are [pubsub.ErrAccessRefused]. With ifUnused, an
// exchange with bindings from it is [pubsub.ErrPreconditionFailed].
func (t *Table[Q]) DeleteExchange(name string, ifUnused bool) (*Table[Q], error) {
	if name == "" {
		return nil, errDefaultExchange
	}
	if strings.HasPrefix(name, "amq.") {
		return nil, fmt.Errorf("%w: deletion of system exchange '%s' not allowed", pubsub.ErrAccessRefused, name)
	}
	x := t.exchange(name)
	if x == nil {
		return t, nil
	}
	if ifUnused && x.from > 0 {
		return nil, fmt.Errorf("%w: exchange '%s' in use", pubsub.ErrPreconditionFailed, name)
	}
	t = t.copied()
	t.dropExchange(x)
	return t, nil
}

// dropExchange takes x, its bindings, and what goes with them out of t, which
// is not shared yet.
func (t *Table[Q]) dropExchange(x *exchange[Q]) {
	t.exchanges, _ = t.exchanges.remove(hashString(x.target.name), func(y *exchange[Q]) bool { return y.target == x.target })
	t.freeID(x.target.id)
	x.bindings(func(b *binding[Q]) bool {
		t.dropIncoming(b)
		return true
	})
	t.dropAll(x.to)
}

// AddQueue returns a Table with a queue: the default exchange reaches it, and
// it can be bound. If there is one with this name, it gets the new handle and
// keeps its bindings.
func (t *Table[Q]) AddQueue(name string, q Q) *Table[Q] {
	old := t.queue(name)
	if old != nil && old.target.handle == q {
		return t
	}
	t = t.copied()
	if old == nil {
		t.setQueue(&queue[Q]{target: newQueueTarget(strings.Clone(name), q, t.newID())})
		return t
	}
	// Bindings lead to the old handle: each is replaced. Until the last one
	// is, an exchange may have both, and must tell them apart.
	n := &queue[Q]{target: newQueueTarget(old.target.name, q, t.newID())}
	t.freeID(old.target.id)
	t.setQueue(n)
	for b := range old.to.all() {
		c := b.redirected(n.target)
		t.setExchange(t.exchange(b.from.name).without(b).with(c))
		t.addIncoming(c)
	}
	return t
}

// RemoveQueue returns a Table without the queue and its bindings. With that,
// auto-delete exchanges go that lose their last binding. A queue that is
// missing is no error.
func (t *Table[Q]) RemoveQueue(name string) *Table[Q] {
	q := t.queue(name)
	if q == nil {
		return t
	}
	t = t.copied()
	t.queues, _ = t.queues.remove(hashString(name), func(p *queue[Q]) bool { return p == q })
	t.freeID(q.target.id)
	t.dropAll(q.to)
	return t
}

// ListedExchange is DeclareExchange for what is known to be there, as a broker
// has listed it: it takes names that begin with "amq." too.
func (t *Table[Q]) ListedExchange(e pubsub.Exchange) (*Table[Q], error) {
	if strings.HasPrefix(e.Name, "amq.") && t.exchange(e.Name) == nil && slices.Contains(pubsub.Kinds(), e.Kind) {
		t = t.copied()
		t.addExchange(e)
		return t, nil
	}
	return t.DeclareExchange(e)
}
