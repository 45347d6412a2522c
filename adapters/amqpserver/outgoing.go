package amqpserver

import (
	"io"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/gobindery/bindery/adapters/amqpserver/internal/wire"
)

// outgoing is what waits to be written to a client. One goroutine writes all
// that is there at once, so that frames share writes when there are many.
type outgoing struct {
	mu    sync.Mutex
	some  sync.Cond // there is something to write, or it has ended
	room  sync.Cond // there is room for deliveries, or it has ended
	buf   []byte
	spare []byte
	large []largeBody // those that belong into buf
	size  int         // of what waits, in bytes
	ended bool        // nothing more is added; what is there is written

	// turn is that of one consumer, from when it waits for room until its
	// delivery is queued. Else all that wait get the same room at once, and each
	// queues a message that may be large.
	turn  bool
	turns sync.Cond // it is free
}

// outgoingMost is how many bytes may wait before consumers and the reader
// wait too.
const outgoingMost = 256 << 10

// piece is how many bytes are written within WriteTimeout: a client that takes
// them slowly, but does, is served.
const piece = 64 << 10

func newOutgoing() *outgoing {
	o := &outgoing{}
	o.some.L, o.room.L, o.turns.L = &o.mu, &o.mu, &o.mu
	return o
}

// largeBody is a body that waits as it is, as the queues' own: who reads
// nothing has no copy of it. It is framed as it is written.
type largeBody struct {
	at       int // where its frames belong in the buffer
	channel  uint16
	frameMax uint32
	body     []byte
}

// add queues what f appends. It does not wait.
func (o *outgoing) add(f func(dst []byte) []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.addLocked(f)
}

func (o *outgoing) addLocked(f func(dst []byte) []byte) {
	if o.ended {
		return
	}
	before := len(o.buf)
	o.buf = f(o.buf)
	o.size += len(o.buf) - before
	o.some.Signal()
}

// addLarge queues what f appends, and then a body, which must not change.
func (o *outgoing) addLarge(f func(dst []byte) []byte, l largeBody) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.addLocked(f)
	if o.ended {
		return
	}
	l.at = len(o.buf)
	o.large = append(o.large, l)
	o.size += len(l.body)
}

// waitRoom waits while too much is queued. It reports false at the end.
func (o *outgoing) waitRoom() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	for o.size >= outgoingMost && !o.ended {
		o.room.Wait()
	}
	return !o.ended
}

// takeTurn waits for a consumer's turn, and for room. At the end there is
// always room.
func (o *outgoing) takeTurn() {
	o.mu.Lock()
	for o.turn {
		o.turns.Wait()
	}
	o.turn = true
	o.mu.Unlock()
	o.waitRoom()
}

// giveTurn lets the next consumer have it.
func (o *outgoing) giveTurn() {
	o.mu.Lock()
	o.turn = false
	o.turns.Signal()
	o.mu.Unlock()
}

// rest gives back the memory that it keeps for what comes next, which may be
// half a megabyte.
func (o *outgoing) rest() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.buf) == 0 {
		o.buf, o.spare = nil, nil
	}
}

// full reports whether far too much is queued.
func (o *outgoing) full() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.size >= 64*outgoingMost
}

// end lets nothing more be added, and nobody wait.
func (o *outgoing) end() {
	o.mu.Lock()
	o.ended = true
	o.some.Broadcast()
	o.room.Broadcast()
	o.mu.Unlock()
}

// write writes what is queued until all is written after end, or the
// connection fails.
func (o *outgoing) write(nc net.Conn, timeout time.Duration) {
	defer o.end()
	for {
		o.mu.Lock()
		for len(o.buf) == 0 && !o.ended {
			o.some.Wait()
		}
		b, large := o.buf, o.large
		o.buf, o.spare, o.large, o.size = o.spare[:0], nil, nil, 0
		o.room.Broadcast()
		o.mu.Unlock()
		if len(b) == 0 {
			return
		}
		if err := writeAll(timed{nc, timeout}, b, large); err != nil {
			nc.Close() // the reader ends as well
			return
		}
		o.mu.Lock()
		if cap(b) <= 2*outgoingMost {
			o.spare = b
		}
		o.mu.Unlock()
	}
}

// writeAll writes a buffer with the large bodies that belong into it.
func writeAll(w io.Writer, b []byte, large []largeBody) error {
	from := 0
	var frames []byte
	for _, l := range large {
		if _, err := w.Write(b[from:l.at]); err != nil {
			return err
		}
		from = l.at
		frame := int(l.frameMax - wire.FrameOverhead)
		for part := range slices.Chunk(l.body, max(1, piece/frame)*frame) {
			frames = wire.AppendBody(frames[:0], l.channel, l.frameMax, part)
			if _, err := w.Write(frames); err != nil {
				return err
			}
		}
	}
	_, err := w.Write(b[from:])
	return err
}

// timed writes to a client that has some time for each piece.
type timed struct {
	nc      net.Conn
	timeout time.Duration
}

func (t timed) Write(b []byte) (n int, err error) {
	for p := range slices.Chunk(b, piece) {
		t.nc.SetWriteDeadline(time.Now().Add(t.timeout))
		written, err := t.nc.Write(p)
		n += written
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// send queues a method.
func (c *conn) send(channel uint16, m wire.Method) {
	c.out.add(func(dst []byte) []byte { return wire.AppendMethod(dst, channel, m) })
}

// sendContent queues a method with its content. A body of a piece or more must
// not change any more.
func (c *conn) sendContent(channel uint16, m wire.Method, p *wire.Properties, body []byte) {
	if len(body) < piece {
		c.out.add(func(dst []byte) []byte { return wire.AppendContent(dst, channel, c.frameMax, m, p, body) })
		return
	}
	c.out.addLarge(
		func(dst []byte) []byte { return wire.AppendContentHeader(dst, channel, m, p, len(body)) },
		largeBody{channel: channel, frameMax: c.frameMax, body: body},
	)
}
