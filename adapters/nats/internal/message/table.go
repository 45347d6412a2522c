package message

import (
	"fmt"

	"github.com/gobindery/bindery/pubsub"
)

// FormatTable writes a table as text, as headers are written: equal tables
// are equal texts. A table without entries is the empty text, nil or not: a
// binding is found by this text, and the two are one.
func FormatTable(t pubsub.Table) string {
	if len(t) == 0 {
		return ""
	}
	return string(appendValue(nil, t))
}

// ParseTable reads what FormatTable wrote.
func ParseTable(s string) (pubsub.Table, error) {
	if s == "" {
		return nil, nil
	}
	v, err := parseValue(s)
	if err != nil {
		return nil, err
	}
	t, ok := v.(pubsub.Table)
	if !ok {
		return nil, fmt.Errorf("%q is no table", s)
	}
	return t, nil
}
