//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package local

import (
	"errors"
	"os"
)

// Supported reports whether this system has what the local broker needs.
const Supported = false

func own(string) error { return errors.ErrUnsupported }

func tryLock(string) (*os.File, error) { return nil, errors.ErrUnsupported }

func runs(int) bool { return false }

func nobody(error) bool { return false }
