package nats

import (
	"context"
	"errors"
	"slices"
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
	becomes(t, "it has heard what is lost", func() bool { return HasLost(other.conn, "q") })
	if err := had.Ack(t.Context()); !errors.Is(err, pubsub.ErrDeliveryLost) {
		t.Errorf("what it had: %v", err)
	}
	if err := d.Ack(t.Context()); err != nil || !d.Redelivered {
		t.Errorf("redelivered %t, %v", d.Redelivered, err)
	}
	becomes(t, "the message is gone", func() bool { return inStream(t, leader.conn, q.stream) == 0 })
}

// What comes again anyway is not handled before.
func TestLostIsNotHandled(t *testing.T) {
	t.Parallel()
	for _, key := range []func(pubsub.Delivery) string{nil, func(pubsub.Delivery) string { return "" }} {
		_, leader, other, _, consumer := apart(t, pubsub.Queue{Name: "q"}, nil)
		publishTo(t, other.broker, "q", 3)
		ctx, cancel := context.WithCancel(soon(t))
		var got []string
		started, gone := make(chan struct{}), make(chan struct{})
		ended := make(chan error)
		go func() {
			ended <- consumer.Handle(ctx, &pubsub.HandleOptions{Key: key}, func(_ context.Context, d pubsub.Delivery) error {
				if got = append(got, string(d.Body)); len(got) == 1 {
					close(started)
					<-gone
				}
				if string(d.Body) == "2" {
					cancel()
				}
				return nil
			})
		}()
		<-started
		becomes(t, "it has all three", func() bool { return has(other.conn, "q") == 3 })
		leader.conn.connGone(other.conn.id)
		becomes(t, "it has heard what is lost", func() bool { return HasLost(other.conn, "q") })
		close(gone)
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if want := []string{"0", "0", "1", "2"}; !slices.Equal(got, want) {
			t.Errorf("handled %q; want %q", got, want)
		}
		cancel()
	}
}

// has is how many deliveries of a queue a connection has from another.
func has(c *Conn, queue string) (n int) {
	q, _ := c.topology.table.Load().Queue(queue)
	for _, s := range c.subscriptions(q.record.Incarnation) {
		s.mu.Lock()
		n += len(s.held)
		s.mu.Unlock()
	}
	return n
}
