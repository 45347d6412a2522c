package memory

import "github.com/gobindery/bindery/pubsub"

var _ pubsub.Endpointer = (*Conn)(nil)

// Endpoint says that the system is "memory".
func (c *Conn) Endpoint() pubsub.Endpoint { return pubsub.Endpoint{System: "memory"} }
