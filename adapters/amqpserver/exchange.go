package amqpserver

import (
	"strings"

	"github.com/gobindery/bindery/adapters/amqpserver/internal/wire"
	"github.com/gobindery/bindery/pubsub"
)

var errDefaultExchange = wire.Errorf(wire.AccessRefused, "operation not permitted on the default exchange")

func (ch *channel) declareExchange(m *wire.ExchangeDeclare) error {
	ctx, a := ch.c.ctx, ch.c.adapter
	name := stripLines(m.Exchange)
	if m.Passive {
		if name == "" {
			return errDefaultExchange
		}
		return a.CheckExchange(ctx, name)
	}
	switch pubsub.Kind(m.Type) {
	case pubsub.Direct, pubsub.Fanout, pubsub.Topic, pubsub.Headers:
	case "":
		return wire.Errorf(wire.CommandInvalid, "invalid exchange type ''")
	default:
		return wire.Errorf(wire.CommandInvalid, "unknown exchange type '%s'", m.Type)
	}
	if name == "" {
		return errDefaultExchange
	}
	e := pubsub.Exchange{Name: name, Kind: pubsub.Kind(m.Type), Durable: m.Durable, AutoDelete: m.AutoDelete, Internal: m.Internal, Arguments: m.Arguments}
	if v, ok := e.Arguments["alternate-exchange"]; ok {
		alternate, ok := v.(string)
		if !ok {
			return wire.Errorf(wire.PreconditionFailed, "invalid type '%s' for arg 'alternate-exchange' in exchange '%s' in vhost '%s'", typeName(v), name, ch.c.vhost)
		}
		e.Alternate = alternate
		delete(e.Arguments, "alternate-exchange")
	}
	return a.DeclareExchange(ctx, e)
}

func (ch *channel) deleteExchange(m *wire.ExchangeDelete) error {
	switch {
	case m.Exchange == "":
		return errDefaultExchange
	case strings.HasPrefix(m.Exchange, "amq."):
		return wire.Errorf(wire.AccessRefused, "deletion of system exchange '%s' in vhost '%s' not allowed", m.Exchange, ch.c.vhost)
	}
	return ch.c.adapter.DeleteExchange(ch.c.ctx, m.Exchange, pubsub.DeleteExchangeOptions{IfUnused: m.IfUnused})
}

func (ch *channel) bindExchange(m *wire.ExchangeBind) error {
	if m.Source == "" || m.Destination == "" {
		return errDefaultExchange
	}
	return ch.c.adapter.Bind(ch.c.ctx, pubsub.Binding{Exchange: m.Source, ToExchange: m.Destination, Key: m.RoutingKey, Arguments: m.Arguments})
}

func (ch *channel) unbindExchange(m *wire.ExchangeUnbind) error {
	if m.Source == "" || m.Destination == "" {
		return errDefaultExchange
	}
	return ch.c.adapter.Unbind(ch.c.ctx, pubsub.Binding{Exchange: m.Source, ToExchange: m.Destination, Key: m.RoutingKey, Arguments: m.Arguments})
}

// stripLines takes line breaks out of a name that is declared, as RabbitMQ
// does.
func stripLines(name string) string {
	return strings.NewReplacer("\r", "", "\n", "").Replace(name)
}
