package rabbitmq

import (
	"context"

	"github.com/gobindery/bindery/pubsub"
	"net/url"
)

func managementURL(a *address, given string) (*url.URL, error) { return nil, nil }

// Topology implements pubsub.Lister.
func (c *Conn) Topology(ctx context.Context) (pubsub.Topology, error) {
	return pubsub.Topology{}, pubsub.ErrUnsupported
}
