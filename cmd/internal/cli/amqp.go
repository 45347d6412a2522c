package cli

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/gobindery/bindery/adapters/amqpserver"
	"github.com/gobindery/bindery/adapters/memory"
	"github.com/gobindery/bindery/pubsub"
)

// AMQPServer returns a server of RabbitMQ's protocol over the broker that the
// URL names; "memory:" is one of its own. It has the vhost "/" and one user.
func AMQPServer(env Env, url, user, password string, log *slog.Logger) *amqpserver.Server {
	s := &amqpserver.Server{
		Logger: log,
		Authenticate: func(u, p string) bool {
			return u == user && subtle.ConstantTimeCompare([]byte(p), []byte(password)) == 1
		},
	}
	own := memory.NewServer()
	s.Connect = func(ctx context.Context, l amqpserver.Login) (pubsub.Adapter, error) {
		if l.VHost != "/" {
			return nil, fmt.Errorf("%w: vhost %s", pubsub.ErrNotFound, l.VHost)
		}
		if url == DefaultBroker {
			return own.Connect(&memory.ConnectOptions{User: l.User}), nil
		}
		b, err := env.Backends.Open(ctx, url, &pubsub.Options{Logger: log})
		if err != nil {
			return nil, err
		}
		return b.Adapter(), nil
	}
	return s
}

// grace is how long clients have to say goodbye.
const grace = 5 * time.Second

// ServeAMQP serves until ctx ends, and then tells the clients that it does.
func ServeAMQP(ctx context.Context, l net.Listener, server *amqpserver.Server) error {
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	select {
	case err := <-served: // the listener failed
		return errors.Join(err, server.Close())
	case <-ctx.Done():
	}
	bounded, stop := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer stop()
	_ = server.Shutdown(bounded) // at its end it closes those that are left
	if err := <-served; !errors.Is(err, amqpserver.ErrServerClosed) {
		return err
	}
	return nil
}
