package e2e

import (
	"bytes"
	"context"
	"io"
	"os"
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
func TestInterruptEmit(t *testing.T) {
	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	defer out.Close()
	o := rabbit(t)
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
func TestInterruptBusy(t *testing.T) {
	const lines = 20_000
	o := rabbit(t)
	fill(t, o, "work", lines)
	var out string
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		r := spawn(t, o, "receive", "-Q", "work").bound(t)
		r.waitOut(t, 100)
		r.signal(t, sig)
		r.ends(t, 0, bound)
		out += r.out()
	}
	if n := strings.Count(out, "\n"); n == lines {
		t.Fatalf("all %d lines came before the signals; the test needs more", n)
	}
	b := open(t, o)
	info, err := b.InspectQueue(t.Context(), "work")
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(out, "\n") + info.Ready; got != lines {
		t.Errorf("%d lines were printed or are in the queue, want %d", got, lines)
	}
	for d := range drain(t, o, "work", info.Ready) {
		out += d + "\n"
	}
	if out != numbers(1, lines) {
		t.Errorf("what was printed, and then was in the queue, is not the lines in their order")
	}
}

// drain yields the bodies of n messages of a queue.
func drain(t *testing.T, o options, queue string, n int) func(func(string) bool) {
	return func(yield func(string) bool) {
		b := open(t, o)
		c, err := b.Consume(t.Context(), queue, nil)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		for range n {
			d, err := c.Receive(ctx)
			if err != nil {
				t.Fatal(err)
			}
			d.Ack(ctx)
			if !yield(string(d.Body)) {
				return
			}
		}
	}
}

// TestClosedPipe: receive | head -n 3.
func TestClosedPipe(t *testing.T) {
	o := rabbit(t)
	fill(t, o, "work", 1)
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
func TestFileInFileOut(t *testing.T) {
	o := rabbit(t)
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
