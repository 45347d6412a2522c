package e2e

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gobindery/bindery/cmd/internal/cli"
	"github.com/gobindery/bindery/cmd/internal/emit"
	"github.com/gobindery/bindery/cmd/internal/receive"
	"github.com/gobindery/bindery/cmd/internal/topology"
	"github.com/gobindery/bindery/pubsub"
)

// patience is how long a test waits for something that must come.
const patience = 60 * time.Second

const bound = " [*] Waiting for logs. To exit press CTRL+C\n"

// A text is what a command writes. Tests wait for what it must hold.
type text struct {
	mu      sync.Mutex
	buf     bytes.Buffer
	changed chan struct{} // closed and replaced by each Write
}

func (x *text) Write(b []byte) (int, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.changed != nil {
		close(x.changed)
		x.changed = nil
	}
	return x.buf.Write(b)
}

func (x *text) String() string {
	s, _ := x.look()
	return s
}

func (x *text) look() (string, <-chan struct{}) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.changed == nil {
		x.changed = make(chan struct{})
	}
	return x.buf.String(), x.changed
}

// waitFor waits until ok is true for what was written.
func (x *text) waitFor(t *testing.T, what string, ended <-chan struct{}, ok func(string) bool) {
	t.Helper()
	late := time.NewTimer(patience)
	defer late.Stop()
	for {
		s, changed := x.look()
		if ok(s) {
			return
		}
		select {
		case <-changed:
		case <-ended:
			if s, _ := x.look(); !ok(s) {
				t.Fatalf("the command ended without %s; it wrote %q", what, tail(s))
			}
			return
		case <-late.C:
			t.Fatalf("no %s after %v; it wrote %q", what, patience, tail(s))
		}
	}
}

// tail is the end of a long text.
func tail(s string) string {
	if len(s) > 2000 {
		return "…" + s[len(s)-2000:]
	}
	return s
}

// A session is a command that runs, in this process or as a binary.
type session struct {
	name   string
	stdout io.Writer
	stderr *text
	ended  chan struct{} // closed once code is there
	code   int
	stop   context.CancelFunc // as Ctrl-C; nil for a binary
	cmd    *exec.Cmd          // nil in this process
}

// options change how a session runs.
type options struct {
	stdin    io.Reader // nil: empty
	terminal bool      // stdin is one
	stdout   io.Writer // nil: a text
	env      string    // $BINDERY_BROKER
	local    string    // the folder in which the local broker's is
	backends pubsub.Mux
}

// start runs a command in this process.
func start(t *testing.T, o options, name string, args ...string) *session {
	t.Helper()
	return startWith(t, o, func(*cli.Env) {}, name, args...)
}

// startWith is start with a change to the command's environment.
func startWith(t *testing.T, o options, change func(*cli.Env), name string, args ...string) *session {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	s := newSession(name, o)
	s.stop = cancel
	env := cli.Env{
		Stdin: o.stdin, Stdout: s.stdout, Stderr: s.stderr,
		StdinTerminal: o.terminal,
		Broker:        o.env,
		Backends:      o.backends,
	}
	if env.Stdin == nil {
		env.Stdin = strings.NewReader("")
	}
	if env.Backends == nil {
		env.Backends = cli.Backends()
	}
	change(&env)
	run := map[string]func(context.Context, []string, cli.Env) int{"emit": emit.Run, "receive": receive.Run, "topology": topology.Run}[name]
	go func() {
		defer close(s.ended)
		s.code = run(ctx, args, env)
	}()
	t.Cleanup(func() {
		cancel()
		s.wait(t)
	})
	return s
}

// spawn runs a command's binary.
func spawn(t *testing.T, o options, name string, args ...string) *session {
	t.Helper()
	return spawnPath(t, o, filepath.Join(binaries, name), args...)
}

// spawnPath runs a program.
func spawnPath(t *testing.T, o options, path string, args ...string) *session {
	t.Helper()
	s := newSession(filepath.Base(path), o)
	s.cmd = exec.Command(path, args...)
	s.cmd.Stdin, s.cmd.Stdout, s.cmd.Stderr = o.stdin, s.stdout, s.stderr
	if o.local == "" {
		o.local = binaries // not that of whoever runs the tests
	}
	s.cmd.Env = append(s.cmd.Environ(), cli.BrokerVariable+"="+o.env, "XDG_RUNTIME_DIR="+o.local,
		"GORACE=atexit_sleep_ms=0 "+os.Getenv("GORACE")) // by default a program built with -race ends a second late
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(s.ended)
		err := s.cmd.Wait()
		if _, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok {
			t.Errorf("%s: %v", s.name, err)
		}
		s.code = s.cmd.ProcessState.ExitCode()
	}()
	t.Cleanup(func() {
		s.cmd.Process.Kill()
		s.wait(t)
	})
	return s
}

