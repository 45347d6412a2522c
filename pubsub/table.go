package pubsub

import (
	"bytes"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Table holds the headers of a message, or the arguments of an entity. Values
// are typed and arrive as they were sent, on every backend:
//
//   - nil, bool, string, []byte
//   - int8, int16, int32, int64, uint8, uint16, uint32
//   - float32, float64, [Decimal]
//   - time.Time, in whole seconds
//   - []any (a list of such values) and Table
//
// On the way in, some more are taken: int becomes int64; uint and uint64
// become int64 if they fit; map[string]any becomes Table; a time loses what is
// below the second. Any other type is refused with [ErrInvalid]. Names are at
// most 255 bytes of UTF-8. Floats are finite. Tables and lists have at most
// 8,192 entries each, and nest at most 32 deep.
// These are the field types of AMQP 0-9-1 as RabbitMQ speaks it:
// https://www.rabbitmq.com/amqp-0-9-1-errata#section_3.
type Table map[string]any

// Decimal is a decimal number: Value divided by ten to the power of Scale.
type Decimal struct {
	Scale uint8
	Value int32
}

// RabbitMQ sets no limits here, but its Go client ends a connection over a
// message that goes beyond these, and RabbitMQ itself over a float that isn't
// finite.
const (
	maxNesting = 32   // tables and lists inside one another, below the outermost table
	maxEntries = 8192 // of one table or list
)

// Clone returns a deep copy of t: no table, list or byte slice is shared with
// it. The clone of a nil table is nil. A Table that contains itself makes it
// run for ever; [Broker] refuses one before any adapter sees it.
func (t Table) Clone() Table {
	if t == nil {
		return nil
	}
	c := maps.Clone(t) // faster than entry by entry
	for k, v := range c {
		switch v.(type) {
		case []byte, Table, map[string]any, []any:
			c[k] = cloneValue(v)
		}
	}
	return c
}

func cloneValue(v any) any {
	switch v := v.(type) {
	case []byte:
		return bytes.Clone(v)
	case Table:
		return v.Clone()
	case map[string]any:
		return map[string]any(Table(v).Clone())
	case []any:
		c := slices.Clone(v)
		for i := range c {
			c[i] = cloneValue(c[i])
		}
		return c
	}
	return v
}

// Equal reports whether t and u have the same names with values of the same
// type that are equal. Times are equal if they are the same instant. A nil
// table equals an empty one. Values of a type that no Table may hold equal
// nothing.
func (t Table) Equal(u Table) bool {
	return maps.EqualFunc(t, u, equalValue)
}

func equalValue(a, b any) bool {
	switch a := a.(type) {
	case []byte:
		b, ok := b.([]byte)
		return ok && bytes.Equal(a, b)
	case time.Time:
		b, ok := b.(time.Time)
		return ok && a.Equal(b)
	case Table:
		b, ok := b.(Table)
		return ok && a.Equal(b)
	case map[string]any:
		b, ok := b.(map[string]any)
		return ok && Table(a).Equal(b)
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, equalValue)
	case nil, bool, string, int, int8, int16, int32, int64, uint, uint8, uint16, uint32, uint64, float32, float64, Decimal:
		return a == b
	}
	return false
}

// isPlain reports whether t, as most messages' headers, needs no further look: its
// names and values are good, in the form in which they arrive, and none are CC or BCC.
func isPlain(t Table) bool {
	if len(t) > maxEntries {
		return false
	}
	for name, v := range t {
		if len(name) > 255 || !utf8.ValidString(name) || name == "CC" || name == "BCC" {
			return false
		}
		switch v.(type) {
		case nil, bool, string, []byte, int8, int16, int32, int64, uint8, uint16, uint32:
		default:
			return false
		}
	}
	return true
}

// checkTable says what is wrong with a table's names and values, if anything.
// what is the field's term for an entry: "header", "argument".
func checkTable(what string, t Table) error {
	if len(t) > maxEntries {
		return fmt.Errorf("%w: %d %ss; at most %d are possible", ErrInvalid, len(t), what, maxEntries)
	}
	for name, v := range t {
		if err := checkEntry(what, name, v, 0); err != nil {
			return err
		}
	}
	return nil
}

func checkEntry(what, name string, v any, depth int) error {
	if len(name) > 255 {
		return fmt.Errorf("%w: %s name %q is %d bytes long; at most 255 are possible", ErrInvalid, what, clip(name), len(name))
	}
	if !utf8.ValidString(name) {
		return fmt.Errorf("%w: %s name %q is not valid UTF-8", ErrInvalid, what, name)
	}
	return checkValue(what, name, v, depth)
}

