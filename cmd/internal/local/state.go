package local

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
)

// state is what a host leaves to the next, in the file broker.state: who it
// is, and the receivers that must be back before anything is published.
type state struct {
	host      identity
	receivers []identity
}

// identity names one program, or one of several in a process, as
// "receive.4711.1": a word, the process and a number.
type identity string

var identities atomic.Int64

func newIdentity(name string) identity {
	return identity(fmt.Sprintf("%s.%d.%d", strings.ReplaceAll(name, ".", "-"), os.Getpid(), identities.Add(1)))
}

// runs reports whether its process does. One that has no process, as a client
// that is not ours, does not.
func (id identity) runs() bool {
	parts := strings.Split(string(id), ".")
	if len(parts) != 3 {
		return false
	}
	pid, err := strconv.Atoi(parts[1])
	return err == nil && pid > 0 && runs(pid)
}

func statePath(folder string) string { return filepath.Join(folder, "broker.state") }

// readState returns what the last host wrote. Without one it is empty.
func readState(folder string) (state, error) {
	b, err := os.ReadFile(statePath(folder))
	if errors.Is(err, os.ErrNotExist) {
		return state{}, nil
	}
	if err != nil {
		return state{}, fmt.Errorf("read who used the local broker: %w", err)
	}
	var s state
	for i, l := range strings.Split(strings.TrimSuffix(string(b), "\n"), "\n") {
		if i == 0 {
			s.host = identity(l)
		} else {
			s.receivers = append(s.receivers, identity(l))
		}
	}
	return s, nil
}

// write replaces what is there. A reader sees all of the old one or all of the
// new one, also when the host is killed meanwhile.
func (s state) write(folder string) error {
	var b strings.Builder
	fmt.Fprintln(&b, s.host)
	for _, id := range s.receivers {
		fmt.Fprintln(&b, id)
	}
	unready := statePath(folder) + next
	err := os.WriteFile(unready, []byte(b.String()), 0o600)
	if err == nil {
		err = os.Rename(unready, statePath(folder))
	}
	if err != nil {
		return fmt.Errorf("write down who uses the local broker: %w", err)
	}
	return nil
}
