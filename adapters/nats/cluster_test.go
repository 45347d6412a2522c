package nats_test

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gobindery/bindery/adapters/nats"
	"github.com/gobindery/bindery/adapters/nats/natstest"
	"github.com/gobindery/bindery/pubsub"
	"github.com/gobindery/bindery/pubsub/pubsubtest"
)

// clusterAreas are those of the contract that meet JetStream in most ways. With
// BINDERY_CLUSTER=1, all are run, which takes minutes.
func clusterAreas() []string {
	if os.Getenv("BINDERY_CLUSTER") != "" {
		return nil
	}
	return []string{"exclusive", "get", "requeue", "dead-letter", "concurrency"}
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
	}, &pubsubtest.Options{Areas: clusterAreas(), Timeout: 4 * time.Minute})
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
