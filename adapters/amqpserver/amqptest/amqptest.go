// Package amqptest is a broker inside a test: it speaks RabbitMQ's protocol,
// keeps all in memory, starts in less than a millisecond and stops with the
// test. Any AMQP 0-9-1 client can connect to it.
//
//	func TestWorker(t *testing.T) {
//		server := amqptest.NewServer(t)
//		conn, err := amqp.Dial(server.URL())
//		...
//	}
//
// Times run by the machine's clock; those of [NewServerAt] by one that the test
// moves. [Server.Topology] lists what clients declared, to assert on.
package amqptest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/gobindery/bindery/adapters/amqpserver"
	"github.com/gobindery/bindery/adapters/memory"
	"github.com/gobindery/bindery/pubsub"
)

// Server is a broker for one test. Safe for concurrent use.
type Server struct {
	broker  *memory.Server
	clock   *memory.ManualClock // nil: the machine's
	address string
}

// NewServer starts a broker on a free port of the loopback interface. It has
// the vhost "/" and the user guest with the password guest. When the test
// ends it is stopped, its connections are closed, and their goroutines are
// gone.
func NewServer(tb testing.TB) *Server {
	tb.Helper()
	return start(tb, &Server{broker: memory.NewServer()})
}

// NewServerAt is NewServer with a clock that shows now, and stands still but for
// [Server.Advance]: messages and queues expire only there.
func NewServerAt(tb testing.TB, now time.Time) *Server {
	tb.Helper()
	clock := memory.NewManualClock(now)
	return start(tb, &Server{broker: memory.NewServerAt(clock), clock: clock})
}

func start(tb testing.TB, s *Server) *Server {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatalf("amqptest: listen on a port of the loopback interface: %v", err)
	}
	s.address = l.Addr().String()
	server := &amqpserver.Server{Connect: s.connect}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	tb.Cleanup(func() {
		server.Close()
		if err := <-served; !errors.Is(err, amqpserver.ErrServerClosed) {
			tb.Errorf("amqptest: %v", err)
		}
	})
	return s
}

func (s *Server) connect(_ context.Context, l amqpserver.Login) (pubsub.Adapter, error) {
	if l.VHost != "/" {
		return nil, fmt.Errorf("%w: vhost %s", pubsub.ErrNotFound, l.VHost)
	}
	return s.broker.Connect(&memory.ConnectOptions{User: l.User}), nil
}

// URL is what a client connects to.
func (s *Server) URL() string { return "amqp://guest:guest@" + s.address + "/" }

// Advance moves the clock of a server made by [NewServerAt], and does what becomes
// due on the way, in order and each thing at its time: when it returns, what
// expires in that time has expired, and dead letters are in their queues, or on
// their way to a consumer. On a server made by [NewServer] it panics.
func (s *Server) Advance(d time.Duration) {
	if s.clock == nil {
		panic("amqptest: Advance moves only the clock of a server made by NewServerAt; this one has the machine's")
	}
	s.clock.Advance(d)
}

// Broker returns a connection to the same broker that does not go over the
// network. It is closed with the test.
func (s *Server) Broker(tb testing.TB) *pubsub.Broker {
	b := pubsub.New(s.broker.Connect(nil), nil)
	tb.Cleanup(func() { b.Close() })
	return b
}

// Topology lists the exchanges, queues and bindings that there are, to assert
// on.
func (s *Server) Topology(tb testing.TB) pubsub.Topology {
	tb.Helper()
	c := s.broker.Connect(nil)
	defer c.Close()
	t, err := c.Topology(context.Background())
	if err != nil {
		tb.Fatalf("amqptest: list the topology: %v", err)
	}
	return t
}
