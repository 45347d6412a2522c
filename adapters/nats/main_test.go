package nats_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/gobindery/bindery/adapters/nats/natstest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(natstest.Main(m), natstest.LeakOptions()...)
}
