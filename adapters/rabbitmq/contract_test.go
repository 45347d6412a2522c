package rabbitmq_test

import (
	"context"
	"testing"

	"github.com/gobindery/bindery/adapters/rabbitmq"
	"github.com/gobindery/bindery/adapters/rabbitmq/rabbitmqtest"
	"github.com/gobindery/bindery/pubsub"
	"github.com/gobindery/bindery/pubsub/pubsubtest"
)

// Each case has a virtual host of its own on a real RabbitMQ.
func TestContract(t *testing.T) {
	server := rabbitmqtest.Shared(t)
	pubsubtest.Run(t, func(tb testing.TB) func(context.Context) (pubsub.Adapter, error) {
		url := server.VHost(tb)
		return func(ctx context.Context) (pubsub.Adapter, error) {
			return rabbitmq.Open(ctx, url, &rabbitmq.Options{Management: server.ManagementURL()})
		}
	}, nil)
}
