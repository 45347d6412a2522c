package pubsub

// InFlight returns how much waits at this moment: publishes that have no
// outcome yet, and deliveries that this program has received and not settled,
// those lost with a connection included until they are settled or their
// consumer is closed. Both are 0 after Close. It is for metrics;
// [Broker.Shutdown] waits for both to be 0. Safe for concurrent use, also in a
// [Trace].
func (b *Broker) InFlight() (publishes, deliveries int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.state.Load() == closed {
		return 0, 0
	}
	for c := range b.consumers {
		deliveries += c.origin.unsettled()
	}
	return int(b.publishing.n.Load()), deliveries + int(b.got.n.Load())
}
