//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package local

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// Supported reports whether this system has what the local broker needs.
const Supported = true

// own returns an error unless path is a folder that belongs to this user alone.
func own(path string) error {
	info, err := os.Lstat(path) // not through a link, which another may have set
	if err != nil {
		return err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	switch {
	case !info.IsDir():
		return fmt.Errorf("%s is no folder", path)
	case !ok || int(stat.Uid) != os.Geteuid():
		return fmt.Errorf("%s belongs to another user", path)
	case info.Mode()&(fs.ModePerm&0o077) != 0:
		return fmt.Errorf("%s is open to other users: its mode is %#o, and must be 0700", path, info.Mode().Perm())
	}
	return nil
}

// tryLock takes the lock on a file, and returns nil if another has it. It ends
// when the file is closed, or the process ends.
func tryLock(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, nil
		}
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return f, nil
}

// runs reports whether there is a process of that number.
func runs(pid int) bool { return syscall.Kill(pid, 0) != syscall.ESRCH }

// nobody reports whether a dialing failed because no host is at the socket
// now, or so many come at once that it has no place for one more.
func nobody(err error) bool {
	return errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.ENOENT) || errors.Is(err, syscall.EAGAIN)
}
