package e2e

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobindery/bindery/adapters/rabbitmq/rabbitmqtest"
)

// TestNodeRestart kills RabbitMQ while emit streams and receive runs, and starts
// it again: both go on, and each line arrives. Lines may repeat.
func TestNodeRestart(t *testing.T) {
	const lines = 20_000
	node := rabbitmqtest.Run(t, nil)
	f := startFlow(t, options{env: node.VHost(t)}, lines)
	emitting, e, r, got := f.emitting, f.e, f.r, f.got
	// Else RabbitMQ may forget a durable queue that is this new.
	if err := node.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := node.Kill(); err != nil {
		t.Fatal(err)
	}
	f.goOn()
	if err := node.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	e.succeeds(t)
	if want := " [x] Sent 20000 messages\n"; e.out() != want {
		t.Errorf("emit printed %q, want %q", e.out(), want)
	}
	said := "emit: the connection was lost; lines whose outcome is unknown are sent again, and may arrive twice\n"
	if n := strings.Count(e.stderr.String(), said); n != 1 {
		t.Errorf("emit said %d times that lines may arrive twice, want once; it wrote %q", n, tail(e.stderr.String()))
	}
	got.wait(t, lines, r)
	t.Logf("%d lines came %d times altogether", lines, got.lines())

	// Ctrl-C ends both also while the node is away.
	in, enter := pipe(t)
	emitting.stdin = in
	e = start(t, emitting, "emit", "--durable", "--persistent")
	enter("one more\n")
	got.wait(t, lines+1, r)
	if err := node.Kill(); err != nil {
		t.Fatal(err)
	}
	enter("nobody is there\n")
	e.stop()
	if code := e.wait(t); code != 1 || !strings.HasSuffix(e.stderr.String(), "; interrupted before the end of the input\n") {
		t.Errorf("interrupted, emit exited with %d and wrote %q", code, e.stderr)
	}
	r.stop()
	r.succeeds(t)
}

// flow is an emit that sends lines to a receive, in the middle of the first half of them.
type flow struct {
	emitting options
	e, r     *session
	got      *set
	goOn     func() // the second half is there only once it is called
}

func startFlow(t *testing.T, o options, lines int) flow {
	t.Helper()
	f := flow{emitting: o, got: newSet(lines)}
	receiving := o
	receiving.stdout = f.got
	f.r = start(t, receiving, "receive", "-Q", "audit", "--durable").bound(t)

	in, out := io.Pipe()
	going := make(chan struct{})
	f.goOn = sync.OnceFunc(func() { close(going) })
	var typing sync.WaitGroup
	typing.Go(func() {
		for i := range lines {
			if i == lines/2 {
				<-going // so that there is something left to send
			}
			if _, err := fmt.Fprintf(out, "line %d\n", i); err != nil {
				return
			}
		}
		out.Close()
	})
	t.Cleanup(func() {
		in.Close()
		f.goOn()
		typing.Wait()
	})
	f.emitting.stdin = in
	f.e = start(t, f.emitting, "emit", "--durable", "--persistent")
	f.got.wait(t, lines/10, f.e)
	return f
}

// A set is an output that counts different lines.
type set struct {
	mu      sync.Mutex
	partial []byte
	seen    map[string]bool
	first   []string // each line where it came first
	all     int
	changed chan struct{} // closed and replaced as lines come
}

func newSet(n int) *set {
	return &set{seen: make(map[string]bool, n), changed: make(chan struct{})}
}

func (s *set) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.partial = append(s.partial, b...)
	for {
		line, rest, ok := bytes.Cut(s.partial, []byte("\n"))
		if !ok {
			break
		}
		if !s.seen[string(line)] {
			s.seen[string(line)] = true
			s.first = append(s.first, string(line))
		}
		s.all++
		s.partial = rest
	}
	close(s.changed)
	s.changed = make(chan struct{})
	return len(b), nil
}

func (s *set) lines() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all
}

// wait waits until that many different lines came.
func (s *set) wait(t *testing.T, n int, from *session) {
	t.Helper()
	s.await(t, fmt.Sprintf("%d different lines", n), from, func() bool { return len(s.seen) >= n })
}

// waitFor waits until a line came.
func (s *set) waitFor(t *testing.T, line string, from *session) {
	t.Helper()
	s.await(t, line, from, func() bool { return s.seen[line] })
}

func (s *set) await(t *testing.T, what string, from *session, ok func() bool) {
	t.Helper()
	late := time.After(patience)
	for {
		s.mu.Lock()
		there, seen, changed := ok(), len(s.seen), s.changed
		s.mu.Unlock()
		if there {
			return
		}
		select {
		case <-changed:
		case <-from.ended:
			// What it sent may still be on its way.
			select {
			case <-changed:
			case <-late:
				t.Fatalf("%s ended without %s: %d lines came; it wrote %q", from.name, what, seen, tail(from.stderr.String()))
			}
		case <-late:
			t.Fatalf("without %s after %v: %d lines came; %s wrote %q", what, patience, seen, from.name, tail(from.stderr.String()))
		}
	}
}
