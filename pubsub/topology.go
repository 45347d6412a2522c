package pubsub

import (
	"context"
	"fmt"
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
