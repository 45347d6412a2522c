package routing

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/gobindery/bindery/pubsub"
)

// arguments are a binding's arguments, in order: first those that a headers
// exchange compares, by name, then the others, by name.
type arguments struct {
	list  []argument
	wants int  // how many of list are compared
	any   bool // one that holds is enough
	by    int  // of list: what headersIndex finds the binding by, if not any
}

type argument struct {
	name  string
	value any // nil: whatever the header's value is
}

// newArguments puts a table in order. What it returns shares the table's
// values. If they are for a headers exchange, an "x-match" that is none of the
// four is an error in RabbitMQ's words. See
// https://www.rabbitmq.com/tutorials/amqp-concepts#exchange-headers.
func newArguments(t pubsub.Table, kind pubsub.Kind) (*arguments, error) {
	if len(t) == 0 {
		return nil, nil
	}
	a := &arguments{list: make([]argument, 0, len(t))}
	compared := func(string) bool { return false }
	if kind == pubsub.Headers {
		withX := false
		switch v := t["x-match"]; v {
		case "all":
		case "any":
			a.any = true
		case "all-with-x":
			withX = true
		case "any-with-x":
			a.any, withX = true, true
		default:
			if _, ok := t["x-match"]; ok {
				return nil, badMatch(v)
			}
		}
		compared = func(name string) bool { return name != "x-match" && (withX || !strings.HasPrefix(name, "x-")) }
	}
	for name, v := range t {
		a.list = append(a.list, argument{name, v})
		if compared(name) {
			a.wants++
		}
	}
	slices.SortFunc(a.list, func(p, q argument) int {
		if c := compared(p.name); c != compared(q.name) {
			if c {
				return -1
			}
			return 1
		}
		return cmp.Compare(p.name, q.name)
	})
	return a, nil
}

func badMatch(v any) error {
	typ, val := erlang(v)
	if typ == "longstr" {
		return fmt.Errorf("%w: Invalid x-match field value %s; expected all, any, all-with-x, or any-with-x", pubsub.ErrPreconditionFailed, val)
	}
	return fmt.Errorf("%w: Invalid x-match field type %s (value %s); expected longstr", pubsub.ErrPreconditionFailed, typ, val)
}

// table is the arguments as a user knows them: a copy.
func (a *arguments) table() pubsub.Table {
	if a == nil {
		return nil
	}
	t := make(pubsub.Table, len(a.list))
	for _, e := range a.list {
		t[e.name] = e.value
	}
	return t.Clone()
}

// is reports whether a and b have the same names, with values of the same type
// that are equal.
func (a *arguments) is(b *arguments) bool {
	if a == nil || b == nil {
		return a == b
	}
	return slices.EqualFunc(a.list, b.list, func(p, q argument) bool { return p.name == q.name && identical(p.value, q.value) })
}

func (a *arguments) hash() (h uint64) {
	if a != nil {
		for _, e := range a.list {
			h = mix(h, mix(hashString(e.name), hashValue(e.value)))
		}
	}
	return h
}

// match reports whether a message with these headers gets through.
func (a *arguments) match(headers pubsub.Table) bool {
	if a == nil {
		return true
	}
	for i := range a.list[:a.wants] {
		e := &a.list[i]
		v, ok := headers[e.name]
		if holds := ok && e.accepts(v); holds == a.any {
			return holds
		}
	}
	return !a.any
}

// bcc is a header that no exchange sees: RabbitMQ routes by it, and removes it
// before it compares. See https://www.rabbitmq.com/docs/sender-selected.
const bcc = "BCC"

// accepts reports whether v, the value of the header with this name, is what
// the argument asks for.
func (e *argument) accepts(v any) bool {
	return e.name != bcc && (e.value == nil || sameValue(e.value, v))
}
