package natstest

import (
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
