package embedded_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"

	"go.uber.org/goleak"

	"github.com/gobindery/bindery/adapters/nats/embedded"
	"github.com/gobindery/bindery/adapters/nats/natstest"
)

// folderVariable makes a test program a process that has a folder open until its
// standard input ends.
const folderVariable = "BINDERY_EMBEDDED_FOLDER"

func TestMain(m *testing.M) {
	if path := os.Getenv(folderVariable); path != "" {
		if err := hold(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m, natstest.LeakOptions()...)
}

func hold(path string) error {
	c, err := embedded.Open(context.Background(), path, nil)
	if err != nil {
		return err
	}
	fmt.Println("open")
	io.Copy(io.Discard, os.Stdin)
	return c.Close()
}

// another is another process that has a folder open.
type another struct {
	cmd *exec.Cmd
	in  io.WriteCloser
}

func openElsewhere(t *testing.T, path string) *another {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	a := &another{cmd: exec.Command(program)}
	a.cmd.Env = append(os.Environ(), folderVariable+"="+path, "GORACE=atexit_sleep_ms=0 "+os.Getenv("GORACE"))
	a.cmd.Stderr = os.Stderr
	out, err := a.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if a.in, err = a.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := a.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		a.in.Close()
		a.cmd.Process.Kill()
		a.cmd.Wait()
	})
	said := make([]byte, len("open\n"))
	if _, err := io.ReadFull(out, said); err != nil {
		t.Fatalf("the other process did not open the folder: %v", err)
	}
	return a
}

// end lets it close, and waits for its end.
func (a *another) end(t *testing.T) {
	t.Helper()
	a.in.Close()
	if err := a.cmd.Wait(); err != nil {
		t.Errorf("the other process: %v", err)
	}
}

// kill ends it at once.
func (a *another) kill(t *testing.T) {
	t.Helper()
	if err := a.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	a.cmd.Wait()
}
