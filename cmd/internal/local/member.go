package local

import (
	"context"
	"errors"
	"sync"

	"github.com/gobindery/bindery/pubsub"
)

// member is what stands behind one connection to the host: the broker in
// memory, with the gate before it.
type member struct {
	pubsub.Adapter
	host *host
	id   identity

	mu     sync.Mutex
	turned []*pubsub.Publication // came when the gate was shut; their outcome is that of Close
	joined bool
	closed bool
}

var (
	_ pubsub.Adapter = (*member)(nil)
	_ pubsub.Lister  = (*member)(nil)
)

// Topology lists what there is.
func (m *member) Topology(ctx context.Context) (pubsub.Topology, error) {
	return m.Adapter.(pubsub.Lister).Topology(ctx) // the broker in memory
}

// Publish waits while the host holds publishes. One that is turned away gets
// no confirm: its sender knows that it is not confirmed when the connection
// ends, and sends it to the next host.
func (m *member) Publish(ctx context.Context, p *pubsub.Publication) {
	if m.host.gate.pass(func() { m.Adapter.Publish(ctx, p) }) {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.turned = append(m.turned, p)
}

// Consume notes the receiver before it learns that it consumes.
func (m *member) Consume(ctx context.Context, queue string, o pubsub.ConsumeOptions) (pubsub.Subscription, error) {
	sub, err := m.Adapter.Consume(ctx, queue, o)
	if err != nil {
		return nil, err
	}
	if err := m.join(); err != nil {
		return nil, errors.Join(err, sub.Close())
	}
	return sub, nil
}

func (m *member) join() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.joined || m.closed {
		return nil
	}
	m.joined = true
	return m.host.join(m.id)
}

// Close ends the connection.
func (m *member) Close() error {
	err := m.Adapter.Close()
	m.mu.Lock()
	turned, left := m.turned, m.joined && !m.closed
	m.turned, m.closed = nil, true
	m.mu.Unlock()
	for _, p := range turned {
		p.Confirm(pubsub.ErrClosed)
	}
	if left {
		m.host.left(m.id)
	}
	return err
}
