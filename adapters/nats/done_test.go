package nats

import (
	"fmt"
	"sync"
	"testing"

	"github.com/gobindery/bindery/adapters/nats/natstest"
	"github.com/gobindery/bindery/pubsub"
)

// Acks that a server of a cluster has taken and did not carry out before the leader's consumer was deleted
// are carried out by the next leader, or by the one after that.
func TestAcksAreHandedOver(t *testing.T) {
	url := natstest.RunCluster(t, 3).Nodes()[0].URL() + "/acks?replicas=3&storage=memory"
	network, conn, first := losing(t, url)
	q := queueOf(t, conn, first, pubsub.Queue{Name: "q"})
	publishTo(t, first, "q", 5)
	// An ack is lost the first time: the last one alone is sent again, and answered.
	var mu sync.Mutex
	sent := make(map[string]bool)
	network.lose(func(subject string, _ []byte) bool {
		mu.Lock()
		defer mu.Unlock()
		lost := isAck(subject, nil) && !sent[subject]
		sent[subject] = true
		return lost
	}, nil)
	for i := range 5 {
		d, ok, err := first.Get(soon(t), "q", nil)
		if err != nil || !ok {
			t.Fatalf("get: %t, %v", ok, err)
		}
		if i == 1 {
			continue // it goes back when its connection is closed
		}
		if err := d.Ack(soon(t)); err != nil {
			t.Fatal(err)
		}
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	_, second, b := losing(t, url)
	if n := inStream(t, second, q.stream); n < 4 {
		t.Fatalf("%d messages are in the stream; want those whose acks were lost too", n)
	}
	// This one leads and is gone, perhaps before all has come.
	if _, err := b.Consume(soon(t), "q", &pubsub.ConsumeOptions{Prefetch: 1}); err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	_, third, b := losing(t, url)
	if err := b.Publish(soon(t), "", "q", pubsub.Message{Body: []byte("new")}, pubsub.Mandatory); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"1 true true", "new false true", " false false"} {
		d, ok, err := b.Get(soon(t), "q", &pubsub.GetOptions{AutoAck: true})
		if err != nil {
			t.Fatal(err)
		}
		is := " false false"
		if ok {
			is = fmt.Sprintf("%s %t %t", d.Body, d.Redelivered, ok)
		}
		if is != want {
			t.Fatalf("get: %q, want %q", is, want)
		}
	}
	becomes(t, "the stream is empty", func() bool { return inStream(t, third, q.stream) == 0 })
}
