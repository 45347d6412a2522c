//go:build !linux

package rabbitmqtest

import (
	"errors"
	"os"
	"os/exec"
)

// bindToParent does nothing: only Linux ends a child with its parent.
func bindToParent(*exec.Cmd) (release func()) { return func() {} }

// killTree kills a process.
func killTree(p *os.Process) { p.Kill() }

// tryLock takes no lock. Without it folders of dead processes stay.
func tryLock(*os.File) (bool, error) { return false, errors.ErrUnsupported }
