package nats

import (
	"errors"
	"testing"

	"github.com/gobindery/bindery/pubsub"
)

// A connection that hung for so long that it counted as dead goes on when it is back: what it had went to
// others, and its consumer gets what comes.
func TestConsumerTakenForDead(t *testing.T) {
	t.Parallel()
	_, leader, other, q, consumer := apart(t, pubsub.Queue{Name: "q"}, &pubsub.ConsumeOptions{Prefetch: 1})
	publishTo(t, other.broker, "q", 1)
	had := take(t, consumer, 1)[0]
	leader.conn.connGone(other.conn.id)
	d := take(t, consumer, 1)[0]
	becomes(t, "it has heard what is lost", func() bool {
		lost := 0
		for _, s := range other.conn.subscriptions(q.record.Incarnation) {
			s.mu.Lock()
			lost += len(s.lost)
			s.mu.Unlock()
		}
		return lost > 0
	})
	if err := had.Ack(t.Context()); !errors.Is(err, pubsub.ErrDeliveryLost) {
		t.Errorf("what it had: %v", err)
	}
	if err := d.Ack(t.Context()); err != nil || !d.Redelivered {
		t.Errorf("redelivered %t, %v", d.Redelivered, err)
	}
	becomes(t, "the message is gone", func() bool { return inStream(t, leader.conn, q.stream) == 0 })
}
