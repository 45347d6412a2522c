package rabbitmq

import (
	rabbithole "github.com/michaelklishin/rabbit-hole/v3"

	"github.com/gobindery/bindery/pubsub"
	"github.com/gobindery/bindery/pubsub/classic"
)

// The management API's words in the model's.

func listedExchange(e *rabbithole.ExchangeInfo) pubsub.Exchange {
	args := fromJSON(e.Arguments)
	return pubsub.Exchange{
		Name:       e.Name,
		Kind:       pubsub.Kind(e.Type),
		Durable:    e.Durable,
		AutoDelete: bool(e.AutoDelete),
		Internal:   e.Internal,
		Alternate:  take[string](args, "alternate-exchange"),
		Arguments:  args,
	}
}

func listedQueue(q *rabbithole.QueueInfo) pubsub.QueueStatus {
	declared := pubsub.Queue{Name: q.Name, Durable: q.Durable, Exclusive: q.Exclusive, AutoDelete: bool(q.AutoDelete)}
	return pubsub.QueueStatus{
		Queue:     classic.WithArguments(declared, fromJSON(q.Arguments)),
		Ready:     q.MessagesReady,
		Unacked:   q.MessagesUnacknowledged,
		Consumers: q.Consumers,
	}
}

func (c *Conn) listedBinding(b *rabbithole.BindingInfo) pubsub.Binding {
	listed := pubsub.Binding{Exchange: b.Source, Key: b.RoutingKey, Arguments: fromJSON(b.Arguments)}
	if b.DestinationType == "exchange" {
		listed.ToExchange = b.Destination
	} else {
		listed.Queue = c.names.first(b.Destination)
	}
	return listed
}

// take removes an argument and returns it, or the zero value if it isn't there
// or is of another type.
func take[T any](args pubsub.Table, name string) T {
	v, ok := args[name].(T)
	if ok {
		delete(args, name)
	}
	return v
}

// fromJSON returns arguments as they come in AMQP, as far as JSON tells. A
// number that is out of all bounds is left out; no client can have sent it.
func fromJSON(m map[string]any) pubsub.Table {
	if len(m) == 0 {
		return nil
	}
	t := make(pubsub.Table, len(m))
	for name, v := range m {
		if v, err := classic.FromJSON(v); err == nil {
			t[name] = v
		}
	}
	return t
}
