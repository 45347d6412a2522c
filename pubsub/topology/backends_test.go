package topology_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/gobindery/bindery/adapters/memory"
	"github.com/gobindery/bindery/adapters/nats"
	"github.com/gobindery/bindery/adapters/nats/natstest"
	"github.com/gobindery/bindery/adapters/rabbitmq"
	"github.com/gobindery/bindery/adapters/rabbitmq/rabbitmqtest"
	"github.com/gobindery/bindery/pubsub"
)

// backend is a broker with an empty vhost.
type backend struct {
	name string
	*pubsub.Broker
}

// backends returns one of each kind, closed when the test ends.
func backends(t *testing.T) []backend {
	t.Helper()
	return []backend{onMemory(t), onRabbitMQ(t), onNATS(t)}
}

func onMemory(tb testing.TB) backend {
	return opened(tb, "memory", memory.NewServer().Connect(nil), nil)
}

func onRabbitMQ(t *testing.T) backend {
	t.Helper()
	s := rabbitmqtest.Shared(t)
	a, err := rabbitmq.Open(t.Context(), s.VHost(t), &rabbitmq.Options{Management: s.ManagementURL()})
	return opened(t, "RabbitMQ", a, err)
}

var vhosts atomic.Int64

func onNATS(t *testing.T) backend {
	t.Helper()
	a, err := nats.Open(t.Context(), fmt.Sprintf("%s/v%d", natstest.RunServer(t).URL(), vhosts.Add(1)), nil)
	return opened(t, "NATS", a, err)
}

func opened(tb testing.TB, name string, a pubsub.Adapter, err error) backend {
	tb.Helper()
	must(tb, err)
	b := pubsub.New(a, nil)
	tb.Cleanup(func() {
		if err := b.Close(); err != nil {
			tb.Errorf("%s: %v", name, err)
		}
	})
	return backend{name, b}
}

func (b backend) list(tb testing.TB) pubsub.Topology {
	tb.Helper()
	t, err := b.Topology(context.Background())
	must(tb, err)
	return t
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}
