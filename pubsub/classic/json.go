package classic

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gobindery/bindery/pubsub"
)

// RabbitMQ tells arguments as JSON: in its management API, and in files of
// definitions. An integer is a long, a number with a point or an exponent a
// double. What JSON doesn't have it writes so that it can be read by people,
// and does not read back:
//
//   - no value is the text "undefined"
//   - bytes are a text, or base64 with words before it
//   - a time is its seconds
//   - a decimal is its scale, a point, and its value

const (
	undefined = "undefined"
	notText   = "Not UTF-8, base64 is: "
)

// FromJSON returns an argument that RabbitMQ told as JSON, read with
// [json.Decoder.UseNumber], as it was before, where that can be known: an
// integer is int64, an object a [pubsub.Table]. The word "undefined" is nil;
// hardly anybody asks for that very word. An integer beyond 64 bits, or a
// number beyond a float64, is [pubsub.ErrInvalid].
func FromJSON(v any) (any, error) {
	switch v := v.(type) {
	case json.Number:
		return fromNumber(v)
	case string:
		return fromText(v), nil
	case []any:
		list := make([]any, len(v))
		for i, e := range v {
			var err error
			if list[i], err = FromJSON(e); err != nil {
				return nil, err
			}
		}
		return list, nil
	case map[string]any:
		t := make(pubsub.Table, len(v))
		for name, e := range v {
			var err error
			if t[name], err = FromJSON(e); err != nil {
				return nil, fmt.Errorf("%q: %w", name, err)
			}
		}
		return t, nil
	}
	return v, nil // true, false, null
}

func fromNumber(n json.Number) (any, error) {
	if strings.ContainsAny(n.String(), ".eE") {
		f, err := n.Float64()
		if err != nil {
			return nil, fmt.Errorf("%w: the number %.40s is beyond what a double holds", pubsub.ErrInvalid, n)
		}
		return f, nil
	}
	i, err := n.Int64()
	if err != nil {
		return nil, fmt.Errorf("%w: the number %.40s is beyond what 64 bits hold", pubsub.ErrInvalid, n)
	}
	return i, nil
}

func fromText(s string) any {
	if s == undefined {
		return nil
	}
	if encoded, ok := strings.CutPrefix(s, notText); ok {
		if b, err := base64.StdEncoding.DecodeString(encoded); err == nil && !utf8.Valid(b) {
			return b
		}
	}
	return s
}

// Told returns a value of an argument as RabbitMQ tells it in JSON: as a bool,
// int64, float64 or string; lists and tables, which it tells with all that is
// in them, stay as they are.
func Told(v any) any {
	switch v := v.(type) {
	case nil:
		return undefined
	case []byte:
		if utf8.Valid(v) {
			return string(v)
		}
		return notText + base64.StdEncoding.EncodeToString(v)
	case time.Time:
		return v.Unix()
	case pubsub.Decimal:
		f, _ := json.Number(fmt.Sprintf("%d.%d", v.Scale, v.Value)).Float64()
		return f
	case map[string]any:
		return pubsub.Table(v)
	case float32:
		return float64(v)
	}
	return integer(v)
}
