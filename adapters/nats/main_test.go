package nats_test

import (
	"context"
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/gobindery/bindery/adapters/nats/natstest"
)

func TestMain(m *testing.M) {
	if url := os.Getenv(victimVariable); url != "" {
		fmt.Fprintln(os.Stderr, beVictim(context.Background(), url)) // it is to be killed
		os.Exit(1)
	}
	goleak.VerifyTestMain(natstest.Main(m), natstest.LeakOptions()...)
}