func checkValue(what, name string, v any, depth int) error {
	switch v := v.(type) {
	case nil, bool, string, []byte, int, int8, int16, int32, int64, uint8, uint16, uint32, Decimal, time.Time:
		return nil
	case float32:
		return checkFinite(what, name, float64(v))
	case float64:
		return checkFinite(what, name, v)
	case uint:
		return checkValue(what, name, uint64(v), depth)
	case uint64:
		if v > math.MaxInt64 {
			return fmt.Errorf("%w: %s %q is %d, which is more than a 64-bit signed integer holds", ErrInvalid, what, name, v)
		}
		return nil
	case []any:
		if err := checkContainer(what, name, len(v), depth); err != nil {
			return err
		}
		for _, e := range v {
			if err := checkValue(what, name, e, depth+1); err != nil {
				return err
			}
		}
		return nil
	case Table:
		if err := checkContainer(what, name, len(v), depth); err != nil {
			return err
		}
		for k, e := range v {
			if err := checkEntry(what, k, e, depth+1); err != nil {
				return err
			}
		}
		return nil
	case map[string]any:
		return checkValue(what, name, Table(v), depth)
	}
	return fmt.Errorf("%w: %s %q is a %T, which no header can hold; use nil, bool, an integer, a float, string, []byte, time.Time, pubsub.Decimal, []any or pubsub.Table", ErrInvalid, what, name, v)
}

// checkContainer checks a table or list that is inside depth others.
func checkContainer(what, name string, entries, depth int) error {
	if depth >= maxNesting {
		return fmt.Errorf("%w: %s %q is nested more than %d deep", ErrInvalid, what, name, maxNesting)
	}
	if entries > maxEntries {
		return fmt.Errorf("%w: %s %q holds %d entries in one table or list; at most %d are possible", ErrInvalid, what, name, entries, maxEntries)
	}
	return nil
}

func checkFinite(what, name string, f float64) error {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return fmt.Errorf("%w: %s %q is %v; a float must be finite", ErrInvalid, what, name, f)
	}
	return nil
}

// normalize returns t with every value in the one form in which it arrives,
// and whether that differs from t. It never writes to t.
func (t Table) normalize() (_ Table, changed bool) {
	for k, v := range t {
		n, ch := normalizeValue(v)
		if !ch {
			continue
		}
		if !changed {
			t, changed = maps.Clone(t), true
		}
		t[k] = n // the clone's; the loop ranges over the original
	}
	return t, changed
}

func normalizeValue(v any) (_ any, changed bool) {
	switch v := v.(type) {
	case int:
		return int64(v), true
	case uint:
		return int64(v), true
	case uint64:
		return int64(v), true
	case time.Time:
		s := seconds(v)
		return s, s != v
	case map[string]any:
		t, _ := Table(v).normalize()
		return t, true
	case Table:
		return v.normalize()
	case []any:
		for i, e := range v {
			n, ch := normalizeValue(e)
			if !ch {
				continue
			}
			if !changed {
				v, changed = slices.Clone(v), true
			}
			v[i] = n
		}
		return v, changed
	}
	return v, false
}

// seconds is t as AMQP carries it: whole seconds, in UTC.
func seconds(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return time.Unix(t.Unix(), 0).UTC()
}

// checkName checks a short string of AMQP: at most 255 bytes of UTF-8.
// what is the field's term for it.
func checkName(what, s string) error {
	if len(s) > 255 {
		return fmt.Errorf("%w: %s %q is %d bytes long; at most 255 are possible", ErrInvalid, what, clip(s), len(s))
	}
	if !utf8.ValidString(s) {
		return fmt.Errorf("%w: %s %q is not valid UTF-8", ErrInvalid, what, s)
	}
	return nil
}

// checkNewName checks the name of what is declared. RabbitMQ would take line
// breaks out of it, and then not know it by the name that was asked for.
func checkNewName(what, s string) error {
	if strings.ContainsAny(s, "\r\n") {
		return fmt.Errorf("%w: %s %s has a line break, which a name can't have", ErrInvalid, what, quote(s))
	}
	return checkName(what, s)
}

// quote puts s in quotes, short enough for a message.
func quote(s string) string { return fmt.Sprintf("%q", clip(s)) }

func clip(s string) string {
	const most = 60
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
