package topology

import (
	"encoding/base64"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gobindery/bindery/pubsub"
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
// which equal ones are the same text.
func appendListed(to []byte, v any) []byte {
	switch v := listed(v).(type) {
	case bool:
		return strconv.AppendBool(to, v)
	case int64:
		return strconv.AppendInt(to, v, 10)
	case float64:
		return strconv.AppendFloat(to, v, 'e', -1, 64)
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

// listed is a value as the management API tells it, where that is by another
// one: the API knows bool, int64, float64, string, lists and tables. A float
// that is whole can't be told from an integer, nor an integer beyond 2⁵³ from
// its neighbours.
func listed(v any) any {
	switch v := v.(type) {
	case nil:
		return undefined
	case []byte:
		return text(v)
	case time.Time:
		return listed(v.Unix())
	case pubsub.Decimal:
		f, _ := strconv.ParseFloat(decimalText(v), 64)
		return listed(f)
	case map[string]any:
		return pubsub.Table(v)
	case float32:
		return listed(float64(v))
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
			return int64(v)
		}
	case int:
		return listed(int64(v))
	case int8:
		return int64(v)
	case int16:
		return int64(v)
	case int32:
		return int64(v)
	case int64:
		if v <= -1<<53 || v >= 1<<53 {
			return float64(v)
		}
	case uint8:
		return int64(v)
	case uint16:
		return int64(v)
	case uint32:
		return int64(v)
	case uint:
		return listed(uint64(v))
	case uint64:
		if v >= 1<<53 {
			return float64(v)
		}
		return int64(v)
	}
	return v
}

// undefined is how RabbitMQ tells a value that is void.
const undefined = "undefined"

// notText begins what RabbitMQ tells of bytes that are no text.
const notText = "Not UTF-8, base64 is: "

func text(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	return notText + base64.StdEncoding.EncodeToString(b)
}

// textOrBytes is the other way round.
func textOrBytes(s string) any {
	if encoded, ok := strings.CutPrefix(s, notText); ok {
		if b, err := base64.StdEncoding.DecodeString(encoded); err == nil && !utf8.Valid(b) {
			return b
		}
	}
	return s
}

// decimalText is how RabbitMQ tells a decimal: 314 with the scale 2 is 2.314.
func decimalText(d pubsub.Decimal) string { return fmt.Sprintf("%d.%d", d.Scale, d.Value) }
