package message

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/gobindery/bindery/pubsub"
)

// What goes beyond these is refused: no publisher may send it, and no AMQP
// client could be sent it. See pubsub.Table.
const (
	maxNesting = 32   // tables and lists inside one another, below the outermost table
	maxEntries = 8192 // of one table or list
)

// appendValue appends the value of a header with its type.
func appendValue(b []byte, v any) []byte {
	switch v := v.(type) {
	case string:
		if v == "" {
			return append(b, "str:"...)
		}
		return appendText(b, v)
	case bool:
		return strconv.AppendBool(append(b, "bool:"...), v)
	case int8:
		return strconv.AppendInt(append(b, "i8:"...), int64(v), 10)
	case int16:
		return strconv.AppendInt(append(b, "i16:"...), int64(v), 10)
	case int32:
		return strconv.AppendInt(append(b, "i32:"...), int64(v), 10)
	case int64:
		return strconv.AppendInt(append(b, "i64:"...), v, 10)
	case uint8:
		return strconv.AppendUint(append(b, "u8:"...), uint64(v), 10)
	case uint16:
		return strconv.AppendUint(append(b, "u16:"...), uint64(v), 10)
	case uint32:
		return strconv.AppendUint(append(b, "u32:"...), uint64(v), 10)
	case float32:
		return strconv.AppendFloat(append(b, "f32:"...), float64(v), 'g', -1, 32)
	case float64:
		return strconv.AppendFloat(append(b, "f64:"...), v, 'g', -1, 64)
	case pubsub.Decimal:
		b = strconv.AppendInt(append(b, "dec:"...), int64(v.Value), 10)
		return strconv.AppendUint(append(b, "e-"...), uint64(v.Scale), 10)
	case time.Time:
		return strconv.AppendInt(append(b, "time:"...), v.Unix(), 10)
	case []byte:
		return base64.RawURLEncoding.AppendEncode(append(b, "b64:"...), v)
	case []any:
		b = append(b, '[')
		for i, e := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendValue(b, e)
		}
		return append(b, ']')
	case pubsub.Table:
		b = append(b, '{')
		for i, name := range names(v) {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendText(b, name)
			b = appendValue(append(b, '='), v[name])
		}
		return append(b, '}')
	}
	return append(b, "nil:"...)
}

// parseValue reads what appendValue wrote, and nothing after it.
func parseValue(s string) (any, error) {
	r := valueReader{s}
	v, err := r.value(0)
	if err == nil && r.rest != "" {
		err = fmt.Errorf("%q is too much at its end", r.rest)
	}
	return v, err
}

// valueReader reads values that may hold others.
type valueReader struct{ rest string }

// value reads a value that is inside depth tables and lists.
func (r *valueReader) value(depth int) (any, error) {
	switch {
	case strings.HasPrefix(r.rest, "["):
		list := []any{}
		err := r.entries(']', depth, func() error {
			v, err := r.value(depth + 1)
			list = append(list, v)
			return err
		})
		return list, err
	case strings.HasPrefix(r.rest, "{"):
		table := pubsub.Table{}
		err := r.entries('}', depth, func() error {
			text, rest, ok := strings.Cut(r.rest, "=")
			if !ok {
				return errors.New("an entry of a table has no =")
			}
			r.rest = rest
			name, err := parseText(text)
			if err != nil {
				return err
			}
			table[name], err = r.value(depth + 1)
			return err
		})
		return table, err
	}
	end := strings.IndexAny(r.rest, ",]}")
	if end < 0 {
		end = len(r.rest)
	}
	text := r.rest[:end]
	r.rest = r.rest[end:]
	return parseScalar(text)
}

// entries reads a table or list up to its end, with the commas between its entries.
func (r *valueReader) entries(end byte, depth int, entry func() error) error {
	if depth >= maxNesting {
		return fmt.Errorf("tables and lists nest more than %d deep", maxNesting)
	}
	r.rest = r.rest[1:]
	for n := 0; ; n++ {
		switch {
		case r.rest == "":
			return fmt.Errorf("a %c is missing at the end", end)
		case r.rest[0] == end && n == 0:
			r.rest = r.rest[1:]
			return nil
		case n == maxEntries:
			return fmt.Errorf("a table or list has more than %d entries", maxEntries)
		}
		if err := entry(); err != nil {
			return err
		}
		switch {
		case strings.HasPrefix(r.rest, ","):
			r.rest = r.rest[1:]
		case r.rest != "" && r.rest[0] == end:
			r.rest = r.rest[1:]
			return nil
		default:
			return fmt.Errorf("a comma or %c is missing", end)
		}
	}
}

// parseScalar reads a value that holds no others.
func parseScalar(s string) (any, error) {
	typ, text, ok := strings.Cut(s, ":")
	if !ok {
		return parseText(s)
	}
	switch typ {
	case "str":
		return parseText(text)
	case "nil":
		return nil, nil
	case "bool":
		return strconv.ParseBool(text)
	case "i8":
		n, err := strconv.ParseInt(text, 10, 8)
		return int8(n), err
	case "i16":
		n, err := strconv.ParseInt(text, 10, 16)
		return int16(n), err
	case "i32":
		n, err := strconv.ParseInt(text, 10, 32)
		return int32(n), err
	case "i64":
		return strconv.ParseInt(text, 10, 64)
	case "u8":
		n, err := strconv.ParseUint(text, 10, 8)
		return uint8(n), err
	case "u16":
		n, err := strconv.ParseUint(text, 10, 16)
		return uint16(n), err
	case "u32":
		n, err := strconv.ParseUint(text, 10, 32)
		return uint32(n), err
	case "f32":
		f, err := parseFloat(text, 32)
		return float32(f), err
	case "f64":
		return parseFloat(text, 64)
	case "dec":
		return parseDecimal(text)
	case "time":
		n, err := strconv.ParseInt(text, 10, 64)
		return time.Unix(n, 0).UTC(), err
	case "b64":
		return base64.RawURLEncoding.DecodeString(text)
	}
	return parseText(s) // of a later version, or a person's, who wrote a colon as it is
}

func parseFloat(text string, bits int) (float64, error) {
	f, err := strconv.ParseFloat(text, bits)
	if err == nil && (math.IsInf(f, 0) || math.IsNaN(f)) {
		err = fmt.Errorf("%v is no finite number", f)
	}
	return f, err
}

func parseDecimal(text string) (d pubsub.Decimal, err error) {
	value, scale, ok := strings.Cut(text, "e-")
	if !ok {
		return d, fmt.Errorf("the decimal %q has no e-", text)
	}
	v, err := strconv.ParseInt(value, 10, 32)
	if err != nil {
		return d, err
	}
	s, err := strconv.ParseUint(scale, 10, 8)
	return pubsub.Decimal{Scale: uint8(s), Value: int32(v)}, err
}
