//go:build !race

package watermill_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"

	"github.com/ThreeDotsLabs/watermill/pubsub/tests"
)

// The suite's reconnect test, for servers that can restart. It reads what its
// publishers have collected without waiting for them, which the race detector
// doesn't let pass: "make watermill" runs it.
func TestReconnect(t *testing.T) {
	eachSuite(t, func(t *testing.T, be backend, p pair, strict bool) {
		if be.restart == nil {
			return // memory: nothing outlives it that could connect again
		}
		f := features(strict)
		f.RestartServiceCommand = restarts(t, be)
		pubSub, _ := p.constructors(strict)
		tests.TestReconnect(t, tests.TestContext{TestID: tests.NewTestID(), Features: f}, pubSub)
	})
}

// restarts answers askForRestart, and returns the suite's command.
func restarts(t *testing.T, be backend) []string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if err := be.restart(context.WithoutCancel(t.Context())); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	}))
	t.Cleanup(s.Close)
	return []string{"env", restartVariable + "=" + s.URL, os.Args[0]}
}
