package topology_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/gobindery/bindery/adapters/nats/natstest"
	"github.com/gobindery/bindery/adapters/rabbitmq/rabbitmqtest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(rabbitmqtest.Main(m), natstest.LeakOptions()...)
}
