package nats

import (
	"testing"

	"github.com/gobindery/bindery/adapters/nats/natstest"
	"github.com/gobindery/bindery/pubsub"
)

// A server that starts anew has durable queues with their messages; transient and exclusive ones are
// there and empty, and take what comes.
func TestServerStartsAnew(t *testing.T) {
	t.Parallel()
	s := natstest.RunServer(t)
	e := newEnd(t, s.URL())
	queues := []pubsub.Queue{{Name: "durable", Durable: true}, {Name: "transient"}, {Name: "exclusive", Exclusive: true}}
	for _, q := range queues {
		queueOf(t, e.conn, e.broker, q)
		publishTo(t, e.broker, q.Name, 1)
	}
	if err := s.Restart(soon(t)); err != nil {
		t.Fatal(err)
	}
	for _, q := range queues {
		want := 1
		if q.Durable {
			want = 2
		}
		if err := e.broker.Publish(soon(t), "", q.Name, pubsub.Message{}, pubsub.Mandatory); err != nil {
			t.Fatalf("%s: %v", q.Name, err)
		}
		c, err := e.broker.Consume(soon(t), q.Name, nil)
		if err != nil {
			t.Fatalf("%s: %v", q.Name, err)
		}
		take(t, c, want)
		if s, err := e.broker.InspectQueue(soon(t), q.Name); err != nil || s.Ready != 0 {
			t.Errorf("%s: %d more messages, %v", q.Name, s.Ready, err)
		}
	}
}
