package rabbitmqtest

import (
	"context"
	"os"
	"os/exec"
	"sync"
	"time"
)

// process is a program that we started and wait for. All methods are safe for
// concurrent use.
type process struct {
	cmd    *exec.Cmd
	output *tail
	ended  context.Context // done when it and all its children have ended
	err    error           // how it ended; read it after that
}

// startProcess starts a command whose output is kept at its end only. The
// goroutine that waits for the process ends with it; kill waits for both.
func startProcess(cmd *exec.Cmd) (*process, error) {
	p := &process{cmd: cmd, output: &tail{limit: 4 << 10}}
	var end context.CancelFunc
	p.ended, end = context.WithCancel(context.Background())
	// A writer that is no file makes os/exec use a pipe, and Wait returns
	// when nobody holds it any more. The helpers of the Erlang VM inherit it,
	// so ended means that they have gone as well.
	cmd.Stdout, cmd.Stderr = p.output, p.output
	cmd.WaitDelay = 10 * time.Second // once the process itself has ended
	started := make(chan error)
	go func() {
		defer end()
		defer bindToParent(cmd)()
		err := cmd.Start()
		started <- err
		if err == nil {
			p.err = cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}

// hasEnded reports whether the process has ended.
func (p *process) hasEnded() bool { return p.ended.Err() != nil }

// signal sends a signal to the process, if it has not ended.
func (p *process) signal(s os.Signal) { p.cmd.Process.Signal(s) }

// kill ends the process at once and waits until it is gone.
func (p *process) kill() {
	if !p.hasEnded() {
		killTree(p.cmd.Process)
	}
	<-p.ended.Done()
}

// tail keeps the last bytes written to it. It is safe for concurrent use.
type tail struct {
	limit int

	mu   sync.Mutex
	data []byte
}

// Write appends to the tail and forgets what exceeds it.
func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.data = append(t.data, b...)
	if over := len(t.data) - t.limit; over > 0 {
		t.data = append(t.data[:0], t.data[over:]...)
	}
	return len(b), nil
}

// String returns what the tail holds.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.data)
}
