package topology

import (
	"fmt"
	"strings"

	"github.com/gobindery/bindery/pubsub"
)

// Action is what a [Change] does, or would have to.
type Action string

const (
	Create  Action = "create"  // it is wanted, and not there
	Delete  Action = "delete"  // it is there, and not wanted
	Differs Action = "differs" // it is there, but not as wanted; no broker can change that
)

// Change is a difference between a wanted and the real topology: exactly one of
// Exchange, Queue and Binding is set. It is the wanted one, or the one to
// delete.
type Change struct {
	Action   Action
	Exchange *pubsub.Exchange
	Queue    *pubsub.QueueStatus
	Binding  *pubsub.Binding

	// Fields says in what it differs: at least one, for Differs only.
	Fields []Field
}

// Field is one property of an exchange or a queue that differs.
type Field struct {
	Name string // as RabbitMQ calls it: "type", "durable", "x-max-length"

	// Want and Have are the wanted and the real value: a bool, int64 or string.
	// Nil: there is none.
	Want, Have any
}

// String is as `x-max-length: wanted 5, has none`.
func (f Field) String() string {
	return fmt.Sprintf("%s: wanted %s, has %s", f.Name, orNone(f.Want), orNone(f.Have))
}

func orNone(v any) string {
	switch v := v.(type) {
	case nil:
		return "none"
	case string:
		return fmt.Sprintf("%q", v)
	}
	return fmt.Sprint(v)
}

// Entity names what the change is about, as `queue "q"`.
func (c Change) Entity() string {
	switch {
	case c.Exchange != nil:
		return fmt.Sprintf("exchange %q", c.Exchange.Name)
	case c.Queue != nil:
		return fmt.Sprintf("queue %q", c.Queue.Name)
	case c.Binding != nil:
		return "binding of " + c.Binding.String()
	}
	return "nothing"
}

// String tells the change in a line, as `create queue "q"`.
func (c Change) String() string {
	switch {
	case c.Action == Differs:
		fields := make([]string, len(c.Fields))
		for i, f := range c.Fields {
			fields[i] = f.String()
		}
		return c.Entity() + " differs: " + strings.Join(fields, "; ")
	case c.Action == Delete && c.Queue != nil && c.Queue.Ready+c.Queue.Unacked > 0:
		return fmt.Sprintf("delete %s with %d messages", c.Entity(), c.Queue.Ready+c.Queue.Unacked)
	}
	return string(c.Action) + " " + c.Entity()
}
