package routing

import (
	"fmt"
	"strings"

	"github.com/gobindery/bindery/pubsub"
)

// headersMatch is what a binding's arguments ask of a message's headers.
// See https://www.rabbitmq.com/tutorials/amqp-concepts#exchange-headers.
type headersMatch struct {
	any   bool // one condition is enough
	wants []condition
}

// condition asks for one header.
type condition struct {
	name  string
	value any // nil: whatever the value is
}

// compileHeaders returns what the arguments of a binding from a headers
// exchange ask for, or an error in RabbitMQ's words.
func compileHeaders(args pubsub.Table) (*headersMatch, error) {
	m := new(headersMatch)
	withX := false
	if v, ok := args["x-match"]; ok {
		kind, ok := v.(string)
		if !ok {
			typ, val := erlang(v)
			return nil, fmt.Errorf("%w: Invalid x-match field type %s (value %s); expected longstr", pubsub.ErrPreconditionFailed, typ, val)
		}
		switch kind {
		case "all":
		case "any":
			m.any = true
		case "all-with-x":
			withX = true
		case "any-with-x":
			m.any, withX = true, true
		default:
			_, val := erlang(v)
			return nil, fmt.Errorf("%w: Invalid x-match field value %s; expected all, any, all-with-x, or any-with-x", pubsub.ErrPreconditionFailed, val)
		}
	}
	for name, v := range args {
		if name == "x-match" || !withX && strings.HasPrefix(name, "x-") {
			continue
		}
		m.wants = append(m.wants, condition{name, v})
	}
	return m, nil
}

func (m *headersMatch) matches(headers pubsub.Table) bool {
	for i := range m.wants {
		if m.wants[i].holds(headers) == m.any {
			return m.any
		}
	}
	return !m.any
}

func (c *condition) holds(headers pubsub.Table) bool {
	v, ok := headers[c.name]
	return ok && (c.value == nil || sameValue(c.value, v))
}

// erlang returns the type and the value as RabbitMQ prints them.
func erlang(v any) (typ, val string) {
	switch v := v.(type) {
	case nil:
		return "void", "undefined"
	case bool:
		return "bool", fmt.Sprint(v)
	case string:
		return "longstr", fmt.Sprintf("<<%q>>", v)
	case []byte:
		return "binary", fmt.Sprintf("<<%q>>", v)
	}
	return fmt.Sprintf("%T", v), fmt.Sprint(v)
}
