package nats_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/gobindery/bindery/adapters/nats"
	"github.com/gobindery/bindery/adapters/nats/natstest"
	"github.com/gobindery/bindery/internal/support"
	"github.com/gobindery/bindery/pubsub"
	"github.com/gobindery/bindery/pubsub/pubsubtest"
)

// TestContract runs the contract on one embedded server.
func TestContract(t *testing.T) {
	s := natstest.RunServer(t, natstest.Config("max_payload: 8MB"))
	var worlds atomic.Int64
	pubsubtest.Run(t, func(testing.TB) func(context.Context) (pubsub.Adapter, error) {
		url := fmt.Sprintf("%s/world%d", s.URL(), worlds.Add(1))
		return func(ctx context.Context) (pubsub.Adapter, error) { return nats.Open(ctx, url, nil) }
	}, &pubsubtest.Options{Report: support.Check(t, "../../docs/support.md", support.NATS)})
}
