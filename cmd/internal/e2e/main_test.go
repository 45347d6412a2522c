// Package e2e tests the commands as their users meet them: over their run
// functions, and as binaries, in memory, on a real RabbitMQ and on a NATS server.
package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/gobindery/bindery/adapters/nats/natstest"
	"github.com/gobindery/bindery/adapters/rabbitmq/rabbitmqtest"
)

// binaries is the folder with the commands, built for these tests.
var binaries string

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(rabbitmqtest.Main(natstest.Main(built{m})), natstest.LeakOptions()...)
}

// built runs the tests with the binaries.
type built struct{ tests rabbitmqtest.Runner }

func (b built) Run() int {
	folder, err := os.MkdirTemp("", "bindery-e2e-")
	if err == nil {
		defer os.RemoveAll(folder)
		err = build(folder)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "build the commands:", err)
		return 1
	}
	binaries = folder
	return b.tests.Run()
}

func build(folder string) error {
	args := []string{"build", "-o", folder + string(filepath.Separator)}
	if raceEnabled {
		args = append(args, "-race")
	}
	args = append(args, "github.com/gobindery/bindery/cmd/emit", "github.com/gobindery/bindery/cmd/receive", "github.com/gobindery/bindery/cmd/serve", "github.com/gobindery/bindery/cmd/topology")
	cmd := exec.CommandContext(context.Background(), "go", args...)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	return cmd.Run()
}
