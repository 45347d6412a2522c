package natstest_test

import (
	"bytes"
	"runtime/pprof"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/gobindery/bindery/adapters/nats/natstest"
)

// What is ignored of a server that has stopped goes by names that one has which
// runs: another version may have others.
func TestLeakOptions(t *testing.T) {
	t.Parallel()
	js := connect(t, natstest.RunServer(t).URL())
	_, err := js.CreateStream(within(t), jetstream.StreamConfig{Name: "S"})
	must(t, err)
	var stacks bytes.Buffer
	must(t, pprof.Lookup("goroutine").WriteTo(&stacks, 2))
	for _, name := range natstest.Leftovers {
		if !bytes.Contains(stacks.Bytes(), []byte(name+"(")) {
			t.Errorf("no goroutine runs %s", name)
		}
	}
}