func newSession(name string, o options) *session {
	s := &session{name: name, stdout: o.stdout, stderr: new(text), ended: make(chan struct{})}
	if s.stdout == nil {
		s.stdout = new(text)
	}
	return s
}

// signal sends a signal to a binary.
func (s *session) signal(t *testing.T, sig syscall.Signal) {
	t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
}

// bound waits until a receive has its queue bound, and returns s.
func (s *session) bound(t *testing.T) *session {
	t.Helper()
	s.stderr.waitFor(t, "notice that it waits", s.ended, func(e string) bool { return strings.Contains(e, bound) })
	return s
}

// wait waits for the end and returns the exit code.
func (s *session) wait(t *testing.T) int {
	t.Helper()
	select {
	case <-s.ended:
	case <-time.After(patience):
		t.Fatalf("%s still runs after %v; it wrote %q", s.name, patience, tail(s.stderr.String()))
	}
	return s.code
}

// out is what it wrote to standard output.
func (s *session) out() string { return s.stdout.(*text).String() }

// waitOut waits until its standard output has that many lines.
func (s *session) waitOut(t *testing.T, lines int) {
	t.Helper()
	s.stdout.(*text).waitFor(t, "enough lines", s.ended, func(o string) bool { return strings.Count(o, "\n") >= lines })
}

// succeeds waits for the end and fails the test unless the exit code is 0.
func (s *session) succeeds(t *testing.T) {
	t.Helper()
	if code := s.wait(t); code != 0 {
		t.Fatalf("%s exited with %d: %s", s.name, code, tail(s.stderr.String()))
	}
}

// ends waits for the end and compares how it went.
func (s *session) ends(t *testing.T, code int, stderr string) {
	t.Helper()
	if got := s.wait(t); got != code {
		t.Errorf("%s exited with %d, want %d", s.name, got, code)
	}
	if got := s.stderr.String(); got != stderr {
		t.Errorf("%s wrote to standard error\n%s\nwant\n%s", s.name, got, stderr)
	}
}

// open connects to the broker that the sessions use.
func open(t *testing.T, o options) *pubsub.Broker {
	t.Helper()
	backends := o.backends
	if backends == nil {
		backends = cli.Backends()
	}
	b, err := backends.Open(t.Context(), o.env, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// waitReady waits until that many messages wait in a queue.
func waitReady(t *testing.T, b *pubsub.Broker, queue string, want int) {
	t.Helper()
	for late := time.Now().Add(patience); ; {
		info, err := b.InspectQueue(t.Context(), queue)
		if err != nil {
			t.Fatal(err)
		}
		if info.Ready == want {
			return
		}
		if time.Now().After(late) {
			t.Fatalf("%d messages are in the queue %s, want %d", info.Ready, queue, want)
		}
		time.Sleep(5 * time.Millisecond) // there is no signal for it
	}
}

// pipe returns a standard input, and what types text there; an empty text ends it.
func pipe(t *testing.T) (in *io.PipeReader, enter func(string)) {
	t.Helper()
	in, out := io.Pipe()
	t.Cleanup(func() { in.Close() })
	return in, func(s string) {
		t.Helper()
		if s == "" {
			out.Close()
			return
		}
		if _, err := io.WriteString(out, s); err != nil {
			t.Error(err)
		}
	}
}

// failingReader is an input that breaks off.
type failingReader struct{ text *strings.Reader }

func (r *failingReader) Read(b []byte) (int, error) {
	n, err := r.text.Read(b)
	if err == io.EOF {
		err = errors.New("the disk is on fire")
	}
	return n, err
}

// failingWriter is an output where nothing fits.
type failingWriter struct{}

func (failingWriter) Write([]byte) (int, error) { return 0, errors.New("no space left") }

type openFunc = func(context.Context, *url.URL, *slog.Logger) (pubsub.Adapter, error)

// wrapOpen changes the adapters that a scheme opens.
func wrapOpen(open openFunc, wrap func(pubsub.Adapter) pubsub.Adapter) openFunc {
	return func(ctx context.Context, u *url.URL, log *slog.Logger) (pubsub.Adapter, error) {
		a, err := open(ctx, u, log)
		if err != nil {
			return nil, err
		}
		return wrap(a), nil
	}
}
