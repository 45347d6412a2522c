package rabbitmq

import (
	"fmt"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/gobindery/bindery/pubsub"
)

// toAMQP returns t as amqp091-go takes it. The result may share memory with t.
func toAMQP(t pubsub.Table) amqp.Table {
	if t == nil {
		return nil
	}
	for _, v := range t {
		if needsChange(v) {
			c := make(amqp.Table, len(t))
			for k, v := range t {
				c[k] = toAMQPValue(v)
			}
			return c
		}
	}
	return amqp.Table(t)
}

func needsChange(v any) bool {
	switch v.(type) {
	case pubsub.Table, []any, pubsub.Decimal:
		return true
	}
	return false
}

func toAMQPValue(v any) any {
	switch v := v.(type) {
	case pubsub.Table:
		if v == nil {
			return amqp.Table{}
		}
		return toAMQP(v)
	case []any:
		list := make([]any, len(v))
		for i, e := range v {
			list[i] = toAMQPValue(e)
		}
		return list
	case pubsub.Decimal:
		return amqp.Decimal(v)
	}
	return v
}

// fromAMQP returns what came as t. It changes t in place: nobody else has it.
func fromAMQP(t amqp.Table) pubsub.Table {
	for k, v := range t {
		switch v.(type) {
		case amqp.Table, []any, amqp.Decimal, time.Time:
			t[k] = fromAMQPValue(v)
		}
	}
	return pubsub.Table(t)
}

func fromAMQPValue(v any) any {
	switch v := v.(type) {
	case amqp.Table:
		return fromAMQP(v)
	case []any:
		if v == nil {
			return []any{}
		}
		for i, e := range v {
			v[i] = fromAMQPValue(e)
		}
		return v
	case amqp.Decimal:
		return pubsub.Decimal(v)
	case time.Time:
		return v.UTC()
	}
	return v
}

// checkSize refuses a table that doesn't fit into one frame: RabbitMQ would end
// the connection over it.
func checkSize(what string, t pubsub.Table, frame int) error {
	// What else is in the frame is at most a dozen short strings.
	most := frame - 4<<10
	if size := sizeOf(t); frame > 0 && size > most {
		return fmt.Errorf("%w: the %ss take %d bytes; RabbitMQ takes %d here, what fits into one frame", pubsub.ErrUnsupported, what, size, most)
	}
	return nil
}

// sizeOf returns how many bytes a table's value takes in AMQP, at most.
func sizeOf(v any) int {
	size := 5 // a type and a length
	switch v := v.(type) {
	case pubsub.Table:
		for name, e := range v {
			size += 1 + len(name) + sizeOf(e)
		}
	case []any:
		for _, e := range v {
			size += sizeOf(e)
		}
	case string:
		size += len(v)
	case []byte:
		size += len(v)
	default:
		size = 9
	}
	return size
}
