package natstest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// shutdownLimit bounds how long a process may take to shut down before it is
// killed.
const shutdownLimit = 30 * time.Second

// process is a server in a process of its own.
type process struct {
	cmd  *exec.Cmd
	log  *tail
	done chan struct{} // closed when it has ended
	err  error         // how it ended; read it after that
}

// startProcess starts a program. The goroutine that waits for it ends with it;
// shutdown and kill wait for both.
func startProcess(cmd *exec.Cmd) (*process, error) {
	p := &process{cmd: cmd, log: &tail{limit: 16 << 10}, done: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = p.log, p.log
	started := make(chan error)
	go func() {
		defer close(p.done)
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

func (p *process) ended() <-chan struct{} { return p.done }
func (p *process) output() string         { return p.log.String() }

// shutdown asks the process to end and waits for it.
func (p *process) shutdown() error {
	if p.hasEnded() {
		return fmt.Errorf("it had ended by itself (%v):\n%s", p.err, p.output())
	}
	p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
		return nil
	case <-time.After(shutdownLimit):
		return errors.Join(fmt.Errorf("it still ran after %v and was killed:\n%s", shutdownLimit, p.output()), p.kill())
	}
}

// kill ends the process at once and waits until it is gone.
func (p *process) kill() error {
	if p.hasEnded() {
		return fmt.Errorf("it had ended by itself (%v):\n%s", p.err, p.output())
	}
	err := p.cmd.Process.Kill()
	if errors.Is(err, os.ErrProcessDone) {
		err = nil
	}
	<-p.done
	return err
}

func (p *process) hasEnded() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}
