package rabbitmq

import (
	"encoding/base64"
	"math"
	"strings"
	"unicode/utf8"

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

// fromJSON returns arguments as they come in AMQP, as far as JSON tells: the API
// writes "undefined" for one without a value, and bytes that are no text in
// base64, with words before it.
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
	case string:
		if v == "undefined" {
			return nil // hardly anybody asks for this very word
		}
		if encoded, ok := strings.CutPrefix(v, "Not UTF-8, base64 is: "); ok {
			if b, err := base64.StdEncoding.DecodeString(encoded); err == nil && !utf8.Valid(b) {
				return b
			}
		}
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
