package memory

import (
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/gobindery/bindery/pubsub"
)

// Conn is one connection to a [Server]: a [pubsub.Adapter] and [pubsub.Lister].
// Safe for concurrent use.
type Conn struct {
	vhost *vhost
	user  string

	ended atomic.Bool // closed, for publishers, who take no lock

	mu        sync.Mutex // first in the lock order, see vhost
	closed    bool
	consumers map[*consumer]struct{}
	got       map[uint64]gotEntry // what Get returned and isn't settled, by tag
	lastTag   uint64
}

var (
	_ pubsub.Adapter = (*Conn)(nil)
	_ pubsub.Lister  = (*Conn)(nil)
)

// errClosed is the reason of every call after Close.
var errClosed = fmt.Errorf("%w: the connection to the memory server was closed", pubsub.ErrClosed)

// Close returns what is unsettled to its queues and deletes the connection's
// exclusive queues. A second call does nothing.
func (c *Conn) Close() error {
	c.ended.Store(true)
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return nil
	}
	c.closed = true
	consumers := c.consumers
	c.consumers = nil
	got := c.got
	c.got = nil
	c.mu.Unlock()

	// The connection's own queues go first: what returns to them is gone, and
	// must not be dead-lettered or given to another of its consumers.
	c.vhost.deleteOwned(c)
	// Then all consumers leave, so that none gets what another gives back.
	for s := range consumers {
		s.leave()
	}
	for s := range consumers {
		s.finish(true)
	}
	requeueGot(got)
	return nil
}
