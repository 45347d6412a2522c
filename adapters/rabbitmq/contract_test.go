package rabbitmq_test

import (
	"context"
	"net/url"
	"testing"

	"github.com/gobindery/bindery/adapters/rabbitmq"
	"github.com/gobindery/bindery/adapters/rabbitmq/rabbitmqtest"
	"github.com/gobindery/bindery/internal/support"
	"github.com/gobindery/bindery/pubsub"
	"github.com/gobindery/bindery/pubsub/pubsubtest"
)

// Each case has a virtual host of its own on a real RabbitMQ.
func TestContract(t *testing.T) {
	server := rabbitmqtest.Shared(t)
	pubsubtest.Run(t, func(tb testing.TB) func(context.Context) (pubsub.Adapter, error) {
		url := asOwner(tb, server, server.VHost(tb))
		return func(ctx context.Context) (pubsub.Adapter, error) {
			return rabbitmq.Open(ctx, url, &rabbitmq.Options{Management: server.ManagementURL()})
		}
	}, &pubsubtest.Options{User: owner(t, server).Username(), Report: support.Check(t, "../../docs/support.md", support.RabbitMQ)})
}

// owner is the user of the server's own URL, whom RabbitMQ gives all
// permissions in each virtual host that he makes.
func owner(tb testing.TB, server *rabbitmqtest.Server) *url.Userinfo {
	u, err := url.Parse(server.URL())
	if err != nil {
		tb.Fatal(err)
	}
	return u.User
}

// asOwner returns the URL with that user: the contract is run with one user.
func asOwner(tb testing.TB, server *rabbitmqtest.Server, vhost string) string {
	u, err := url.Parse(vhost)
	if err != nil {
		tb.Fatal(err)
	}
	u.User = owner(tb, server)
	return u.String()
}
