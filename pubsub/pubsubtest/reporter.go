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

// recorder is a reporter that keeps what failed, and passes it on if it is to.
type recorder struct {
	also reporter // may be nil

	mu       sync.Mutex
	failures []string
}

func (r *recorder) Helper() {
	if r.also != nil {
		r.also.Helper()
	}
}

func (r *recorder) Logf(format string, args ...any) {
	if r.also != nil {
		r.also.Helper()
		r.also.Logf(format, args...)
	}
}

func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
	r.mu.Unlock()
	if r.also != nil {
		r.also.Helper()
		r.also.Errorf(format, args...)
	}
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
