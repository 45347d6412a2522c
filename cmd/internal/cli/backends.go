package cli

import (
	"github.com/gobindery/bindery/adapters/memory"
	"github.com/gobindery/bindery/adapters/nats"
	"github.com/gobindery/bindery/adapters/nats/embedded"
	"github.com/gobindery/bindery/adapters/rabbitmq"
	"github.com/gobindery/bindery/pubsub"
)

// Backends returns all backends by URL scheme. The in-memory server behind
// "memory:" is the returned value's own: all that open it meet there.
func Backends() pubsub.Mux {
	amqps, tls := rabbitmq.Scheme(), nats.Scheme()
	amqps.Example = "amqps://user:password@host:5671/vhost"
	tls.Example = "tls://user:password@host:4222/vhost"
	return pubsub.Mux{
		"memory":        memory.NewServer().Scheme(),
		"amqp":          rabbitmq.Scheme(),
		"amqps":         amqps,
		"nats":          nats.Scheme(),
		"tls":           tls,
		"nats+embedded": embedded.Scheme(),
	}
}
