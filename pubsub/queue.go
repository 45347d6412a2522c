package pubsub

import (
	"fmt"
	"strings"
	"time"
)

// Queue describes a queue to [Broker.DeclareQueue]. The zero value asks for a
// transient, shared queue whose name the broker chooses.
// Field by field it is https://www.rabbitmq.com/docs/queues.
type Queue struct {
	// Name is at most 255 bytes of UTF-8 without line breaks. Empty: the broker chooses one that
	// begins with "amq.gen-", and DeclareQueue returns it. Other names that
	// begin with "amq." are refused.
	Name string

	// Durable queues outlive a restart of the broker, with their persistent
	// messages.
	Durable bool

	// Exclusive queues belong to the Broker that declares them: no other may
	// declare, consume, get, bind, purge or delete it, and it goes when its
	// Broker is closed. Others may publish to it.
	Exclusive bool

	// AutoDelete queues go when their last consumer leaves. One that never
	// had a consumer stays.
	AutoDelete bool

	// MessageTTL is how long a message may wait in the queue, in whole
	// milliseconds. Nil is for ever; zero drops what can't be handed to a
	// consumer at once. A message's own Expiration counts if it is shorter.
	// See https://www.rabbitmq.com/docs/ttl.
	MessageTTL *time.Duration

	// Expires is how long the queue may stay unused, in whole milliseconds:
	// without a consumer, a declare or a get. Zero is for ever.
	// See https://www.rabbitmq.com/docs/ttl#queue-ttl.
	Expires time.Duration

	// MaxLength is how many ready messages the queue holds; unacknowledged
	// ones don't count. Nil is without limit.
	// See https://www.rabbitmq.com/docs/maxlength.
	MaxLength *int

	// MaxBytes is how many bytes the bodies of the ready messages may have
	// together. Nil is without limit.
	MaxBytes *int

	// Overflow says what happens beyond MaxLength or MaxBytes. Empty is
	// DropHead.
	Overflow Overflow

	// DeadLetter says where messages go that were rejected, expired or
	// dropped from a full queue. Nil: they are gone.
	DeadLetter *DeadLetter

	// MaxPriority makes the queue serve messages of higher priority first, up
	// to this one; a message without a priority has 0. Zero: no priorities.
	// See https://www.rabbitmq.com/docs/priority.
	MaxPriority uint8

	// SingleActiveConsumer lets one consumer at a time have messages; when it
	// leaves, the next one takes over.
	// See https://www.rabbitmq.com/docs/consumers#single-active-consumer.
	SingleActiveConsumer bool

	// Arguments holds further arguments for the broker, as "x-queue-type".
	// Unknown ones don't count when the queue is declared again. An argument
	// that a field above stands for is refused: use the field.
	Arguments Table
}

// TempQueue is a queue for one running receiver: the broker chooses its name,
// and it belongs to the Broker that declares it and goes with it.
func TempQueue() Queue { return Queue{Exclusive: true} }

// Overflow is what a full queue does with one more message.
type Overflow string

const (
	// DropHead drops the oldest ready message, dead-lettering it with the
	// reason "maxlen" if the queue has a dead-letter exchange.
	DropHead Overflow = "drop-head"

	// RejectPublish refuses the new message: its publisher gets [ErrRefused],
	// also if other queues took it. It is not dead-lettered.
	RejectPublish Overflow = "reject-publish"

	// RejectPublishDLX is RejectPublish, and the message is dead-lettered.
	RejectPublishDLX Overflow = "reject-publish-dlx"
)

// DeadLetter is where a queue sends messages that it gives up: rejected,
// expired, or dropped because it is full. They carry their history in the
// header "x-death". See https://www.rabbitmq.com/docs/dlx.
type DeadLetter struct {
	// Exchange need not exist; messages are gone while it doesn't. Empty is
	// the default exchange.
	Exchange string

	// RoutingKey replaces the message's own keys. Nil keeps them.
	RoutingKey *string
}

// QueueInfo is what a broker tells about a queue.
type QueueInfo struct {
	Name string

	// Ready counts the messages that wait for a consumer. Unacknowledged ones
	// don't count.
	Ready int

	// Consumers counts the consumers; with a single active consumer, all of
	// them.
	Consumers int
}

// argumentFields are the arguments that fields of Queue stand for.
var argumentFields = map[string]string{
	"x-message-ttl":             "MessageTTL",
	"x-expires":                 "Expires",
	"x-max-length":              "MaxLength",
	"x-max-length-bytes":        "MaxBytes",
	"x-overflow":                "Overflow",
	"x-dead-letter-exchange":    "DeadLetter.Exchange",
	"x-dead-letter-routing-key": "DeadLetter.RoutingKey",
	"x-max-priority":            "MaxPriority",
	"x-single-active-consumer":  "SingleActiveConsumer",
}

func (q Queue) validate() error {
	if err := checkNewName("queue name", q.Name); err != nil {
		return err
	}
	// A name like amq.gen-… that this Broker was given can't be told from
	// others here; RabbitMQ refuses to declare even that again.
	if strings.HasPrefix(q.Name, "amq.") {
		return fmt.Errorf("%w: queue name %s has the prefix %q, which is the broker's own; leave the name empty to have one chosen", ErrAccessRefused, quote(q.Name), "amq.")
	}
	if q.MessageTTL != nil {
		if err := checkMillis("MessageTTL", *q.MessageTTL); err != nil {
			return err
		}
	}
	if err := checkMillis("Expires", q.Expires); err != nil {
		return err
	}
	for _, f := range []struct {
		name  string
		value *int
	}{{"MaxLength", q.MaxLength}, {"MaxBytes", q.MaxBytes}} {
		if f.value != nil && *f.value < 0 {
			return fmt.Errorf("%w: %s is %d; it must be 0 or more, or nil for no limit", ErrInvalid, f.name, *f.value)
		}
	}
	switch q.Overflow {
	case "", DropHead, RejectPublish, RejectPublishDLX:
	default:
		return fmt.Errorf("%w: unknown overflow %q; it must be one of %s, %s, %s", ErrInvalid, q.Overflow, DropHead, RejectPublish, RejectPublishDLX)
	}
	if q.DeadLetter != nil {
		if err := checkName("dead-letter exchange name", q.DeadLetter.Exchange); err != nil {
			return err
		}
		if k := q.DeadLetter.RoutingKey; k != nil {
			if err := checkName("dead-letter routing key", *k); err != nil {
				return err
			}
		}
	}
	for name := range q.Arguments {
		if field, ok := argumentFields[name]; ok {
			return fmt.Errorf("%w: argument %q has a field of its own: set Queue.%s", ErrInvalid, name, field)
		}
	}
	return checkTable("argument", q.Arguments)
}

// maxTTL is RabbitMQ's limit, ten years of 365 days. It refuses more with
// value_too_large.
const maxTTL = 315_360_000_000 * time.Millisecond

// checkMillis checks a time that a broker counts in milliseconds.
func checkMillis(what string, d time.Duration) error {
	switch {
	case d < 0:
		return fmt.Errorf("%w: %s is %v; it must be 0 or more", ErrInvalid, what, d)
	case d%time.Millisecond != 0:
		return fmt.Errorf("%w: %s is %v; it must be whole milliseconds", ErrInvalid, what, d)
	case d > maxTTL:
		return fmt.Errorf("%w: %s is %v; at most %v are possible", ErrInvalid, what, d, maxTTL)
	}
	return nil
}
