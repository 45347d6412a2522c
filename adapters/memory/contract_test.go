package memory_test

import (
	"context"
	"testing"

	"github.com/gobindery/bindery/adapters/memory"
	"github.com/gobindery/bindery/internal/support"
	"github.com/gobindery/bindery/pubsub"
	"github.com/gobindery/bindery/pubsub/pubsubtest"
)

func open(testing.TB) func(context.Context) (pubsub.Adapter, error) {
	server := memory.NewServer()
	return func(context.Context) (pubsub.Adapter, error) { return server.Connect(nil), nil }
}

// The contract by the machine's clock, as programs run.
func TestContract(t *testing.T) {
	pubsubtest.Run(t, open, &pubsubtest.Options{Report: support.Check(t, "../../docs/support.md", support.Memory)})
}

// The contract by the clock of synctest: times are exact there, and a goroutine
// that never ends fails the case.
func TestContractInBubble(t *testing.T) {
	pubsubtest.Run(t, open, &pubsubtest.Options{Bubble: true, Histories: 20, Seed: 1000})
}
