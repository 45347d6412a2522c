package pubsub

import "context"

// Adapter is what a backend implements; users call [Broker], which has one.
// An Adapter is one connection in RabbitMQ's sense: exclusive queues belong to
// it, and what it has not settled returns to its queue when it closes.
//
// The Broker has checked every argument for what no backend could do, so that
// an adapter deals with what depends on the broker's state: it need not look
// for names that are too long or tables with impossible values.
//
// All methods are safe for concurrent use, Close included: those that run
// meanwhile end, and those that come later return [ErrClosed]; Publish
// confirms with it. The context bounds the call, not what it creates. An error
// wraps one of the sentinels of this package and the cause, and says why in
// the broker's own words; the Broker adds what was attempted, and on what.
// What an adapter cannot keep exactly as RabbitMQ it refuses when it is
// declared, with [ErrUnsupported], naming the feature and the backend.
// Arguments belong to the caller: what is kept must be copied.
//
// Package pubsubtest tests an Adapter against the model.
type Adapter interface {
	// DeclareExchange makes an exchange, or checks that the one there is
	// equal: else [ErrPreconditionFailed]. A new name that begins with "amq."
	// is [ErrAccessRefused].
	DeclareExchange(ctx context.Context, e Exchange) error

	// CheckExchange returns [ErrNotFound] if there is no such exchange.
	CheckExchange(ctx context.Context, name string) error

	// DeleteExchange deletes an exchange and the bindings from and to it. One
	// that is missing is no error. A name that begins with "amq." is
	// [ErrAccessRefused]; an exchange with bindings from it, and IfUnused,
	// is [ErrPreconditionFailed].
	DeleteExchange(ctx context.Context, name string, o DeleteExchangeOptions) error

	// DeclareQueue makes a queue, or checks that the one there is equal, and
	// tells its name and counts. An unequal one is [ErrPreconditionFailed];
	// one that is exclusive to another connection, or differs in Exclusive, is
	// [ErrResourceLocked]. The name that it chooses stays valid for the
	// adapter's life, across reconnects.
	DeclareQueue(ctx context.Context, q Queue) (QueueInfo, error)

	// InspectQueue tells a queue's counts. It counts as a use of the queue.
	InspectQueue(ctx context.Context, name string) (QueueInfo, error)

	// DeleteQueue deletes a queue with its bindings, and tells how many ready
	// messages were in it. One that is missing is no error.
	DeleteQueue(ctx context.Context, name string, o DeleteQueueOptions) (ready int, err error)

	// PurgeQueue drops the ready messages and tells how many.
	PurgeQueue(ctx context.Context, name string) (purged int, err error)

	// Bind adds a binding. A missing exchange or queue is [ErrNotFound], the
	// source named first.
	Bind(ctx context.Context, b Binding) error

	// Unbind takes a binding away. One that is missing is no error, nor is a
	// missing queue or exchange. One to a queue that is exclusive to another
	// connection is [ErrResourceLocked].
	Unbind(ctx context.Context, b Binding) error

	// Publish sends p and returns when p.Message may be changed by its owner:
	// it keeps p itself, but not p.Message.Body and p.Message.Headers without
	// copying them. It calls [Publication.Confirm] once, before or after it
	// returns. The context bounds only the time until the message is on its
	// way (a blocked connection, say). Publications of one goroutine are sent
	// in its order.
	Publish(ctx context.Context, p *Publication)

	// Consume starts a consumer on a queue.
	Consume(ctx context.Context, queue string, o ConsumeOptions) (Subscription, error)

	// Get takes one message from a queue. With nothing ready, Got.OK is false.
	Get(ctx context.Context, queue string, o GetOptions) (Got, error)

	// Close ends the connection, and returns once all is released: unsettled
	// deliveries are back in their queues, exclusive queues are gone, and each
	// publication has its outcome. A second call does nothing.
	Close() error
}

// Subscription is a consumer, as an [Adapter] implements it. All methods are
// safe for concurrent use, except that Receive is called by one goroutine at a
// time.
type Subscription interface {
	Settler

	// Receive waits for deliveries and puts them into buf, in the queue's
	// order, as many as there are at once and fit. It returns (0, ctx.Err())
	// when ctx ends, [ErrClosed] after Cancel or Close, and
	// [ErrConsumerCanceled] when the broker ended the consumer; deliveries
	// that were there before come first, unless Cancel has returned them.
	// Messages must not change once they were handed over.
	Receive(ctx context.Context, buf []Incoming) (int, error)

	// Cancel stops deliveries. Those that Receive has not handed over go back
	// to the queue; those that it has may still be settled. A second call does
	// nothing.
	Cancel(ctx context.Context) error

	// Close is Cancel, and what is unsettled goes back to the queue. A second
	// call does nothing.
	Close() error
}

// Settler takes what becomes of a delivery. Safe for concurrent use.
type Settler interface {
	// Settle settles the delivery that carried the tag. The Broker settles
	// each tag at most once by itself. With multiple, every unsettled delivery
	// of this Settler up to the tag is settled with it; the tag's own may be
	// settled already. Where such a call overtakes one for a single tag, the
	// later one is ignored. An error that wraps [ErrDeliveryLost] says that
	// the delivery has gone back to its queue already, as after Close; after
	// any error, the Broker does not try again. The context bounds only a
	// wait: one that has ended is no reason not to settle. A nil error may
	// come before the broker has seen the outcome; Close and Cancel of the
	// Subscription, and Close of the Adapter, wait for outcomes that were
	// given before them.
	Settle(ctx context.Context, tag uint64, o Outcome, multiple bool) error
}

// Outcome is what becomes of a delivery.
type Outcome uint8

const (
	// Ack: the message is done with.
	Ack Outcome = iota + 1

	// Requeue: it goes back to its place in the queue, marked as redelivered.
	Requeue

	// Reject: it is dead-lettered, or dropped.
	Reject
)

// String returns the outcome's name.
func (o Outcome) String() string {
	switch o {
	case Ack:
		return "ack"
	case Requeue:
		return "requeue"
	case Reject:
		return "reject"
	}
	return "invalid outcome"
}

// Incoming is one delivery, as a [Subscription] hands it over.
type Incoming struct {
	// Envelope may be shared with other receivers.
	*Envelope

	// Redelivered says that the message was handed out before.
	Redelivered bool

	// Tag names the delivery to Settle. A Subscription counts from 1.
	Tag uint64
}

// Got is what [Adapter.Get] found.
type Got struct {
	Incoming
	OK      bool    // false: nothing was ready
	Ready   int     // how many messages are still ready
	Settler Settler // nil with AutoAck
}
