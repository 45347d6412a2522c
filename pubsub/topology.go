package pubsub

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// Topology is what there is in a vhost: exchanges, queues and bindings.
type Topology struct {
	Exchanges []Exchange // sorted by name; the default exchange is left out
	Queues    []QueueStatus
	Bindings  []Binding // those of the default exchange are left out
}

// QueueStatus is a queue and what is in it.
type QueueStatus struct {
	Queue
	Ready     int // messages that wait for a consumer
	Unacked   int // messages that a consumer has not settled
	Consumers int
}

// Validate checks what is to be declared, as [Broker.DeclareExchange],
// [Broker.DeclareQueue] and [Broker.Bind] do, and that no name is there twice.
// Names that begin with "amq." are the broker's own and are taken as they
// stand. All that is wrong is in the error, which wraps [ErrInvalid] and others.
func (t Topology) Validate() error {
	var all []error
	exchanges, queues := make(map[string]bool, len(t.Exchanges)), make(map[string]bool, len(t.Queues))
	check := func(op, name string, seen map[string]bool, validate func() error) {
		err := error(nil)
		if seen[name] {
			err = fmt.Errorf("%w: it is there twice; one of them must go", ErrInvalid)
		} else if !strings.HasPrefix(name, "amq.") {
			err = validate()
		}
		if err != nil {
			all = append(all, opError(op, quote(name), err))
		}
		seen[name] = true
	}
	for _, e := range t.Exchanges {
		check(opDeclareExchange, e.Name, exchanges, e.validate)
	}
	for _, q := range t.Queues {
		if q.Name == "" {
			all = append(all, opError(opDeclareQueue, quote(""), fmt.Errorf("%w: a queue of a topology needs a name", ErrInvalid)))
			continue
		}
		check(opDeclareQueue, q.Name, queues, q.Queue.validate)
	}
	for _, b := range t.Bindings {
		if err := b.validate(); err != nil {
			all = append(all, opError(opBind, b.String(), err))
		}
	}
	return errors.Join(all...)
}

// Lister is for an [Adapter] that can list what there is.
type Lister interface {
	// Topology lists the vhost. Queues and exchanges are sorted by name,
	// bindings by exchange, destination and key. Counts may lag behind where
	// the broker gathers them now and then. Safe for concurrent use.
	Topology(ctx context.Context) (Topology, error)
}

// Topology lists exchanges, queues and bindings. An adapter that can't is
// [ErrUnsupported].
func (b *Broker) Topology(ctx context.Context) (t Topology, err error) {
	err = b.do(opTopology, "", func() error { return nil }, func() (err error) {
		l, ok := b.adapter.(Lister)
		if !ok {
			return fmt.Errorf("%w: %T can't list what there is", ErrUnsupported, b.adapter)
		}
		t, err = l.Topology(ctx)
		return err
	})
	return t, err
}
