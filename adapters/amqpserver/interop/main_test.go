// Package interop tests the server with clients that others wrote. What they
// meet there is compared with a real RabbitMQ: the same assertions on both.
package interop

import (
	"context"
	"net"
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/gobindery/bindery/adapters/amqpserver"
	"github.com/gobindery/bindery/adapters/memory"
	"github.com/gobindery/bindery/adapters/nats/natstest"
	"github.com/gobindery/bindery/adapters/rabbitmq/rabbitmqtest"
	"github.com/gobindery/bindery/pubsub"
)

func TestMain(m *testing.M) {
	if os.Getenv(serveVariable) != "" {
		serveAlone()
	}
	goleak.VerifyTestMain(rabbitmqtest.Main(m), natstest.LeakOptions()...)
}

// server returns a server that clients which ask take for RabbitMQ: some leave
// out half a test otherwise.
func server() *amqpserver.Server {
	broker := memory.NewServer()
	return &amqpserver.Server{
		Properties: pubsub.Table{"product": "RabbitMQ", "version": "3.10.8"},
		Connect: func(_ context.Context, l amqpserver.Login) (pubsub.Adapter, error) {
			return broker.Connect(&memory.ConnectOptions{VHost: l.VHost, User: l.User}), nil
		},
	}
}

// bindery serves until the test ends, and returns the server's URL.
func bindery(tb testing.TB) string { return serve(tb, server()) }

func serve(tb testing.TB, s *amqpserver.Server) string {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	tb.Cleanup(func() {
		s.Close()
		if err := <-served; err != amqpserver.ErrServerClosed {
			tb.Error(err)
		}
	})
	return "amqp://guest:guest@" + l.Addr().String() + "/"
}

// both runs a test on RabbitMQ, which shows that the test is right, and on the
// server.
func both(t *testing.T, test func(t *testing.T, url string)) {
	t.Run("RabbitMQ", func(t *testing.T) {
		t.Parallel()
		test(t, rabbitmqtest.Shared(t).VHost(t))
	})
	t.Run("Bindery", func(t *testing.T) {
		t.Parallel()
		test(t, bindery(t))
	})
}
