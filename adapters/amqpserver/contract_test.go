package amqpserver_test

import (
	"context"
	"fmt"
	"net/url"
	"testing"

	"github.com/gobindery/bindery/adapters/amqpserver"
	"github.com/gobindery/bindery/adapters/memory"
	"github.com/gobindery/bindery/adapters/rabbitmq"
	"github.com/gobindery/bindery/internal/support"
	"github.com/gobindery/bindery/pubsub"
	"github.com/gobindery/bindery/pubsub/pubsubtest"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve starts a server over a memory server of its own, and returns its
// address.
func serve(tb testing.TB, broker *memory.Server) string {
	tb.Helper()
	return serveAs(tb, &amqpserver.Server{Connect: func(_ context.Context, l amqpserver.Login) (pubsub.Adapter, error) {
		if l.VHost != "/" {
			return nil, fmt.Errorf("%w: vhost %s", pubsub.ErrNotFound, l.VHost)
		}
		return broker.Connect(&memory.ConnectOptions{VHost: l.VHost, User: l.User}), nil
	}})
}

// The adapter for RabbitMQ passes the contract against this server over
// memory.
func TestContract(t *testing.T) {
	pubsubtest.Run(t, func(tb testing.TB) func(context.Context) (pubsub.Adapter, error) {
		u := url.URL{Scheme: "amqp", User: url.UserPassword("guest", "guest"), Host: serve(tb, memory.NewServer()), Path: "//"}
		u.RawPath = "/%2F"
		return func(ctx context.Context) (pubsub.Adapter, error) {
			return rabbitmq.Open(ctx, u.String(), nil)
		}
	}, &pubsubtest.Options{Report: support.Check(t, "../../docs/support.md", support.Server)})
}
