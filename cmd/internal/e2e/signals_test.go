package e2e

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

func TestInterruptWaiting(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		r := spawn(t, options{env: "memory:"}, "receive").bound(t)
		r.signal(t, sig)
		r.ends(t, 0, bound)
	}
}

// TestInterruptEmit: a stream that is cut off was not sent whole.
func TestInterruptEmit(t *testing.T) { onServers(t, testInterruptEmit) }

func testInterruptEmit(t *testing.T, o options) {
	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	defer out.Close()
	r := start(t, o, "receive").bound(t)
	o.stdin = in
	s := spawn(t, o, "emit")
	io.WriteString(out, "one\ntwo\nthr")
	r.waitOut(t, 2)
	s.signal(t, syscall.SIGINT)
	s.ends(t, 1, "emit: 2 of 2 messages sent were confirmed; interrupted before the end of the input\n")
}

// TestInterruptBusy: what is on standard output is acknowledged, what isn't
// stays in the queue: nothing is lost, and nothing comes twice.
func TestInterruptBusy(t *testing.T) { onServers(t, testInterruptBusy) }

func testInterruptBusy(t *testing.T, o options) {
	const lines = 20_000
	var all strings.Builder // far more than fits into a pipe
	for i := range lines {
		fmt.Fprintf(&all, "%0200d\n", i)
	}
	fill(t, o, "work", all.String())
	b := open(t, o)
	var printed strings.Builder
	var ready int
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		in, out, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		piped := o
		piped.stdout = out
		r := spawn(t, piped, "receive", "-Q", "work")
		out.Close()
		// Then nobody reads, and so it soon is in the middle of its work.
		if _, err := io.CopyN(&printed, in, 201*100); err != nil {
			t.Fatal(err)
		}
		r.signal(t, sig)
		if _, err := io.Copy(&printed, in); err != nil {
			t.Fatal(err)
		}
		in.Close()
		r.ends(t, 0, bound)
		if ready = lines - strings.Count(printed.String(), "\n"); ready == 0 {
			t.Fatal("all was printed: nothing was interrupted")
		}
		// RabbitMQ's queue hears of a connection's end after its client does: what
		// that held may not be back yet.
		waitReady(t, b, "work", ready)
	}
	rest := start(t, o, "receive", "-Q", "work", "-n", strconv.Itoa(ready))
	rest.succeeds(t)
	if printed.String()+rest.out() != all.String() {
		t.Error("what was printed, and then was in the queue, is not the lines in their order")
	}
}

// TestClosedPipe: receive | head -n 3.
func TestClosedPipe(t *testing.T) { onServers(t, testClosedPipe) }

func testClosedPipe(t *testing.T, o options) {
	fill(t, o, "work", "1\n")
	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	piped := o
	piped.stdout = out
	r := spawn(t, piped, "receive", "-Q", "work").bound(t)
	out.Close()
	var got [64]byte
	n, err := in.Read(got[:])
	if err != nil || string(got[:n]) != "1\n" {
		t.Fatalf("read %q, error %v; want the first line", got[:n], err)
	}
	in.Close()
	start(t, o, "emit", "nobody reads this").succeeds(t)
	r.ends(t, 0, bound) // no error, and not killed by SIGPIPE
	rest := start(t, o, "receive", "-Q", "work", "-n", "1")
	rest.succeeds(t)
	if want := "nobody reads this\n"; rest.out() != want {
		t.Errorf("in the queue was %q, want %q: it was not printed", rest.out(), want)
	}
}

// TestClosedPipeOfEmit: what was confirmed was sent, read or not.
func TestClosedPipeOfEmit(t *testing.T) {
	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	in.Close()
	s := spawn(t, options{env: "memory:", stdout: out}, "emit", "hello")
	out.Close()
	s.ends(t, 0, "")
}

// TestFileInFileOut is a shell's emit < in and receive > out.
func TestFileInFileOut(t *testing.T) { onServers(t, testFileInFileOut) }

func testFileInFileOut(t *testing.T, o options) {
	log, err := os.ReadFile("../../../testdata/sample.log")
	if err != nil {
		t.Fatal(err)
	}
	in, err := os.Open("../../../testdata/sample.log")
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.Create(t.TempDir() + "/logs_from_rabbit.log")
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	toFile, fromFile := o, o
	toFile.stdout, fromFile.stdin = out, in
	r := spawn(t, toFile, "receive", "-n", "260").bound(t)
	s := spawn(t, fromFile, "emit")
	s.ends(t, 0, "")
	if want := " [x] Sent 260 messages\n"; s.out() != want {
		t.Errorf("emit printed %q, want %q", s.out(), want)
	}
	r.ends(t, 0, bound)
	got, err := os.ReadFile(out.Name())
	if err != nil || !bytes.Equal(got, log) {
		t.Errorf("the file is %d bytes that are not those of the log (%v)", len(got), err)
	}
}
