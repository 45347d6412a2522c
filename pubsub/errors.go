package pubsub

import (
	"errors"
	"fmt"
)

// What a program decides on. Errors of this package and of its adapters wrap
// one of these and the cause; test with [errors.Is].
var (
	// ErrInvalid: the call can't mean anything on any backend. Nothing was
	// sent.
	ErrInvalid = errors.New("invalid argument")

	// ErrNotFound: there is no such exchange, queue or vhost (AMQP code 404).
	ErrNotFound = errors.New("not found")

	// ErrPreconditionFailed: it exists, but not as asked for; or it is in use
	// or not empty (AMQP code 406).
	ErrPreconditionFailed = errors.New("precondition failed")

	// ErrAccessRefused: the broker doesn't allow it: a reserved name, the
	// default exchange, an exclusive consumer, bad credentials (AMQP code
	// 403).
	ErrAccessRefused = errors.New("access refused")

	// ErrResourceLocked: the queue is exclusive to another connection, or is
	// shared where it was asked for exclusively (AMQP code 405).
	ErrResourceLocked = errors.New("resource locked")

	// ErrUnroutable: a mandatory message matched no queue and came back
	// (AMQP code 312).
	ErrUnroutable = errors.New("unroutable")

	// ErrRefused: the broker said no to a publish (basic.nack): a queue with
	// [RejectPublish] is full. Other queues may have taken the message.
	ErrRefused = errors.New("refused by the broker")

	// ErrUnconfirmed: the connection went, or the wait ended, before the
	// broker said whether it took the message. It may or may not arrive.
	ErrUnconfirmed = errors.New("outcome unknown")

	// ErrUnavailable: the broker can't be reached.
	ErrUnavailable = errors.New("broker unavailable")

	// ErrUnsupported: this backend can't do that. It is
	// [errors.ErrUnsupported].
	ErrUnsupported = errors.ErrUnsupported

	// ErrClosed: the Broker or Consumer was closed by this program.
	ErrClosed = errors.New("closed")

	// ErrConsumerCanceled: the broker ended the consumer, because its queue
	// was deleted or can't be had any more.
	ErrConsumerCanceled = errors.New("consumer canceled by the broker")

	// ErrSettled: the delivery was acknowledged, requeued or rejected before,
	// or was acknowledged automatically.
	ErrSettled = errors.New("delivery is already settled")

	// ErrDeliveryLost: the delivery's connection is gone, and the broker has
	// put the message back into its queue; it will come again, redelivered.
	ErrDeliveryLost = errors.New("delivery returned to its queue")
)

// Error tells what was attempted, on what, and why it failed.
type Error struct {
	Op   string // what was attempted, as "declare queue"
	Name string // on what: a name, or a binding in words
	Err  error  // why: wraps one of the package's sentinels, and the cause
}

// Error returns the operation, the name, the reason, and what to do about it
// where that is known.
func (e *Error) Error() string {
	s := e.Op
	if e.Name != "" {
		s += " " + e.Name
	}
	s += ": " + e.Err.Error()
	if h := e.hint(); h != "" {
		s += "; " + h
	}
	return s
}

// Unwrap returns the reason.
func (e *Error) Unwrap() error { return e.Err }

// opError wraps err, unless it is nil.
func opError(op, name string, err error) error {
	if err == nil {
		return nil
	}
	return &Error{Op: op, Name: name, Err: err}
}

// The operations, as they stand in Error.Op.
const (
	opDeclareExchange = "declare exchange"
	opCheckExchange   = "check exchange"
	opDeleteExchange  = "delete exchange"
	opDeclareQueue    = "declare queue"
	opInspectQueue    = "inspect queue"
	opDeleteQueue     = "delete queue"
	opPurgeQueue      = "purge queue"
	opBind            = "bind"
	opUnbind          = "unbind"
	opPublish         = "publish to"
	opConsume         = "consume from"
	opCall            = "call by"
	opReceive         = "receive from"
	opGet             = "get from"
	opCancel          = "cancel consumer of"
	opTopology        = "read topology"
	opShutdown        = "shut down"
	opClose           = "close"
	opOpen            = "open broker"
)

// hint says what to do about e, where that follows from what failed. A reason
// that was found by this package says it itself.
func (e *Error) hint() string {
	switch {
	case errors.Is(e.Err, ErrPreconditionFailed) && (e.Op == opDeclareExchange || e.Op == opDeclareQueue):
		return "declare it as it is, or delete it first"
	case errors.Is(e.Err, ErrResourceLocked):
		return "use the Broker that declared it, or another queue"
	case errors.Is(e.Err, ErrNotFound) && (e.Op == opPublish || e.Op == opBind || e.Op == opConsume || e.Op == opGet):
		return "declare it first"
	case errors.Is(e.Err, ErrUnroutable):
		return "bind a queue that matches, or publish without Mandatory"
	case errors.Is(e.Err, ErrUnconfirmed):
		return "publish it again if it may arrive twice"
	case errors.Is(e.Err, ErrSettled):
		return "settle each delivery once, and none of a consumer with AutoAck"
	}
	return ""
}

var (
	// errBrokerClosed is the reason of every call on a Broker after its end.
	errBrokerClosed = fmt.Errorf("%w: this Broker was closed; open another", ErrClosed)

	// errShuttingDown is the reason of calls that come too late for Shutdown.
	errShuttingDown = fmt.Errorf("%w: this Broker is shutting down", ErrClosed)
)
