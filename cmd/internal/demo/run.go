package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gobindery/bindery/cmd/internal/cli"
	"github.com/gobindery/bindery/cmd/internal/emit"
	"github.com/gobindery/bindery/cmd/internal/receive"
)

// limit is how long the demo may take. It takes less than a second.
const limit = time.Minute

// run broadcasts the first of the logs that can be read and returns the exit
// code: 0 if both receivers got every line.
func run(ctx context.Context, stdout, stderr io.Writer, logs []string) int {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("the demo takes more than %v", limit))
	defer cancel()
	if err := demonstrate(ctx, stdout, logs); err != nil {
		fmt.Fprintln(stderr, "demo:", strings.ReplaceAll(err.Error(), "\n", "; "))
		return cli.ExitFailure
	}
	return cli.ExitOK
}

func demonstrate(ctx context.Context, stdout io.Writer, logs []string) (err error) {
	name, log, err := readLog(logs)
	if err != nil {
		return err
	}
	lines := bytes.Count(log, []byte("\n"))
	fmt.Fprintf(stdout, "Broadcasting %s (%d lines, %d bytes) to two receivers, over the broker %q.\n\n", name, lines, len(log), cli.DefaultBroker)

	folder, err := os.MkdirTemp("", "bindery-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	path := filepath.Join(folder, "logs_from_rabbit.log")
	disk, err := os.Create(path)
	if err != nil {
		return err
	}
	defer disk.Close()
	var screen bytes.Buffer

	began := time.Now()
	if err := broadcast(ctx, log, lines, disk, &screen); err != nil {
		return err
	}
	took := time.Since(began)
	if err := disk.Close(); err != nil {
		return err
	}
	written, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "$ receive\n%s\n", excerpt(screen.Bytes()))
	fmt.Fprintf(stdout, "$ receive > %s\n%d lines\n\n", filepath.Base(path), bytes.Count(written, []byte("\n")))
	for _, got := range []struct {
		where string
		text  []byte
	}{{"on the screen", screen.Bytes()}, {"on disk", written}} {
		if !bytes.Equal(got.text, log) {
			return fmt.Errorf("the receiver %s got %d bytes that are not those of the log", got.where, len(got.text))
		}
	}
	fmt.Fprintf(stdout, "Both receivers got all %d lines, byte for byte and in order, in %v.\n", lines, took.Round(time.Millisecond))
	return nil
}

// broadcast runs emit, and a receive for each output, until each has got that many
// lines.
func broadcast(ctx context.Context, log []byte, lines int, outputs ...io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	env := cli.Env{Backends: cli.Backends()} // one server, where all meet
	var receivers sync.WaitGroup
	errs := make([]error, len(outputs)+1)
	for i, out := range outputs {
		errput := newNotice()
		env := env
		env.Stdin, env.Stdout, env.Stderr = strings.NewReader(""), out, errput
		ended := make(chan struct{})
		receivers.Go(func() {
			defer close(ended)
			code := receive.Run(ctx, []string{"-b", cli.DefaultBroker, "-n", strconv.Itoa(lines)}, env)
			if code != cli.ExitOK {
				errs[i] = fmt.Errorf("receive exited with %d: %s", code, errput)
			}
		})
		select {
		case <-errput.waiting: // it is bound: what is sent from now on reaches it
		case <-ended:
		}
	}
	var said bytes.Buffer
	env.Stdin, env.Stdout, env.Stderr = bytes.NewReader(log), io.Discard, &said
	if code := emit.Run(ctx, []string{"-b", cli.DefaultBroker}, env); code != cli.ExitOK {
		errs[len(outputs)] = fmt.Errorf("emit exited with %d: %s", code, &said)
		cancel() // else the receivers wait for ever
	}
	receivers.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return context.Cause(ctx)
}

// excerpt is the beginning and the end of a text of many lines.
func excerpt(text []byte) string {
	const shown = 5
	lines := strings.SplitAfter(strings.TrimSuffix(string(text), "\n"), "\n")
	if len(lines) <= 2*shown+1 {
		return strings.Join(lines, "") + "\n"
	}
	return strings.Join(lines[:shown], "") +
		fmt.Sprintf("… %d more lines …\n", len(lines)-2*shown) +
		strings.Join(lines[len(lines)-shown:], "") + "\n"
}

// notice is a receiver's standard error. It tells when the receiver waits for
// messages.
type notice struct {
	waiting chan struct{} // closed then

	mu   sync.Mutex
	text bytes.Buffer
	said bool
}

func newNotice() *notice { return &notice{waiting: make(chan struct{})} }

func (n *notice) Write(b []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.text.Write(b)
	if !n.said && bytes.Contains(n.text.Bytes(), []byte("[*] Waiting")) {
		n.said = true
		close(n.waiting)
	}
	return len(b), nil
}

func (n *notice) String() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text.String()
}
