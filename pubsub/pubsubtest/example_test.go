package pubsubtest_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/gobindery/bindery/adapters/memory"
	"github.com/gobindery/bindery/pubsub"
	"github.com/gobindery/bindery/pubsub/pubsubtest"
)

// The test of an adapter, here of the one in memory.
func ExampleRun() {
	// func TestContract(t *testing.T)
	_ = func(t *testing.T) {
		open := func(testing.TB) func(context.Context) (pubsub.Adapter, error) {
			server := memory.NewServer()
			return func(context.Context) (pubsub.Adapter, error) { return server.Connect(nil), nil }
		}
		pubsubtest.Run(t, open, &pubsubtest.Options{Bubble: true})
	}
}

// The cases can be listed, for a page that tells what an adapter supports.
func ExampleCases() {
	for _, c := range pubsubtest.Cases()[:3] {
		fmt.Printf("%s: %s\n", c.Name, c.Why)
	}
	// Output:
	// exchange/kinds: an exchange of each kind is declared, and declared again as it is
	// exchange/predeclared: amq.direct, amq.fanout, amq.topic, amq.headers and amq.match are there, durable, and route
	// exchange/default: the default exchange routes to the queue that the key names
}
