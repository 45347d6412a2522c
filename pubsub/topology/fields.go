package topology

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/gobindery/bindery/pubsub"
)

// fields reads an entry of a definitions file. The first error stays.
type fields struct {
	object
	name string // of the entry, for warnings
	err  error
}

func (f *fields) fail(format string, args ...any) {
	if f.err == nil {
		f.err = fmt.Errorf(format, args...)
	}
}

func (f *fields) text(name string, needed bool) string {
	v, ok := f.object[name]
	delete(f.object, name)
	s, isText := v.(string)
	switch {
	case !ok && needed:
		f.fail("%s is missing", name)
	case ok && !isText:
		f.fail("%s is %v; it must be a string", name, v)
	}
	return s
}

func (f *fields) boolean(name string) bool {
	v, ok := f.object[name]
	delete(f.object, name)
	b, isBool := v.(bool)
	if ok && !isBool {
		f.fail("%s is %v; it must be true or false", name, v)
	}
	return b
}

// fromJSON returns an argument as RabbitMQ reads it, or as it was before
// RabbitMQ wrote it; voids is set if there is one without a value.
func fromJSON(v any, voids *bool) (any, error) {
	switch v := v.(type) {
	case json.Number:
		return numberOf(v)
	case string:
		if v == undefined {
			*voids = true
			return nil, nil
		}
		return textOrBytes(v), nil
	case []any:
		list := make([]any, len(v))
		for i, e := range v {
			var err error
			if list[i], err = fromJSON(e, voids); err != nil {
				return nil, err
			}
		}
		return list, nil
	case map[string]any:
		t := make(pubsub.Table, len(v))
		for name, e := range v {
			var err error
			if t[name], err = fromJSON(e, voids); err != nil {
				return nil, fmt.Errorf("%q: %w", name, err)
			}
		}
		return t, nil
	}
	return v, nil // true, false, null
}

// numberOf keeps integers exact.
func numberOf(n json.Number) (any, error) {
	if strings.ContainsAny(n.String(), ".eE") {
		f, err := n.Float64()
		if err != nil {
			return nil, fmt.Errorf("the number %s is beyond what a double holds", n)
		}
		return f, nil
	}
	i, err := n.Int64()
	if err != nil {
		return nil, fmt.Errorf("the number %s is beyond what 64 bits hold", n)
	}
	return i, nil
}
