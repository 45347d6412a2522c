package interop

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// bound is how long a line or an end may take on a busy machine.
const bound = 30 * time.Second

// program is a client that runs, with the server's URL in $AMQP_URL.
type program struct {
	t      *testing.T
	name   string
	cmd    *exec.Cmd
	lines  chan string // of stdout; closed at its end
	stderr bytes.Buffer
}

// start starts a client; it is killed when the test ends.
func start(t *testing.T, url string, args ...string) *program {
	t.Helper()
	p := &program{t: t, name: strings.Join(args, " "), cmd: exec.CommandContext(t.Context(), args[0], args[1:]...), lines: make(chan string, 1000)}
	p.cmd.Env = append(os.Environ(), "AMQP_URL="+url, "PYTHONUNBUFFERED=1")
	p.cmd.Stderr = &p.stderr
	out, in := io.Pipe()
	p.cmd.Stdout = in
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(p.lines)
		for s := bufio.NewScanner(out); s.Scan(); {
			p.lines <- s.Text()
		}
	}()
	go func() {
		p.cmd.Wait()
		in.Close()
		close(ended)
	}()
	t.Cleanup(func() {
		p.cmd.Process.Kill()
		for range p.lines {
		}
		<-ended
	})
	return p
}

// prints waits for the next lines.
func (p *program) prints(want ...string) *program {
	p.t.Helper()
	for _, w := range want {
		if got, ok := p.line(); !ok || got != w {
			p.t.Fatalf("%s printed %q, want %q\n%s", p.name, got, w, p.said(ok))
		}
	}
	return p
}

// line returns the next line; false if there is none.
func (p *program) line() (string, bool) {
	p.t.Helper()
	select {
	case l, ok := <-p.lines:
		return l, ok
	case <-time.After(bound):
		p.t.Fatalf("%s printed nothing for %v", p.name, bound)
		return "", false
	}
}

// said returns what the program wrote to stderr, once it has ended.
func (p *program) said(runs bool) string {
	if runs {
		return ""
	}
	return p.stderr.String()
}

// ends waits for the end, before which nothing more may be printed, and checks
// the exit code.
func (p *program) ends(code int) {
	p.t.Helper()
	if l, ok := p.line(); ok {
		p.t.Fatalf("%s printed %q instead of ending", p.name, l)
	}
	if got := p.cmd.ProcessState.ExitCode(); got != code {
		p.t.Fatalf("%s ended with %d, want %d\n%s", p.name, got, code, p.stderr.String())
	}
}

// interrupt does what CTRL+C does.
func (p *program) interrupt() *program {
	p.cmd.Process.Signal(syscall.SIGINT)
	return p
}
