package nats

import (
	"context"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/gobindery/bindery/adapters/nats/natstest"
	"github.com/gobindery/bindery/pubsub"
)

// A connection that is lost and opened again loses nothing: neither that of a queue's
// leader, nor a consumer's, nor a publisher's.
func TestReconnect(t *testing.T) {
	const messages = 300
	for _, who := range []string{"leader", "consumer", "publisher"} {
		t.Run(who, func(t *testing.T) {
			t.Parallel()
			s := natstest.RunServer(t)
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			conns := make(map[string]*Conn)
			brokers := make(map[string]*pubsub.Broker)
			for _, name := range []string{"leader", "consumer", "publisher"} {
				c, err := Open(ctx, s.URL(), nil)
				if err != nil {
					t.Fatal(err)
				}
				b := pubsub.New(c, nil)
				t.Cleanup(func() { b.Close() })
				conns[name], brokers[name] = c, b
			}
			// Whoever consumes first leads; it leaves, and goes on leading.
			q, err := brokers["leader"].DeclareQueue(ctx, pubsub.Queue{Name: "q", Durable: true})
			if err != nil {
				t.Fatal(err)
			}
			first, err := brokers["leader"].Consume(ctx, q, nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := first.Cancel(ctx); err != nil {
				t.Fatal(err)
			}
			consumer, err := brokers["consumer"].Consume(ctx, q, &pubsub.ConsumeOptions{Prefetch: 50})
			if err != nil {
				t.Fatal(err)
			}
			var cutting sync.WaitGroup
			stop := make(chan struct{})
			cutting.Go(func() {
				for {
					select {
					case <-time.After(200 * time.Millisecond):
						conns[who].nc.ForceReconnect()
					case <-stop:
						return
					}
				}
			})
			var publishing sync.WaitGroup
			publishing.Go(func() {
				for i := range messages {
					if err := brokers["publisher"].Publish(ctx, "", q, pubsub.Message{Body: []byte(strconv.Itoa(i))}); err != nil {
						t.Errorf("publish %d: %v", i, err)
						return
					}
				}
			})
			got := make(map[string]int)
			for len(got) < messages {
				d, err := consumer.Receive(ctx)
				if err != nil {
					t.Fatalf("after %d messages: %v", len(got), err)
				}
				got[string(d.Body)]++
				d.Ack(ctx) // one that is lost comes again
			}
			close(stop)
			cutting.Wait()
			publishing.Wait()
			again := 0
			for _, n := range got {
				again += n - 1
			}
			t.Logf("%d messages came more than once", again)
		})
	}
}
