package cli

import (
	"github.com/gobindery/bindery/adapters/memory"
	"github.com/gobindery/bindery/adapters/rabbitmq"
	"github.com/gobindery/bindery/pubsub"
)

// Backends returns all backends by URL scheme. The in-memory server behind
// "memory:" is the returned value's own: all that open it meet there.
func Backends() pubsub.Mux {
	tls := rabbitmq.Scheme()
	tls.Example = "amqps://user:password@host:5671/vhost"
	return pubsub.Mux{
		"memory": memory.NewServer().Scheme(),
		"amqp":   rabbitmq.Scheme(),
		"amqps":  tls,
	}
}
