package rabbitmq_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/gobindery/bindery/adapters/rabbitmq/rabbitmqtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(rabbitmqtest.Main(m)) }
