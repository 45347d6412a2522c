package nats_test

import (
	"context"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gobindery/bindery/adapters/nats"
	"github.com/gobindery/bindery/adapters/nats/natstest"
	"github.com/gobindery/bindery/internal/support"
	"github.com/gobindery/bindery/pubsub"
	"github.com/gobindery/bindery/pubsub/pubsubtest"
)

// clusterAreas are those of the contract that meet JetStream in most ways. With
// BINDERY_CLUSTER=1, as in make support, all are run, which takes minutes. What was not run
// stays on the page as it was then; those that are run fail here where it says otherwise.
func clusterAreas() []string {
	if os.Getenv("BINDERY_CLUSTER") != "" {
		return nil
	}
	return []string{"exclusive", "get", "requeue", "dead-letter", "concurrency", "shutdown"}
}

// TestContractCluster runs the contract on three nodes, with each queue on all of them.
func TestContractCluster(t *testing.T) {
	cluster := natstest.RunCluster(t, 3, natstest.Config("max_payload: 8MB"))
	var worlds atomic.Int64
	pubsubtest.Run(t, func(testing.TB) func(context.Context) (pubsub.Adapter, error) {
		n := worlds.Add(1)
		var connections atomic.Int64
		return func(ctx context.Context) (pubsub.Adapter, error) {
			node := cluster.Nodes()[connections.Add(1)%3] // each on another node
			return nats.Open(ctx, fmt.Sprintf("%s/world%d?replicas=3&storage=memory", node.URL(), n), nil)
		}
	}, &pubsubtest.Options{Areas: clusterAreas(), Timeout: 4 * time.Minute, Report: support.Check(t, "../../docs/support.md", support.NATSCluster)})
}

// TestContractDebian runs the contract on the server that Debian 12 has, 2.9.
func TestContractDebian(t *testing.T) {
	s := natstest.RunServer(t, natstest.Debian(), natstest.Config("max_payload: 8MB"))
	var worlds atomic.Int64
	pubsubtest.Run(t, func(testing.TB) func(context.Context) (pubsub.Adapter, error) {
		url := fmt.Sprintf("%s/world%d", s.URL(), worlds.Add(1))
		return func(ctx context.Context) (pubsub.Adapter, error) { return nats.Open(ctx, url, nil) }
	}, &pubsubtest.Options{Areas: clusterAreas()})
}

// What was acknowledged before a close in good order does not come again, on three replicas:
// there the server that takes messages out of a stream hears of acks later than the one that
// confirms them. BINDERY_HANDOVERS is how many closes.
func TestAcknowledgedBeforeCloseIsGone(t *testing.T) {
	const queues, messages = 8, 6
	closes := size(t, "BINDERY_HANDOVERS", 3)
	cluster := natstest.RunCluster(t, 3)
	ctx := t.Context()
	url := func(node int) string { return cluster.Nodes()[node%3].URL() + "/handover?replicas=3&storage=memory" }
	_, b := open(t, url(0))
	var names []string
	for i := range queues {
		q, err := b.DeclareQueue(ctx, pubsub.Queue{Name: fmt.Sprint("q", i)})
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, q)
	}
	var came atomic.Int64
	for n := range closes {
		_, c := open(t, url(n))
		var all sync.WaitGroup
		for _, q := range names {
			all.Go(func() {
				cons, err := c.Consume(ctx, q, nil)
				if err != nil {
					t.Error(err)
					return
				}
				for i := range messages {
					if err := b.Publish(ctx, "", q, pubsub.Message{Body: fmt.Append(nil, n, ".", i)}, pubsub.Mandatory); err != nil {
						t.Error(err)
						return
					}
				}
				for range messages {
					d, err := cons.Receive(ctx)
					if err != nil {
						t.Error(err)
						return
					}
					if d.Redelivered {
						t.Logf("close %d, queue %s: %s again", n, q, d.Body)
						came.Add(1)
					}
					if err := d.Ack(ctx); err != nil {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
		if err := c.Shutdown(ctx); err != nil {
			t.Fatal(err)
		}
		_, next := open(t, url(n+1))
		for _, q := range names {
			for {
				d, ok, err := next.Get(ctx, q, &pubsub.GetOptions{AutoAck: true})
				if err != nil {
					t.Fatal(err)
				}
				if !ok {
					break
				}
				t.Logf("close %d, queue %s: %s came again", n, q, d.Body)
				came.Add(1)
			}
		}
		next.Close()
		if t.Failed() {
			return
		}
	}
	t.Logf("%d closes, %d messages again", closes, came.Load())
	if n := came.Load(); n > 0 {
		t.Errorf("%d messages that were acknowledged came again", n)
	}
}
