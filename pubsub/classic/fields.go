package classic

import (
	"time"

	"github.com/gobindery/bindery/pubsub"
)

// Arguments returns the arguments that a queue is declared with in AMQP: those
// that fields of [pubsub.Queue] stand for, and the others. It is never nil, and
// shares nothing with q.
// See https://www.rabbitmq.com/docs/queues#optional-arguments.
func Arguments(q pubsub.Queue) pubsub.Table {
	args := q.Arguments.Clone()
	if args == nil {
		args = make(pubsub.Table)
	}
	if q.MessageTTL != nil {
		args["x-message-ttl"] = q.MessageTTL.Milliseconds()
	}
	if q.Expires != 0 {
		args["x-expires"] = q.Expires.Milliseconds()
	}
	if q.MaxLength != nil {
		args["x-max-length"] = int64(*q.MaxLength)
	}
	if q.MaxBytes != nil {
		args["x-max-length-bytes"] = int64(*q.MaxBytes)
	}
	if q.Overflow != "" {
		args["x-overflow"] = string(q.Overflow)
	}
	if q.DeadLetter != nil {
		args["x-dead-letter-exchange"] = q.DeadLetter.Exchange
		if q.DeadLetter.RoutingKey != nil {
			args["x-dead-letter-routing-key"] = *q.DeadLetter.RoutingKey
		}
	}
	if q.MaxPriority != 0 {
		args["x-max-priority"] = int64(q.MaxPriority)
	}
	if q.SingleActiveConsumer {
		args["x-single-active-consumer"] = true
	}
	return args
}

// WithArguments returns q with the arguments that it was declared with in AMQP,
// as a broker lists them: its fields are set from those that they stand for,
// and q.Arguments are the others, also those of a type that the field can't
// have. It keeps args, and takes entries out of it.
func WithArguments(q pubsub.Queue, args pubsub.Table) pubsub.Queue {
	q.MessageTTL, q.MaxLength, q.MaxBytes, q.DeadLetter = nil, nil, nil, nil
	if ms, ok := take[int64](args, "x-message-ttl"); ok {
		q.MessageTTL = new(time.Duration(ms) * time.Millisecond)
	}
	ms, _ := take[int64](args, "x-expires")
	q.Expires = time.Duration(ms) * time.Millisecond
	if n, ok := take[int64](args, "x-max-length"); ok {
		q.MaxLength = new(int(n))
	}
	if n, ok := take[int64](args, "x-max-length-bytes"); ok {
		q.MaxBytes = new(int(n))
	}
	overflow, _ := take[string](args, "x-overflow")
	q.Overflow = pubsub.Overflow(overflow)
	if exchange, ok := take[string](args, "x-dead-letter-exchange"); ok {
		q.DeadLetter = &pubsub.DeadLetter{Exchange: exchange}
		if key, ok := take[string](args, "x-dead-letter-routing-key"); ok {
			q.DeadLetter.RoutingKey = &key
		}
	}
	if n, ok := args["x-max-priority"].(int64); ok && n == int64(uint8(n)) {
		q.MaxPriority = uint8(n)
		delete(args, "x-max-priority")
	}
	q.SingleActiveConsumer, _ = take[bool](args, "x-single-active-consumer")
	q.Arguments = args
	return q
}

// take takes an argument out, if it is there with this type.
func take[T any](args pubsub.Table, name string) (T, bool) {
	v, ok := args[name].(T)
	if ok {
		delete(args, name)
	}
	return v, ok
}
