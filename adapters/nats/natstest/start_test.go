package natstest_test

import (
	"strings"
	"testing"

	"github.com/gobindery/bindery/adapters/nats/natstest"
)

// kinds are the ways to run a server.
var kinds = map[string][]natstest.Option{
	"embedded":    nil,
	"own process": {natstest.OwnProcess()},
	"debian":      {natstest.Debian()},
}

// A server whose configuration is wrong fails the test and says why.
func TestBadConfig(t *testing.T) {
	t.Parallel()
	for name, options := range kinds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := natstest.FatalMessage(t, func(tb testing.TB) {
				natstest.RunServer(tb, append(options, natstest.Config(`max_payload: "many"`))...)
			})
			if !strings.Contains(got, ".conf:") || strings.Contains(got, "context") {
				t.Errorf("it says %q, want the line", got)
			}
		})
	}
}

// Where somebody else takes a port first, the server is started on others.
func TestTakenPort(t *testing.T) {
	t.Parallel()
	for name, options := range kinds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for port := range 2 {
				s := natstest.RunServer(t, append(options, natstest.TakenPort(t, port))...)
				_, err := connect(t, s.URL()).AccountInfo(within(t))
				must(t, err)
			}
		})
	}
	t.Run("of routes", func(t *testing.T) {
		t.Parallel()
		c := natstest.RunCluster(t, 3, natstest.TakenPort(t, 2))
		_, err := connect(t, c.URL()).AccountInfo(within(t))
		must(t, err)
	})
}

// A test that cannot have what it asks for is told what to do.
func TestWrongUse(t *testing.T) {
	got := natstest.FatalMessage(t, func(tb testing.TB) { natstest.RunCluster(tb, 1) })
	if !strings.Contains(got, "three") {
		t.Errorf("of a cluster of one it says %q", got)
	}
	defer natstest.ForgetMain()()
	got = natstest.FatalMessage(t, func(tb testing.TB) { natstest.RunServer(tb, natstest.OwnProcess()) })
	if !strings.Contains(got, "natstest.Main(m)") {
		t.Errorf("without Main it says %q", got)
	}
}
