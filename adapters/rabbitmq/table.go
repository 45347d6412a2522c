package rabbitmq

import (
	"fmt"
	"math"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/gobindery/bindery/pubsub"
)

// What amqp091-go refuses to read, ending the connection: it must not be
// sent, or it comes back to every consumer.
const (
	maxDepth   = 32   // tables and lists inside one another, below the outermost table
	maxEntries = 8192 // entries of one table or list
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

// checkSize refuses a table that would end the connection: RabbitMQ's, if it
// doesn't fit into one frame; a consumer's, if amqp091-go can't read it.
func checkSize(what string, t pubsub.Table, frame int) error {
	size, err := sizeOf(what, t, 0)
	if err != nil {
		return err
	}
	// What else is in the frame is at most a dozen short strings.
	if most := frame - 4<<10; frame > 0 && size > most {
		return fmt.Errorf("%w: the %ss take %d bytes; RabbitMQ takes %d here, what fits into one frame", pubsub.ErrUnsupported, what, size, most)
	}
	return nil
}

// sizeOf returns how many bytes v takes in AMQP, about.
func sizeOf(what string, v any, depth int) (int, error) {
	if depth > maxDepth {
		return 0, fmt.Errorf("%w: %ss are nested more than %d deep; amqp091-go can't read that", pubsub.ErrUnsupported, what, maxDepth)
	}
	entries, size := 0, 5
	switch v := v.(type) {
	case pubsub.Table:
		entries = len(v)
		for name, e := range v {
			n, err := sizeOf(what, e, depth+1)
			if err != nil {
				return 0, err
			}
			size += 1 + len(name) + n
		}
	case []any:
		entries = len(v)
		for _, e := range v {
			n, err := sizeOf(what, e, depth+1)
			if err != nil {
				return 0, err
			}
			size += n
		}
	case string:
		size += len(v)
	case []byte:
		size += len(v)
	case float32:
		return 5, checkFloat(what, float64(v))
	case float64:
		return 9, checkFloat(what, v)
	default:
		size = 9
	}
	if entries > maxEntries {
		return 0, fmt.Errorf("%w: a table or list of %d %ss; amqp091-go reads %d at most", pubsub.ErrUnsupported, entries, what, maxEntries)
	}
	return size, nil
}

// checkFloat refuses what Erlang has no number for: RabbitMQ closes the
// connection with an internal error when it reads one.
func checkFloat(what string, f float64) error {
	if math.IsInf(f, 0) || math.IsNaN(f) {
		return fmt.Errorf("%w: a %s is %v; RabbitMQ knows only finite numbers", pubsub.ErrUnsupported, what, f)
	}
	return nil
}
