package rabbitmq_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/gobindery/bindery/adapters/rabbitmq/rabbitmqtest"
)

// watchChannel is a goroutine of amqp091-go's own recovery, which the adapter
// never switches on, but TestLibraryRecovery… do: it may outlive its connection.
const watchChannel = "github.com/rabbitmq/amqp091-go.(*Channel).watchChannel.func1"

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(rabbitmqtest.Main(m), goleak.IgnoreAnyFunction(watchChannel))
}
