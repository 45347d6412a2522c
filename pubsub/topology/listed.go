package topology

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/gobindery/bindery/pubsub"
	"github.com/gobindery/bindery/pubsub/classic"
)

// identity is a text that two bindings have in common if RabbitMQ's management
// API lists them alike. In its order, bindings are sorted by exchange,
// destination and key.
func identity(b *pubsub.Binding) string {
	to := b.Queue + "\x00q"
	if b.ToExchange != "" {
		to = b.ToExchange + "\x00x"
	}
	id := b.Exchange + "\x00" + to + "\x00" + b.Key
	if len(b.Arguments) == 0 {
		return id
	}
	return string(appendListed([]byte(id+"\x00"), b.Arguments))
}

// appendListed appends what the management API tells of a value, in a form in
// which equal ones are the same text. Floats are told apart by 15 digits: when
// RabbitMQ reads 1.5e-9 from a file, it has 1.5 times 1e-9, and so another one.
func appendListed(to []byte, v any) []byte {
	switch v := classic.Told(v).(type) {
	case bool:
		return strconv.AppendBool(to, v)
	case int64:
		return strconv.AppendInt(to, v, 10)
	case float64:
		return strconv.AppendFloat(to, v, 'e', 14, 64)
	case string:
		return strconv.AppendQuote(to, v)
	case []any:
		to = append(to, '[')
		for _, e := range v {
			to = append(appendListed(to, e), ',')
		}
		return append(to, ']')
	case pubsub.Table:
		to = append(to, '{')
		for _, name := range slices.Sorted(maps.Keys(v)) {
			to = append(strconv.AppendQuote(to, name), ':')
			to = append(appendListed(to, v[name]), ',')
		}
		return append(to, '}')
	default:
		return fmt.Appendf(to, "%T %v", v, v)
	}
}
