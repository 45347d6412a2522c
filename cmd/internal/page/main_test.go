package page

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/gobindery/bindery/adapters/nats/natstest"
	"github.com/gobindery/bindery/adapters/rabbitmq/rabbitmqtest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(rabbitmqtest.Main(browsed{m}), natstest.LeakOptions()...)
}

// browsed runs the tests and ends their browser.
type browsed struct{ tests rabbitmqtest.Runner }

func (b browsed) Run() int {
	defer func() { endBrowser() }()
	return b.tests.Run()
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}
