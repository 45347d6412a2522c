package embedded

import "github.com/gobindery/bindery/pubsub"

var _ pubsub.Endpointer = (*Conn)(nil)

// Endpoint says that the system is "nats". The server has no address for long.
func (c *Conn) Endpoint() pubsub.Endpoint { return pubsub.Endpoint{System: "nats"} }
