package routing

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gobindery/bindery/pubsub"
)

// erlang returns the type and the value of an argument as RabbitMQ prints them
// in errors.
func erlang(v any) (typ, val string) {
	switch v := v.(type) {
	case nil:
		return "void", "undefined"
	case bool:
		return "bool", strconv.FormatBool(v)
	case string:
		return "longstr", erlangBinary(v)
	case []byte:
		return "binary", erlangBinary(string(v))
	case float32:
		return "float", erlangFloat(float64(v))
	case float64:
		return "double", erlangFloat(v)
	case time.Time:
		return "timestamp", strconv.FormatUint(uint64(v.Unix()), 10)
	case pubsub.Decimal:
		return "decimal", fmt.Sprintf("{%d,%d}", v.Scale, v.Value)
	case []any:
		var list []string
		for _, e := range v {
			typ, val := erlang(e)
			list = append(list, "{"+typ+","+val+"}")
		}
		return "array", "[" + strings.Join(list, ",") + "]"
	case pubsub.Table:
		var list []string
		for _, k := range slices.Sorted(maps.Keys(v)) {
			typ, val := erlang(v[k])
			list = append(list, "{"+erlangBinary(k)+","+typ+","+val+"}")
		}
		return "table", "[" + strings.Join(list, ",") + "]"
	}
	n, _ := integer(v)
	return integerType(v), strconv.FormatInt(n, 10)
}

func integerType(v any) string {
	switch v.(type) {
	case int8:
		return "byte"
	case uint8:
		return "unsignedbyte"
	case int16:
		return "short"
	case uint16:
		return "unsignedshort"
	case int32:
		return "signedint"
	case uint32:
		return "unsignedint"
	}
	return "long"
}

// erlangBinary prints text as text if all of it can be printed, else as bytes.
func erlangBinary(s string) string {
	if s == "" {
		return "<<>>"
	}
	var text strings.Builder
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			text.WriteByte('\\')
			text.WriteByte(c)
		case c >= ' ' && c < 0x7f || c >= 0xa0:
			text.WriteByte(c)
		case c >= '\b' && c <= '\r':
			text.WriteByte('\\')
			text.WriteByte("btnvfr"[c-'\b'])
		case c == 0x1b:
			text.WriteString(`\e`)
		default:
			list := make([]string, len(s))
			for i := range len(s) {
				list[i] = strconv.Itoa(int(s[i]))
			}
			return "<<" + strings.Join(list, ",") + ">>"
		}
	}
	return `<<"` + text.String() + `">>`
}

// erlangFloat prints a float with a point, and an exponent where that is shorter.
func erlangFloat(f float64) string {
	if s := strconv.FormatFloat(f, 'f', -1, 64); len(s) <= 8 {
		if !strings.Contains(s, ".") {
			s += ".0"
		}
		return s
	}
	m, exp, _ := strings.Cut(strconv.FormatFloat(f, 'e', -1, 64), "e")
	if !strings.Contains(m, ".") {
		m += ".0"
	}
	n, _ := strconv.Atoi(exp)
	return m + "e" + strconv.Itoa(n)
}
