package watermill_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/gobindery/bindery/adapters/nats/natstest"
	"github.com/gobindery/bindery/adapters/rabbitmq/rabbitmqtest"
)

// restartVariable tells this program, run as the command of Watermill's suite,
// whom to ask for a restart of the server.
const restartVariable = "BINDERY_RESTART"

// suiteLeaves is a goroutine of the suite's reconnect test that outlives it: it
// collects what was published.
var suiteLeaves = goleak.IgnoreAnyFunction("github.com/ThreeDotsLabs/watermill/pubsub/tests.TestReconnect.func2")

func TestMain(m *testing.M) {
	if url := os.Getenv(restartVariable); url != "" { // the suite runs this program as its command
		if err := askForRestart(url); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if os.Getenv(fullVariable) == "" && os.Getenv("STRESS_TEST_COUNT") == "" {
		os.Setenv("STRESS_TEST_COUNT", "2") // 10 by default
	}
	goleak.VerifyTestMain(natstest.Main(rabbitmqtest.Main(m)), append(natstest.LeakOptions(), suiteLeaves)...)
}

func askForRestart(url string) error {
	res, err := http.Get(url)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	why, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("restart the server: %s", why)
	}
	return err
}
