// Package e2e tests emit and receive as their users meet them: over their run
// functions, and as binaries, in memory and on a real RabbitMQ.
package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/gobindery/bindery/adapters/rabbitmq/rabbitmqtest"
)

// binaries is the folder with emit and receive, built for these tests.
var binaries string

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(rabbitmqtest.Main(built{m}))
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
		fmt.Fprintln(os.Stderr, "build emit and receive:", err)
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
	args = append(args, "github.com/gobindery/bindery/cmd/emit", "github.com/gobindery/bindery/cmd/receive")
	cmd := exec.CommandContext(context.Background(), "go", args...)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	return cmd.Run()
}
