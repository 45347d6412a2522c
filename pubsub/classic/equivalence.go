package classic

import (
	"fmt"
	"reflect"
	"time"

	"github.com/gobindery/bindery/pubsub"
)

// CheckArguments refuses what RabbitMQ's classic queues don't take, with
// [pubsub.ErrPreconditionFailed], and what only its other queue types can do,
// with [pubsub.ErrUnsupported]. It is for queues that are new: for one that is
// there only [Equivalent] counts.
// See https://www.rabbitmq.com/docs/queues#optional-arguments.
func CheckArguments(q pubsub.Queue, vhostName string) error {
	switch t := q.Arguments["x-queue-type"]; t {
	case nil, "classic":
	case "quorum", "stream":
		return fmt.Errorf("%w: queues of type %s need RabbitMQ; here there are classic ones", pubsub.ErrUnsupported, t)
	default:
		return invalid("x-queue-type", q.Name, vhostName, "\"unsupported queue type '%v'\"", t)
	}
	for _, name := range ofOtherTypes {
		if _, ok := q.Arguments[name]; ok {
			return fmt.Errorf("%w: invalid arg '%s' for queue '%s' in vhost '%s' of queue type rabbit_classic_queue", pubsub.ErrPreconditionFailed, name, q.Name, vhostName)
		}
	}
	switch m := q.Arguments["x-queue-mode"]; m {
	case nil, "default", "lazy":
	default:
		return invalid("x-queue-mode", q.Name, vhostName, "\"unsupported queue mode '%v'\"", m)
	}
	switch v := integer(q.Arguments["x-queue-version"]); v {
	case nil, int64(1), int64(2):
	default:
		return invalid("x-queue-version", q.Name, vhostName, "\"unsupported queue version '%v'\"", v)
	}
	return nil
}

// ofOtherTypes are the arguments that only quorum queues and streams take.
var ofOtherTypes = [...]string{
	"x-dead-letter-strategy", "x-delivery-limit", "x-initial-cluster-size", "x-max-age", "x-max-in-memory-bytes", "x-max-in-memory-length",
	"x-queue-leader-locator", "x-quorum-initial-group-size", "x-stream-max-segment-size-bytes",
}

func invalid(arg, queue, vhostName, why string, value any) error {
	return fmt.Errorf("%w: invalid arg '%s' for queue '%s' in vhost '%s': %s", pubsub.ErrPreconditionFailed, arg, queue, vhostName, fmt.Sprintf(why, value))
}

// integer makes an int64 of an integer, so that its width doesn't matter.
func integer(v any) any {
	switch r := reflect.ValueOf(v); {
	case r.CanInt():
		return r.Int()
	case r.CanUint():
		return int64(r.Uint())
	}
	return v
}

// Equivalent says in what a queue differs from how it is declared again, in
// RabbitMQ's words: the error wraps [pubsub.ErrPreconditionFailed]. Arguments that
// mean nothing to classic queues don't count; who may use an exclusive queue is for the
// caller to look at.
func Equivalent(is, want pubsub.Queue, vhostName string) error {
	differs := func(arg string, received, current any) error {
		return fmt.Errorf("%w: inequivalent arg '%s' for queue '%s' in vhost '%s': received %v but current is %v", pubsub.ErrPreconditionFailed, arg, is.Name, vhostName, received, current)
	}
	if is, want := Durable(is), Durable(want); is != want {
		return differs("durable", quoted(want), quoted(is))
	}
	if is.AutoDelete != want.AutoDelete {
		return differs("auto_delete", quoted(want.AutoDelete), quoted(is.AutoDelete))
	}
	isArgs, wantArgs := arguments(is), arguments(want)
	for i, a := range isArgs {
		if w := wantArgs[i]; a.value != w.value {
			if a.value != nil && w.value != nil {
				return differs(a.name, quoted(w.value), quoted(a.value))
			}
			return differs(a.name, described(w.value), described(a.value))
		}
	}
	return nil
}

