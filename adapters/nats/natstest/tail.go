package natstest

import "sync"

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
