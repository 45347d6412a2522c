// Package amqptest is a broker inside a test: it speaks RabbitMQ's protocol,
// keeps all in memory, starts in less than a millisecond and stops with the
// test. Any AMQP 0-9-1 client can connect to it.
//
//	func TestWorker(t *testing.T) {
//		server := amqptest.NewServer(t)
//		conn, err := amqp.Dial(server.URL())
//		...
//	}
package amqptest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"testing"

	"github.com/gobindery/bindery/adapters/amqpserver"
	"github.com/gobindery/bindery/adapters/memory"
	"github.com/gobindery/bindery/pubsub"
)

// Server is a broker for one test. Safe for concurrent use.
type Server struct {
	broker  *memory.Server
	address string
}

// NewServer starts a broker on a free port of the loopback interface. It has
// the vhost "/" and the user guest with the password guest. When the test
// ends it is stopped, its connections are closed, and their goroutines are
// gone.
func NewServer(tb testing.TB) *Server {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatalf("amqptest: %v", err)
	}
	s := &Server{broker: memory.NewServer(), address: l.Addr().String()}
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
