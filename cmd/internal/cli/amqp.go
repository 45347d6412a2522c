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

// AMQP is a server of RabbitMQ's protocol over any broker. What limits it is
// set before Serve.
type AMQP struct {
	*amqpserver.Server

	open   func(context.Context) (pubsub.Adapter, error)
	memory *memory.Server // where the broker is one in memory; else nil
}

// AMQPServer returns a server over the broker that the URL names; "memory:" is
// one of its own. It has the vhost "/" and one user.
func AMQPServer(env Env, url, user, password string, log *slog.Logger) *AMQP {
	s := &AMQP{Server: &amqpserver.Server{
		Logger: log,
		Authenticate: func(u, p string) bool {
			return u == user && subtle.ConstantTimeCompare([]byte(p), []byte(password)) == 1
		},
	}}
	if url == DefaultBroker {
		s.memory = memory.NewServer()
	}
	s.open = func(ctx context.Context) (pubsub.Adapter, error) {
		if s.memory != nil {
			return s.memory.Connect(&memory.ConnectOptions{User: user}), nil
		}
		b, err := env.Backends.Open(ctx, url, &pubsub.Options{Logger: log})
		if err != nil {
			return nil, err
		}
		return b.Adapter(), nil
	}
	s.Connect = func(ctx context.Context, l amqpserver.Login) (pubsub.Adapter, error) {
		if l.VHost != "/" {
			return nil, fmt.Errorf("%w: vhost %s", pubsub.ErrNotFound, l.VHost)
		}
		return s.open(ctx)
	}
	return s
}

// OpenBroker opens a connection of the caller's own to the broker.
func (s *AMQP) OpenBroker(ctx context.Context) (pubsub.Adapter, error) { return s.open(ctx) }

// CheckBroker returns why the broker can't be reached, or nil.
func (s *AMQP) CheckBroker(ctx context.Context) error {
	a, err := s.open(ctx)
	if err != nil {
		return err
	}
	return a.Close()
}

// grace is how long clients have to say goodbye.
const grace = 5 * time.Second

// Run serves until ctx ends, and then tells the clients that it does.
func (s *AMQP) Run(ctx context.Context, l net.Listener) error {
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	select {
	case err := <-served: // the listener failed
		return errors.Join(err, s.Close())
	case <-ctx.Done():
	}
	bounded, stop := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer stop()
	_ = s.Shutdown(bounded) // at its end it closes those that are left
	if err := <-served; !errors.Is(err, amqpserver.ErrServerClosed) {
		return err
	}
	return nil
}
