package pubsub

import (
	"testing"
	"unsafe"
)

// Each message in memory costs one Publication: beyond 288 bytes, the next size
// that Go allocates is 320.
func TestPublicationSize(t *testing.T) {
	if n := unsafe.Sizeof(Publication{}); n > 288 {
		t.Errorf("a Publication takes %d bytes, want 288 at most", n)
	}
}