// argument is one known x-argument; its value is nil where there is none.
type argument struct {
	name  string
	value any
}

// arguments returns the known x-arguments of a queue, always the same ones in
// the same order.
func arguments(q pubsub.Queue) []argument {
	args := []argument{
		{"x-expires", nil},
		{"x-message-ttl", millis(q.MessageTTL)},
		{"x-max-length", number(q.MaxLength)},
		{"x-max-length-bytes", number(q.MaxBytes)},
		{"x-overflow", nil},
		{"x-dead-letter-exchange", nil},
		{"x-dead-letter-routing-key", nil},
		{"x-max-priority", nil},
		{"x-single-active-consumer", nil},
		{"x-queue-type", q.Arguments["x-queue-type"]},
		{"x-queue-mode", q.Arguments["x-queue-mode"]},
		{"x-queue-version", integer(q.Arguments["x-queue-version"])},
	}
	set := func(name string, value any) {
		for i := range args {
			if args[i].name == name {
				args[i].value = value
			}
		}
	}
	if q.Expires > 0 {
		set("x-expires", q.Expires.Milliseconds())
	}
	if q.Overflow != "" {
		set("x-overflow", string(q.Overflow))
	}
	if d := q.DeadLetter; d != nil {
		set("x-dead-letter-exchange", d.Exchange)
		if d.RoutingKey != nil {
			set("x-dead-letter-routing-key", *d.RoutingKey)
		}
	}
	if q.MaxPriority > 0 {
		set("x-max-priority", int64(q.MaxPriority))
	}
	if q.SingleActiveConsumer {
		set("x-single-active-consumer", true)
	}
	if q.Arguments["x-queue-type"] == "classic" {
		set("x-queue-type", nil) // the default
	}
	return args
}

func millis(d *time.Duration) any {
	if d == nil {
		return nil
	}
	return d.Milliseconds()
}

func number(n *int) any {
	if n == nil {
		return nil
	}
	return int64(*n)
}

func quoted(v any) string { return fmt.Sprintf("'%v'", v) }

func described(v any) string {
	if v == nil {
		return "none"
	}
	return fmt.Sprintf("the value '%v' of type '%s'", v, typeName(v))
}

// typeName is what RabbitMQ calls an argument's type. A field of [pubsub.Queue]
// doesn't say which integer it was: it is taken for the shortest that clients use.
func typeName(v any) string {
	switch v := v.(type) {
	case bool:
		return "bool"
	case int64:
		if v == int64(int32(v)) {
			return "signedint"
		}
		return "long"
	}
	return "longstr"
}

// Difference is something in which a queue is not as it is declared again.
type Difference struct {
	Arg        string // as RabbitMQ calls it: "durable", "x-max-length"
	Want, Have any    // nil: there is none
}

// Differences returns all for which RabbitMQ refuses to declare a queue again,
// not only the first as [Equivalent] does: also the arguments of queues of
// other types count, and whether it is exclusive.
func Differences(is, want pubsub.Queue) []Difference {
	var all []Difference
	add := func(arg string, want, have any) {
		if want != have {
			all = append(all, Difference{arg, want, have})
		}
	}
	add("exclusive", want.Exclusive, is.Exclusive)
	add("durable", Durable(want), Durable(is))
	add("auto_delete", want.AutoDelete, is.AutoDelete)
	isArgs := arguments(is)
	for i, a := range arguments(want) {
		add(a.name, plain(a.value), plain(isArgs[i].value))
	}
	for _, name := range ofOtherTypes {
		add(name, plain(integer(want.Arguments[name])), plain(integer(is.Arguments[name])))
	}
	return all
}

// plain is a value that can be compared: one that no such argument has, as a
// list, is taken by what it prints.
func plain(v any) any {
	if v == nil || reflect.TypeOf(v).Comparable() {
		return v
	}
	return fmt.Sprint(v)
}
