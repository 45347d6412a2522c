package e2e

import (
	"testing"

	"github.com/gobindery/bindery/adapters/nats/natstest"
)

// natsServer is an empty virtual host on a NATS server.
func natsServer(t *testing.T) options {
	t.Helper()
	return options{env: natstest.RunServer(t).URL() + "/e2e"}
}
