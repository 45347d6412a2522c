package local

import "github.com/gobindery/bindery/pubsub"

var _ pubsub.Endpointer = (*connection)(nil)

// Endpoint tells that the broker is one in memory, behind a socket.
func (c *connection) Endpoint() pubsub.Endpoint {
	return pubsub.Endpoint{System: "memory", Address: socketPath(c.client.Folder)}
}
