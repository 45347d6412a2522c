package natstest_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/gobindery/bindery/adapters/nats/natstest"
)

// deathVariable makes this program a test process that dies hard: it starts a
// server with its store in the folder named there, prints its URL, and waits to be
// killed.
const deathVariable = "NATSTEST_WAIT_TO_BE_KILLED"

func init() {
	waitToBeKilled = func() {
		folder := os.Getenv(deathVariable)
		if folder == "" {
			return
		}
		url, err := natstest.StartOwnProcess(folder)
		fmt.Println(url, err)
		select {}
	}
}

// A server in a process of its own dies with the test process.
func TestHardDeath(t *testing.T) {
	t.Parallel()
	program, err := os.Executable()
	must(t, err)
	cmd := exec.CommandContext(t.Context(), program)
	cmd.Env = append(os.Environ(), deathVariable+"="+t.TempDir())
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	defer cmd.Wait()
	defer cmd.Process.Kill()
	line, err := bufio.NewReader(out).ReadString('\n')
	must(t, err)
	url, failed, _ := strings.Cut(strings.TrimSpace(line), " ")
	if failed != "<nil>" {
		t.Fatal(failed)
	}
	gone := make(chan struct{})
	nc := connect(t, url, nats.NoReconnect(), nats.ClosedHandler(func(*nats.Conn) { close(gone) })).Conn()
	must(t, nc.Flush())
	must(t, cmd.Process.Kill())
	select {
	case <-gone:
	case <-within(t).Done():
		t.Fatal("the server lives on")
	}
}
