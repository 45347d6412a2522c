package amqpserver

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gobindery/bindery/adapters/amqpserver/internal/wire"
	"github.com/gobindery/bindery/pubsub"
)

// conn is one client. Its own goroutine reads; the fields below belong to that
// one, but for out, what the handshake sets, and closing.
type conn struct {
	server  *Server
	nc      net.Conn
	in      *wire.Reader
	out     *outgoing
	ctx     context.Context // ends with the connection
	stop    context.CancelFunc
	adapter pubsub.Adapter

	patience context.Context // ends when the reader must not wait for memory any more
	hurry    context.CancelFunc
	counters counters
	listing  atomic.Bool // a consumer of the topologyQueue is there

	// Set by the handshake.
	user, vhost   string
	cancelNotify  bool // the client wants to know of consumers that end
	failureClose  bool // and of a wrong password
	blockedNotify bool // and of publishes that wait for memory
	frameMax      uint32
	channelMax    uint16
	heartbeat     time.Duration
	silence       time.Duration // how long nothing may come; zero is any time

	unlooked int // bytes that came since the last look at the memory
	channels map[uint16]*channel
	unsent   []*channel // those whose confirms wait for the end of a burst
	left     bool       // the client has closed the connection

	closing struct {
		sync.Mutex
		by time.Time // when the client must have answered connection.close; zero if that was not sent
	}
	running sync.WaitGroup // the writer, consumers, channels that end
}

func newConn(s *Server, nc net.Conn) *conn {
	ctx, stop := context.WithCancel(context.Background())
	c := &conn{
		server: s, nc: nc, out: newOutgoing(), ctx: ctx, stop: stop,
		frameMax: wire.FrameMin, channels: make(map[uint16]*channel),
	}
	c.patience, c.hurry = context.WithCancel(ctx)
	c.in = wire.NewReader(source{c}, wire.FrameMin)
	return c
}

// source is what a connection reads from, when all that has come was done.
// Any byte ends a silence: a frame may take long to come.
type source struct{ c *conn }

func (s source) Read(b []byte) (int, error) {
	c := s.c
	c.flushConfirms()
	if c.silence > 0 {
		c.setReadDeadline(time.Now().Add(c.silence))
	}
	n, err := c.nc.Read(b)
	c.counters.bytesIn.Add(uint64(n))
	if c.unlooked += n; c.unlooked >= memoryLook {
		c.unlooked = 0
		c.server.lookAtMemory()
	}
	return n, err
}

// setReadDeadline lets reads last until t, zero being any time, but not longer
// than a client that was sent connection.close may take.
func (c *conn) setReadDeadline(t time.Time) {
	c.closing.Lock()
	defer c.closing.Unlock()
	if by := c.closing.by; !by.IsZero() && (t.IsZero() || by.Before(t)) {
		t = by
	}
	c.nc.SetReadDeadline(t)
}

func (s *Server) warn(what string, args ...any) {
	if s.Logger != nil {
		s.Logger.Warn(what, args...)
	}
}

func (c *conn) log(ctx context.Context, what string, err error) {
	if l := c.server.Logger; l != nil {
		l.WarnContext(ctx, what, "client", c.nc.RemoteAddr().String(), "user", c.user, "vhost", c.vhost, "error", err)
	}
}

// serve is the connection's life.
func (c *conn) serve() {
	c.running.Go(func() {
		defer c.hurry()
		c.out.write(counted{c.nc, &c.counters}, orDefault(c.server.WriteTimeout, 30*time.Second))
	})
	err := c.handshake()
	if err == nil {
		c.setReadDeadline(time.Time{}) // the handshake's is over
		c.silence = c.heartbeat*2 + c.heartbeat/2
		stop := c.beat()
		err = c.read()
		stop()
	}
	if e, ok := errors.AsType[*wire.Error](err); ok && !errors.Is(err, errHandshake) {
		c.fail(e)
		c.log(c.ctx, "closing a connection", err)
		c.awaitCloseOk()
	} else if err != nil {
		c.log(c.ctx, "a connection ended", err)
	}
	c.teardown()
}

// teardown gives back all that the client had. All consumers leave before
// what one of them held goes back, so that none gets what another had.
func (c *conn) teardown() {
	c.stop()
	c.out.end()
	if c.adapter != nil {
		// Closing the adapter returns all at once, in the order of the queues.
		c.adapter.Close()
	}
	for _, ch := range c.channels {
		ch.leave()
	}
	c.running.Wait()
	if c.left {
		c.awaitEnd()
	}
	c.nc.Close()
}

// awaitEnd lets a client that has closed the connection close the socket, as
// RabbitMQ does, for a bounded time. It may still write what it had published
// before: a socket that is closed with that unread resets the connection, and
// the client loses close-ok.
func (c *conn) awaitEnd() {
	most := 30 * time.Second
	if c.heartbeat > 0 {
		most = min(most, c.heartbeat)
	}
	c.setReadDeadline(time.Now().Add(most))
	io.Copy(io.Discard, c.nc)
}

// beat sends heartbeats, twice as often as agreed. An idle connection keeps
// little memory from the first on.
func (c *conn) beat() (stop func()) {
	if c.heartbeat == 0 {
		return func() {}
	}
	done := make(chan struct{})
	c.running.Go(func() {
		tick := time.NewTicker(c.heartbeat / 2)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				c.out.rest()
				c.out.add(wire.AppendHeartbeat)
			case <-done:
				return
			}
		}
	})
	return func() { close(done) }
}

