package amqpserver

import (
	"fmt"
	"math"
	"time"

	"github.com/gobindery/bindery/adapters/amqpserver/internal/wire"
	"github.com/gobindery/bindery/pubsub"
	"github.com/gobindery/bindery/pubsub/classic"
)

// queueOf is what a client declares, with the x-arguments that have fields of
// their own taken out. See https://www.rabbitmq.com/docs/queues#optional-arguments.
func queueOf(m *wire.QueueDeclare, name, vhost string) (pubsub.Queue, error) {
	q := pubsub.Queue{Name: name, Durable: m.Durable, Exclusive: m.Exclusive, AutoDelete: m.AutoDelete, Arguments: m.Arguments}
	a := arguments{table: q.Arguments, queue: name, vhost: vhost}
	if name == "" {
		a.queue = classic.NewName() // for errors, which name it as RabbitMQ's do
	}
	if n, ok := a.integer("x-message-ttl", maxMillis); ok {
		ttl := time.Duration(n) * time.Millisecond
		q.MessageTTL = &ttl
	}
	if n, ok := a.integer("x-expires", maxMillis); ok {
		if n == 0 {
			a.invalid("x-expires", "{value_zero,0}")
		}
		q.Expires = time.Duration(n) * time.Millisecond
	}
	a.deadLetter(&q)
	q.MaxLength, q.MaxBytes = a.limit("x-max-length"), a.limit("x-max-length-bytes")
	if n, ok := a.integer("x-max-priority", math.MaxInt); ok {
		if n > math.MaxUint8 {
			a.invalid("x-max-priority", "{max_value_exceeded,%d}", n)
		}
		q.MaxPriority = uint8(n)
	}
	if s, ok := a.text("x-overflow"); ok {
		q.Overflow = pubsub.Overflow(s)
		switch q.Overflow {
		case pubsub.DropHead, pubsub.RejectPublish, pubsub.RejectPublishDLX:
		default:
			a.invalid("x-overflow", "invalid_overflow")
		}
	}
	a.wantText("x-queue-mode")
	a.wantInteger("x-queue-version")
	if v, ok := a.take("x-single-active-consumer"); ok {
		if q.SingleActiveConsumer, ok = v.(bool); !ok {
			a.invalid("x-single-active-consumer", "{unacceptable_type,%s}", typeName(v))
		}
	}
	a.wantText("x-queue-type")
	return q, a.err
}

// maxMillis is RabbitMQ's limit of times: ten years.
const maxMillis = 315_360_000_000

// arguments are those of one declare. The first that is wrong counts.
type arguments struct {
	table        pubsub.Table
	queue, vhost string
	err          error
}

func (a *arguments) take(name string) (any, bool) {
	v, ok := a.table[name]
	delete(a.table, name)
	return v, ok
}

func (a *arguments) invalid(name, why string, args ...any) {
	if a.err == nil {
		a.err = wire.Errorf(wire.PreconditionFailed, "invalid arg '%s' for queue '%s' in vhost '%s': %s", name, a.queue, a.vhost, fmt.Sprintf(why, args...))
	}
}

// integer takes an integer from 0 to most.
func (a *arguments) integer(name string, most int64) (int64, bool) {
	a.wantInteger(name)
	v, _ := a.take(name)
	n, ok := integer(v)
	switch {
	case !ok:
	case n < 0:
		a.invalid(name, "{value_negative,%d}", n)
	case n > most:
		a.invalid(name, "{value_too_large,%d}", n)
	default:
		return n, true
	}
	return 0, false
}

// wantInteger refuses a value that is no integer.
func (a *arguments) wantInteger(name string) {
	if v, ok := a.table[name]; ok {
		if _, ok := integer(v); !ok {
			a.invalid(name, "\"expected integer, got %s\"", typeName(v))
		}
	}
}

func (a *arguments) limit(name string) *int {
	n, ok := a.integer(name, math.MaxInt)
	if !ok {
		return nil
	}
	most := int(n)
	return &most
}

func integer(v any) (int64, bool) {
	switch v := v.(type) {
	case int8:
		return int64(v), true
	case int16:
		return int64(v), true
	case int32:
		return int64(v), true
	case int64:
		return v, true
	case uint8:
		return int64(v), true
	case uint16:
		return int64(v), true
	case uint32:
		return int64(v), true
	}
	return 0, false
}

func (a *arguments) text(name string) (string, bool) {
	a.wantText(name)
	v, _ := a.take(name)
	s, ok := v.(string)
	return s, ok
}

// wantText refuses a value that is no string.
func (a *arguments) wantText(name string) {
	if v, ok := a.table[name]; ok {
		if _, ok := v.(string); !ok {
			a.invalid(name, "{unacceptable_type,%s}", typeName(v))
		}
	}
}

func (a *arguments) deadLetter(q *pubsub.Queue) {
	exchange, given := a.take("x-dead-letter-exchange")
	name, ok := exchange.(string)
	if given && !ok && a.err == nil {
		a.err = wire.Errorf(wire.PreconditionFailed, "invalid type '%s' for arg 'x-dead-letter-exchange' in queue '%s' in vhost '%s'", typeName(exchange), a.queue, a.vhost)
	}
	key, keyed := a.text("x-dead-letter-routing-key")
	if keyed && !given {
		a.invalid("x-dead-letter-routing-key", "routing_key_but_no_dlx_defined")
	}
	if !given {
		return
	}
	q.DeadLetter = &pubsub.DeadLetter{Exchange: name}
	if keyed {
		q.DeadLetter.RoutingKey = &key
	}
}

// typeName is what RabbitMQ calls the type of a table's value.
func typeName(v any) string {
	switch v.(type) {
	case nil:
		return "void"
	case bool:
		return "bool"
	case int8:
		return "byte"
	case int16:
		return "short"
	case int32:
		return "signedint"
	case int64:
		return "long"
	case uint8:
		return "unsignedbyte"
	case uint16:
		return "unsignedshort"
	case uint32:
		return "unsignedint"
	case float32:
		return "float"
	case float64:
		return "double"
	case string:
		return "longstr"
	case []byte:
		return "binary"
	case time.Time:
		return "timestamp"
	case pubsub.Decimal:
		return "decimal"
	case []any:
		return "array"
	}
	return "table"
}
