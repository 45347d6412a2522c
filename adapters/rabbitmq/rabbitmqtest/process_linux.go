package rabbitmqtest

import (
	"os"
	"os/exec"
	"runtime"
	"syscall"
)

// bindToParent prepares a command to be killed by the kernel when this process
// dies, however it dies. The goroutine that calls it must start the command,
// wait for its end, and then call the function returned.
//
// The kernel sends that signal when the thread that started the child ends,
// not the process (prctl(2), PR_SET_PDEATHSIG). Without the lock another
// goroutine could run on that thread, lock it, and end the thread by returning
// without unlocking it: the child would be killed for no reason.
func bindToParent(cmd *exec.Cmd) (release func()) {
	runtime.LockOSThread()
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Setpgid:   true, // so that Ctrl-C in a terminal reaches us alone
		Pdeathsig: syscall.SIGKILL,
	}
	return runtime.UnlockOSThread
}

// killTree kills a process and those children that share its process group.
// The helpers of an Erlang VM have groups of their own; they end with it.
func killTree(p *os.Process) {
	syscall.Kill(-p.Pid, syscall.SIGKILL)
}

// tryLock takes the file's advisory lock, which ends when the file is closed
// or this process dies. It reports false if somebody else holds it.
func tryLock(f *os.File) (bool, error) {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == syscall.EWOULDBLOCK {
		return false, nil
	}
	return err == nil, err
}