// read does what the client asks, until the connection ends.
func (c *conn) read() error {
	for {
		f, err := c.next()
		if err != nil {
			return err
		}
		if f.Type == wire.FrameHeartbeat {
			if f.Channel != 0 {
				return f.Unexpected()
			}
			continue
		}
		if c.isClosing() {
			if closeOk(f) {
				return nil
			}
			continue // RabbitMQ discards what comes before close-ok
		}
		if f.Channel != 0 {
			if err := c.channelFrame(f); err != nil {
				return err
			}
			continue
		}
		if f.Type != wire.FrameMethod {
			return f.Unexpected()
		}
		m, err := wire.DecodeMethod(f.Payload)
		if err != nil {
			return err
		}
		switch m := m.(type) {
		case *wire.ConnectionClose:
			// Its exclusive queues are gone once the client knows that it is.
			c.flushConfirms()
			c.adapter.Close()
			c.send(0, &wire.ConnectionCloseOk{})
			c.left = true
			return nil
		case *wire.ConnectionUpdateSecret:
			c.send(0, &wire.ConnectionUpdateSecretOk{})
		default:
			return wire.Errorf(wire.ChannelError, "unexpected method in connection state running").Of(m)
		}
	}
}

// next reads a frame. A client that doesn't read what it asked for must wait
// until more is done for it, also with what it has sent already: a short
// method may ask for a large message.
func (c *conn) next() (wire.Frame, error) {
	c.out.waitRoom()
	f, err := c.in.Next()
	if err == nil {
		c.awaitMemory(f.Type)
	}
	return f, err
}

func (c *conn) flushConfirms() {
	for _, ch := range c.unsent {
		ch.flushConfirms()
	}
	c.unsent = c.unsent[:0]
}

// channelFrame gives a frame to its channel.
func (c *conn) channelFrame(f wire.Frame) error {
	ch := c.channels[f.Channel]
	if ch != nil && ch.ending() {
		ch.content = nil // what began before is passed over, too
	}
	var m wire.Method
	if f.Type == wire.FrameMethod && (ch == nil || ch.content == nil) {
		var err error
		if m, err = wire.DecodeMethod(f.Payload); err != nil {
			return err
		}
	}
	if ch != nil && ch.ending() {
		if _, ok := m.(*wire.ChannelCloseOk); ok {
			ch.ended.Wait()
			c.dropChannel(f.Channel)
		} else if _, ok := m.(*wire.ChannelClose); ok { // both closed at once
			c.send(f.Channel, &wire.ChannelCloseOk{})
		}
		return nil // RabbitMQ discards what comes before close-ok
	}
	if _, ok := m.(*wire.ChannelOpen); ok {
		if ch != nil {
			return wire.Errorf(wire.ChannelError, "second 'channel.open' seen").Of(m)
		}
		if len(c.channels) >= int(c.channelMax) {
			return wire.Errorf(wire.NotAllowed, "number of channels opened (%d) has reached the negotiated channel_max (%d)", len(c.channels), c.channelMax).Of(m)
		}
		c.channels[f.Channel] = newChannel(c, f.Channel)
		c.counters.channels.Add(1)
		c.send(f.Channel, &wire.ChannelOpenOk{})
		return nil
	}
	if ch == nil {
		if m == nil {
			return errNoMethod
		}
		return wire.Errorf(wire.ChannelError, "expected 'channel.open'").Of(m)
	}
	if _, ok := m.(*wire.ChannelClose); ok {
		ch.flushConfirms()
		ch.leave()
		ch.end()
		c.dropChannel(f.Channel)
		c.send(f.Channel, &wire.ChannelCloseOk{})
		return nil
	}
	err := ch.frame(f, m)
	if e, ok := errors.AsType[*wire.Error](err); ok && e.Soft() {
		ch.fail(e)
		return nil
	}
	return err
}

func (c *conn) dropChannel(id uint16) {
	delete(c.channels, id)
	c.counters.channels.Add(-1)
}

// closeTimeout is how long a client may take to answer connection.close.
const closeTimeout = 3 * time.Second

// fail sends connection.close, once. Safe for concurrent use.
func (c *conn) fail(e *wire.Error) {
	c.closing.Lock()
	defer c.closing.Unlock()
	if c.closing.by.IsZero() {
		c.closing.by = time.Now().Add(closeTimeout)
		c.nc.SetReadDeadline(c.closing.by)
		c.send(0, &wire.ConnectionClose{ReplyCode: e.Code, ReplyText: e.Text, ClassID: e.Class, MethodID: e.Method})
		c.hurry() // to close-ok
	}
}

// isClosing reports whether fail was called.
func (c *conn) isClosing() bool {
	c.closing.Lock()
	defer c.closing.Unlock()
	return !c.closing.by.IsZero()
}

// awaitCloseOk reads until the client has seen connection.close, for a
// bounded time, so that it does not lose it to a reset.
func (c *conn) awaitCloseOk() {
	for {
		f, err := c.in.Next()
		if _, ok := errors.AsType[*wire.Error](err); ok {
			io.Copy(io.Discard, c.nc) // where the next frame begins isn't known
			return
		} else if err != nil || closeOk(f) {
			return
		}
	}
}

func closeOk(f wire.Frame) bool {
	if f.Channel != 0 || f.Type != wire.FrameMethod {
		return false
	}
	m, err := wire.DecodeMethod(f.Payload)
	if err != nil {
		return false
	}
	_, ok := m.(*wire.ConnectionCloseOk)
	return ok
}
