package rabbitmq

import (
	"github.com/gobindery/bindery/pubsub"
)

// exchangeArguments returns what goes into exchange.declare's arguments. It
// shares nothing with e.
func exchangeArguments(e pubsub.Exchange) pubsub.Table {
	args := e.Arguments.Clone()
	if e.Alternate != "" {
		if args == nil {
			args = make(pubsub.Table)
		}
		args["alternate-exchange"] = e.Alternate
	}
	return args
}

// queueArguments returns what goes into queue.declare's arguments. It shares
// nothing with q. See https://www.rabbitmq.com/docs/queues#optional-arguments.
func queueArguments(q pubsub.Queue) pubsub.Table {
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
