package rabbitmq

import (
	"math"
	"time"

	rabbithole "github.com/michaelklishin/rabbit-hole/v3"

	"github.com/gobindery/bindery/pubsub"
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
	args := fromJSON(q.Arguments)
	s := pubsub.QueueStatus{
		Queue: pubsub.Queue{
			Name:                 q.Name,
			Durable:              q.Durable,
			Exclusive:            q.Exclusive,
			AutoDelete:           bool(q.AutoDelete),
			Expires:              time.Duration(take[int64](args, "x-expires")) * time.Millisecond,
			Overflow:             pubsub.Overflow(take[string](args, "x-overflow")),
			MaxPriority:          uint8(take[int64](args, "x-max-priority")),
			SingleActiveConsumer: take[bool](args, "x-single-active-consumer"),
		},
		Ready:     q.MessagesReady,
		Unacked:   q.MessagesUnacknowledged,
		Consumers: q.Consumers,
	}
	if ms, ok := args["x-message-ttl"].(int64); ok {
		ttl := time.Duration(ms) * time.Millisecond
		s.MessageTTL = &ttl
		delete(args, "x-message-ttl")
	}
	s.MaxLength = takeInt(args, "x-max-length")
	s.MaxBytes = takeInt(args, "x-max-length-bytes")
	if exchange, ok := args["x-dead-letter-exchange"].(string); ok {
		s.DeadLetter = &pubsub.DeadLetter{Exchange: exchange}
		delete(args, "x-dead-letter-exchange")
		if key, ok := args["x-dead-letter-routing-key"].(string); ok {
			s.DeadLetter.RoutingKey = &key
			delete(args, "x-dead-letter-routing-key")
		}
	}
	s.Arguments = args
	return s
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

func takeInt(args pubsub.Table, name string) *int {
	v, ok := args[name].(int64)
	if !ok {
		return nil
	}
	delete(args, name)
	n := int(v)
	return &n
}

// fromJSON returns arguments as they come in AMQP, as far as JSON tells.
func fromJSON(m map[string]any) pubsub.Table {
	if len(m) == 0 {
		return nil
	}
	t := make(pubsub.Table, len(m))
	for k, v := range m {
		t[k] = fromJSONValue(v)
	}
	return t
}

func fromJSONValue(v any) any {
	switch v := v.(type) {
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
			return int64(v)
		}
	case map[string]any:
		t := make(pubsub.Table, len(v))
		for k, e := range v {
			t[k] = fromJSONValue(e)
		}
		return t
	case []any:
		list := make([]any, len(v))
		for i, e := range v {
			list[i] = fromJSONValue(e)
		}
		return list
	}
	return v
}
