package natstest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync/atomic"

	"github.com/nats-io/nats-server/v2/server"
)

// configVariable makes a test program a NATS server: it is the path of the
// server's configuration.
const configVariable = "BINDERY_NATSTEST_CONFIG"

// mainRuns is true once Main was called, so that this program can become a
// server.
var mainRuns atomic.Bool

// Runner is what Main takes and returns; *testing.M is one.
type Runner interface{ Run() int }

// Main has to be called by the TestMain of a package that uses the option
// [OwnProcess], before anything else:
//
//	func TestMain(m *testing.M) { os.Exit(natstest.Main(m).Run()) }
//
// Such a server is the test program itself, started once more. There Main runs
// the server and never returns.
func Main(m Runner) Runner {
	if config := os.Getenv(configVariable); config != "" {
		if err := serve(config); err != nil {
			fmt.Fprintln(os.Stderr, "natstest:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	mainRuns.Store(true)
	return m
}

// serve runs a server until a signal ends it.
func serve(config string) error {
	opts, err := server.ProcessConfigFile(config)
	if err != nil {
		return err
	}
	s, err := server.NewServer(opts)
	if err != nil {
		return err
	}
	s.ConfigureLogger()
	s.Start()
	s.WaitForShutdown()
	return nil
}

// startOwnProcess starts this program once more, as a server.
func startOwnProcess(config string) (*process, error) {
	if !mainRuns.Load() {
		return nil, errors.New("the option OwnProcess starts this test program once more, as a server; for that add to this package: " +
			"func TestMain(m *testing.M) { os.Exit(natstest.Main(m).Run()) }")
	}
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), configVariable+"="+config,
		// A program with the race detector otherwise ends a second after its end.
		"GORACE=atexit_sleep_ms=0 "+os.Getenv("GORACE"))
	return startProcess(cmd)
}
