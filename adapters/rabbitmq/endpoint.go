package rabbitmq

import (
	"strconv"

	"github.com/gobindery/bindery/pubsub"
)

var _ pubsub.Endpointer = (*Conn)(nil)

// Endpoint tells the host and port that c was opened with.
func (c *Conn) Endpoint() pubsub.Endpoint {
	port, _ := strconv.Atoi(c.addr.port) // parseURL has checked it
	return pubsub.Endpoint{System: "rabbitmq", Address: c.addr.host, Port: port}
}
