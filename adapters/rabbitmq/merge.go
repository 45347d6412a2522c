package rabbitmq

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// mergeConn is a net.Conn between amqp091-go and the socket. amqp091-go makes
// one Write a publish and one an ack, and each would be a system call, about
// half of what a publish costs. Here Write only puts the bytes into a buffer;
// one goroutine writes what has gathered while its previous write was in
// progress. A single message doesn't wait: the goroutine starts at once.
//
// The first error of a write is kept, and Read and Write return it from then on.
type mergeConn struct {
	net.Conn

	// idle is called by the one goroutine that reads, each time before it
	// reads more: amqp091-go has then dispatched every frame that it got. May
	// be nil; set before the first Read.
	idle func()

	// What was read beyond what was asked for; the reading goroutine's.
	ahead       []byte
	first, last int

	buffered atomic.Int64 // len(buf), to look at without mu

	mu      sync.Mutex
	more    sync.Cond     // there is something in buf, or the end has come
	buf     []byte        // what waits to be written
	err     error         // the first one, or net.ErrClosed after Close
	closing bool          // Close has begun: write what is there, and end
	drained chan struct{} // made by who waits for room, closed when there is

	done chan struct{} // closed when the writing goroutine has ended
}

const (
	// softLimit is how much may wait to be written before publishing waits,
	// in bytes.
	softLimit = 256 << 10

	// hardLimit is how much may wait before Write itself waits.
	hardLimit = 1 << 20

	// keptBuffer is how large a buffer is kept for further use.
	keptBuffer = 64 << 10

	// flushLimit is how long Close may take to write what is left.
	flushLimit = time.Second
)

// newMergeConn wraps conn. Close ends its goroutine.
func newMergeConn(conn net.Conn) *mergeConn {
	c := &mergeConn{Conn: conn, ahead: make([]byte, 32<<10), done: make(chan struct{})}
	c.more.L = &c.mu
	go c.writeLoop()
	return c
}

// Read reads ahead: amqp091-go asks for 4 KiB at a time, which is a dozen of
// small deliveries.
func (c *mergeConn) Read(p []byte) (int, error) {
	if c.idle != nil {
		c.idle()
	}
	if c.first < c.last {
		n := copy(p, c.ahead[c.first:c.last])
		c.first += n
		return n, nil
	}
	if len(p) >= len(c.ahead) {
		n, err := c.Conn.Read(p)
		return n, c.readError(err)
	}
	n, err := c.Conn.Read(c.ahead)
	c.first, c.last = copy(p, c.ahead[:n]), n
	return c.first, c.readError(err)
}

// readError ends writing too, because a Write that waits for a peer that went
// away would wait for minutes. If writing failed first, that is the reason.
func (c *mergeConn) readError(err error) error {
	if err == nil {
		return nil
	}
	return c.fail(err)
}

// fail keeps the first error, ends waiting, and returns the first error.
func (c *mergeConn) fail(err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		c.err = err
	}
	c.more.Signal()
	c.roomLocked()
	return c.err
}

// roomLocked wakes those who wait for room.
func (c *mergeConn) roomLocked() {
	if c.drained != nil {
		close(c.drained)
		c.drained = nil
	}
}

// Write takes all of p, or none of it with an error.
func (c *mergeConn) Write(p []byte) (int, error) {
	c.mu.Lock()
	for len(c.buf) >= hardLimit && c.err == nil {
		drained := c.waitLocked()
		c.mu.Unlock()
		<-drained
		c.mu.Lock()
	}
	if c.err != nil {
		err := c.err
		c.mu.Unlock()
		return 0, err
	}
	wasEmpty := len(c.buf) == 0
	c.buf = append(c.buf, p...)
	c.buffered.Store(int64(len(c.buf)))
	c.mu.Unlock()
	if wasEmpty {
		c.more.Signal()
	}
	return len(p), nil
}

func (c *mergeConn) waitLocked() <-chan struct{} {
	if c.drained == nil {
		c.drained = make(chan struct{})
	}
	return c.drained
}

// waitRoom waits until less than softLimit waits to be written, or nothing will
// be any more.
func (c *mergeConn) waitRoom(ctx context.Context) error {
	for c.buffered.Load() >= softLimit {
		c.mu.Lock()
		if len(c.buf) < softLimit || c.err != nil {
			c.mu.Unlock()
			return nil
		}
		drained := c.waitLocked()
		c.mu.Unlock()
		select {
		case <-drained:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

func (c *mergeConn) writeLoop() {
	defer close(c.done)
	var out []byte
	for {
		c.mu.Lock()
		for len(c.buf) == 0 && c.err == nil && !c.closing {
			c.more.Wait()
		}
		if c.err != nil || len(c.buf) == 0 {
			c.mu.Unlock()
			return
		}
		out, c.buf = c.buf, out[:0]
		c.buffered.Store(0)
		c.roomLocked()
		c.mu.Unlock()

		if _, err := c.Conn.Write(out); err != nil {
			c.fail(err)
			c.Conn.Close() // so that Read returns too
			return
		}
		if cap(out) > keptBuffer {
			out = nil
		}
	}
}

// Close writes what is left, for a second at most, and closes the socket.
func (c *mergeConn) Close() error {
	c.mu.Lock()
	c.closing = true
	c.more.Signal()
	c.mu.Unlock()
	c.Conn.SetWriteDeadline(time.Now().Add(flushLimit))
	<-c.done
	c.fail(net.ErrClosed)
	return c.Conn.Close()
}
