package amqpserver_test

import (
	"context"
	"net"
	"sync"
	"testing"

	"github.com/gobindery/bindery/adapters/amqpserver"
	"github.com/gobindery/bindery/adapters/memory"
	"github.com/gobindery/bindery/pubsub"
)

// pipes listens for connections in memory. With them a test can run under
// testing/synctest: it knows when the server has done all that it can, and an
// hour passes at once.
type pipes struct {
	broker *memory.Server // behind the server

	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func (l *pipes) Accept() (net.Conn, error) {
	select {
	case nc := <-l.conns:
		return nc, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *pipes) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

func (l *pipes) Addr() net.Addr { return pipeAddr{} }

type pipeAddr struct{}

func (pipeAddr) Network() string { return "pipe" }
func (pipeAddr) String() string  { return "pipe" }

// dial returns a client's end. Nothing is kept between the ends: a client that
// doesn't read holds up what is written to it.
func (l *pipes) dial(t *testing.T) *rawClient {
	client, server := net.Pipe()
	l.conns <- server
	return rawOver(t, client)
}

// servePipes starts a server over a memory server of its own, until the test
// or the bubble ends.
func servePipes(t *testing.T, s *amqpserver.Server) *pipes {
	broker := memory.NewServer()
	s.Connect = func(context.Context, amqpserver.Login) (pubsub.Adapter, error) { return broker.Connect(nil), nil }
	l := &pipes{broker: broker, conns: make(chan net.Conn), done: make(chan struct{})}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	t.Cleanup(func() {
		s.Close()
		if err := <-served; err != amqpserver.ErrServerClosed {
			t.Error(err)
		}
	})
	return l
}
