package interop

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"sync/atomic"
	"testing"

	"github.com/gobindery/bindery/adapters/amqpserver"
	"github.com/gobindery/bindery/adapters/nats"
	"github.com/gobindery/bindery/adapters/nats/natstest"
	"github.com/gobindery/bindery/adapters/rabbitmq"
	"github.com/gobindery/bindery/internal/support"
	"github.com/gobindery/bindery/pubsub"
	"github.com/gobindery/bindery/pubsub/pubsubtest"
)

// The adapter for RabbitMQ passes the contract against the AMQP server over NATS. What it
// lists is listed from NATS.
func TestContractOverNATS(t *testing.T) {
	s := natstest.RunServer(t, natstest.Config("max_payload: 8MB"))
	var worlds atomic.Int64
	pubsubtest.Run(t, func(tb testing.TB) func(context.Context) (pubsub.Adapter, error) {
		vhost := fmt.Sprintf("%s/world%d", s.URL(), worlds.Add(1))
		server := &amqpserver.Server{Connect: func(ctx context.Context, _ amqpserver.Login) (pubsub.Adapter, error) {
			return nats.Open(ctx, vhost, nil)
		}}
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			tb.Fatal(err)
		}
		served := make(chan error, 1)
		go func() { served <- server.Serve(l) }()
		tb.Cleanup(func() {
			server.Close()
			if err := <-served; err != amqpserver.ErrServerClosed {
				tb.Error(err)
			}
		})
		u := url.URL{Scheme: "amqp", User: url.UserPassword("guest", "guest"), Host: l.Addr().String(), Path: "//", RawPath: "/%2F"}
		return func(ctx context.Context) (pubsub.Adapter, error) {
			a, err := rabbitmq.Open(ctx, u.String(), nil)
			if err != nil {
				return nil, err
			}
			return &listedOnNATS{a, vhost}, nil
		}
	}, &pubsubtest.Options{Report: support.Check(t, "../../../docs/support.md", support.ServerOnNATS)})
}

type listedOnNATS struct {
	pubsub.Adapter
	url string
}

func (l *listedOnNATS) Topology(ctx context.Context) (pubsub.Topology, error) {
	c, err := nats.Open(ctx, l.url, nil)
	if err != nil {
		return pubsub.Topology{}, err
	}
	defer c.Close()
	return c.Topology(ctx)
}
