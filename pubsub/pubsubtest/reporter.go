package pubsubtest

import (
	"fmt"
	"sync"
)

// reporter takes what a case has to say. A testing.TB is one, and so is a
// recorder.
type reporter interface {
	Helper()
	Logf(format string, args ...any)
	Errorf(format string, args ...any)
}

// recorder is a reporter that keeps what failed.
type recorder struct {
	mu       sync.Mutex
	failures []string
}

func (r *recorder) Helper() {}

func (r *recorder) Logf(string, ...any) {}

func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

func (r *recorder) errors() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failures
}

// String returns the failures, one below the other.
func (r *recorder) String() string {
	s := ""
	for _, f := range r.errors() {
		s += "  " + f + "\n"
	}
	return s
}
