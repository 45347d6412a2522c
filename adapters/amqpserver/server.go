package amqpserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gobindery/bindery/adapters/amqpserver/internal/wire"
	"github.com/gobindery/bindery/pubsub"
)

// Server serves AMQP 0-9-1. As with net/http's, the fields are set before
// Serve and not changed afterwards. Methods are safe for concurrent use.
type Server struct {
	// Connect opens what stands behind one client connection. The Server
	// closes it when the client goes. An error that wraps
	// [pubsub.ErrNotFound] says that there is no such vhost.
	Connect func(ctx context.Context, l Login) (pubsub.Adapter, error)

	// Authenticate reports whether a password is right. Nil lets in guest with
	// the password guest, and nobody else.
	Authenticate func(user, password string) bool

	// Logger is told of connections that end by an error. Nil is silent.
	Logger *slog.Logger

	// FrameMax is the largest frame in bytes, 4,096 or more. Zero is 131,072.
	FrameMax uint32

	// ChannelMax is how many channels a connection may have. Zero is 2,047.
	ChannelMax uint16

	// Heartbeat is what is proposed to clients, in whole seconds. Zero is 60
	// s; a negative one proposes none.
	Heartbeat time.Duration

	// HandshakeTimeout is how long a client may take until its connection is
	// open. Zero is 10 s.
	HandshakeTimeout time.Duration

	// WriteTimeout is how long a client may take for 64 KiB of what is sent
	// to it. Zero is 30 s.
	WriteTimeout time.Duration

	// Properties is added to what clients are told of the server, or replaces
	// it: "product" is Bindery. Some programs ask for the product RabbitMQ.
	Properties pubsub.Table

	// MaxConnections is how many clients may be connected; more are closed at
	// once. Zero is 65,536.
	MaxConnections int

	// MemoryLimit is how many bytes of memory may be in use until clients that
	// publish must wait; consumers go on. Clients that want to know are told by
	// connection.blocked. A message that has begun goes on up to twice the limit;
	// one that is larger than the limit is refused. Zero is no limit.
	MemoryLimit int64

	// MemoryUsed tells how many bytes are in use. It is called four times a
	// second, and more often while much comes from clients. Nil is the
	// process's live heap.
	MemoryUsed func() int64

	// LoginDelay is how long a wrong password waits for the end of its
	// connection, and more than eight of one address at once are refused
	// unseen. It slows down guessing where others can reach the Server; 3 s is
	// RabbitMQ's. Zero is none.
	LoginDelay time.Duration

	mu        sync.Mutex
	closed    bool
	closing   chan struct{} // made by the first Serve, closed with the Server
	listeners map[net.Listener]struct{}
	conns     map[*conn]struct{}
	past      Stats          // what connections that are gone have counted
	running   sync.WaitGroup // connections, and what watches the memory

	look         chan struct{} // made by the first Serve
	low, veryLow memoryLevel   // MemoryLimit, where messages that begin wait, and twice that, where all do
	blocked      atomic.Int64  // connections that wait for memory
	failedLogins atomic.Uint64

	logins  logins
	replies replies
}

// Login says who connects.
type Login struct {
	User   string
	VHost  string
	Remote net.Addr
}

// ErrServerClosed is what Serve returns after Shutdown or Close.
var ErrServerClosed = errors.New("amqpserver: server closed")

// Serve accepts connections until Shutdown or Close, and then returns
// [ErrServerClosed]; any other error is the listener's. Where the system has no
// place for one more connection, it tries again. It closes the listener. For TLS, give it a listener of crypto/tls.
func (s *Server) Serve(l net.Listener) error {
	defer l.Close()
	if !s.track(l) {
		return ErrServerClosed
	}
	defer s.untrack(l)
	for {
		nc, err := s.accept(l)
		if err != nil {
			s.mu.Lock()
			defer s.mu.Unlock()
			if s.closed {
				return ErrServerClosed
			}
			return fmt.Errorf("amqpserver: accept on %v: %w", l.Addr(), err)
		}
		s.start(nc)
	}
}

func (s *Server) track(l net.Listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	if s.listeners == nil {
		s.listeners = make(map[net.Listener]struct{})
		s.conns = make(map[*conn]struct{})
		s.closing, s.look = make(chan struct{}), make(chan struct{}, 1)
		if s.MemoryLimit > 0 {
			s.running.Go(s.watchMemory)
		}
	}
	s.listeners[l] = struct{}{}
	return true
}

func (s *Server) untrack(l net.Listener) {
	s.mu.Lock()
	delete(s.listeners, l)
	s.mu.Unlock()
}

// start serves one client, unless there are too many.
func (s *Server) start(nc net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		nc.Close()
		return
	}
	if len(s.conns) >= orDefault(s.MaxConnections, 1<<16) {
		s.past.TurnedAway++
		nc.Close()
		return
	}
	c := newConn(s, nc)
	s.conns[c] = struct{}{}
	s.past.Accepted++
	s.running.Go(func() {
		c.serve()
		s.mu.Lock()
		delete(s.conns, c)
		c.counters.addTo(&s.past)
		s.mu.Unlock()
	})
}

// Shutdown tells all clients that the server goes (320 CONNECTION_FORCED),
// and returns when they are gone. When ctx ends first it closes the rest and
// returns the context's error.
func (s *Server) Shutdown(ctx context.Context) error {
	for _, c := range s.end() {
		c.fail(wire.Errorf(wire.ConnectionForced, "broker forced connection closure with reason 'shutdown'"))
	}
	gone := make(chan struct{})
	go func() { // ends with the connections, which Close ends
		s.running.Wait()
		close(gone)
	}()
	select {
	case <-gone:
		return nil
	case <-ctx.Done():
		s.Close()
		return context.Cause(ctx)
	}
}

// Close ends all connections, and returns when they are gone.
func (s *Server) Close() error {
	for _, c := range s.end() {
		c.nc.Close()
		c.hurry()
	}
	s.running.Wait()
	return nil
}

// end closes the listeners, and returns the connections that there are.
func (s *Server) end() []*conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed && s.closing != nil {
		close(s.closing)
	}
	s.closed = true
	for l := range s.listeners {
		l.Close()
	}
	conns := make([]*conn, 0, len(s.conns))
	for c := range s.conns {
		conns = append(conns, c)
	}
	return conns
}

func orDefault[T int | uint16 | uint32 | time.Duration](v, d T) T {
	if v == 0 {
		return d
	}
	return v
}
