package amqpserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
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

	// WriteTimeout is how long a client may take nothing of what is sent to
	// it. Zero is 30 s.
	WriteTimeout time.Duration

	// Properties is added to what clients are told of the server, or replaces
	// it: "product" is Bindery. Some programs ask for the product RabbitMQ.
	Properties pubsub.Table

	// MaxConnections is how many clients may be connected; more are closed at
	// once. Zero is 65,536.
	MaxConnections int

	mu        sync.Mutex
	closed    bool
	listeners map[net.Listener]struct{}
	conns     map[*conn]struct{}
	running   sync.WaitGroup // connections

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
// [ErrServerClosed]; any other error is the listener's. It closes the
// listener. For TLS, give it a listener of crypto/tls.
func (s *Server) Serve(l net.Listener) error {
	defer l.Close()
	if !s.track(l) {
		return ErrServerClosed
	}
	defer s.untrack(l)
	for {
		nc, err := l.Accept()
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
	if s.closed || len(s.conns) >= orDefault(s.MaxConnections, 1<<16) {
		nc.Close()
		return
	}
	c := newConn(s, nc)
	if s.conns == nil {
		s.conns = make(map[*conn]struct{})
	}
	s.conns[c] = struct{}{}
	s.running.Go(func() {
		c.serve()
		s.mu.Lock()
		delete(s.conns, c)
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
	}
	s.running.Wait()
	return nil
}

// end closes the listeners, and returns the connections that there are.
func (s *Server) end() []*conn {
	s.mu.Lock()
	defer s.mu.Unlock()
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
