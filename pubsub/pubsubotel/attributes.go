package pubsubotel

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/gobindery/bindery/pubsub"
)

// The names of operations, as AMQP or [pubsub.Outcome] calls them.
const (
	opPublish = "publish"
	opReceive = "receive"
	opProcess = "process"
)

// defaultExchange stands for the exchange without a name.
const defaultExchange = "amq.default"

// operation is what spans and metrics of one operation have in common.
type operation struct {
	name, typ string
	broker    *pubsub.Broker

	// destination is one of few: where the conventions' full name has the
	// routing key, of which there may be any number, it names the exchange or
	// the queue.
	destination string
}

// spanName is the name of the operation's span.
func (o *operation) spanName() string { return o.name + " " + o.destination }

// attributes are those of metrics, which spans have too.
func (o *operation) attributes() []attribute.KeyValue {
	return append(ofEndpoint(o.broker.Endpoint()),
		semconv.MessagingOperationName(o.name),
		semconv.MessagingOperationTypeKey.String(o.typ),
		semconv.MessagingDestinationTemplate(o.destination))
}

// ofEndpoint are the attributes of a system and its address.
func ofEndpoint(at pubsub.Endpoint) []attribute.KeyValue {
	all := make([]attribute.KeyValue, 1, 8)
	all[0] = semconv.MessagingSystemKey.String(cmp.Or(at.System, "bindery"))
	if at.Address != "" {
		all = append(all, semconv.ServerAddress(at.Address))
	}
	if at.Port != 0 {
		all = append(all, semconv.ServerPort(at.Port))
	}
	return all
}

func publishing(b *pubsub.Broker, e *pubsub.Envelope) operation {
	to := e.Exchange
	if to == "" {
		to = e.RoutingKey // the queue
	}
	if e.Exchange == "" && (to == "" || anonymous(to)) {
		to = defaultExchange
	}
	return operation{opPublish, "send", b, to}
}

func consuming(name, typ string, b *pubsub.Broker, d pubsub.Delivery) operation {
	from := d.Queue()
	if anonymous(from) {
		from = d.Exchange
	}
	if from == "" {
		from = defaultExchange
	}
	return operation{name, typ, b, from}
}

// anonymous reports whether a queue's name was made up, by the broker or by
// [pubsub.Broker.NewCaller]: there is one for each temporary queue.
func anonymous(queue string) bool {
	random, reply := strings.CutPrefix(queue, "reply.")
	return strings.HasPrefix(queue, "amq.") || reply && len(random) == 26 && strings.ToUpper(random) == random
}

// ofMessage adds the attributes of a message to all. The destination's name is
// that of the conventions for RabbitMQ: exchange, key and queue, joined.
func ofMessage(all []attribute.KeyValue, e *pubsub.Envelope, queue string) []attribute.KeyValue {
	names := []string{e.Exchange, e.RoutingKey, queue}
	if queue == e.RoutingKey {
		names = names[:2]
	}
	names = slices.DeleteFunc(names, func(n string) bool { return n == "" })
	all = append(all,
		semconv.MessagingDestinationName(cmp.Or(strings.Join(names, ":"), defaultExchange)),
		semconv.MessagingMessageBodySize(len(e.Body)))
	if anonymous(queue) {
		all = append(all, semconv.MessagingDestinationAnonymous(true))
	}
	if e.RoutingKey != "" {
		all = append(all, semconv.MessagingRabbitMQDestinationRoutingKey(e.RoutingKey))
	}
	if e.MessageID != "" {
		all = append(all, semconv.MessagingMessageID(e.MessageID))
	}
	if e.CorrelationID != "" {
		all = append(all, semconv.MessagingMessageConversationID(e.CorrelationID))
	}
	return all
}

// errorTypes are the values of error.type for what package pubsub tells apart.
var errorTypes = []struct {
	err  error
	name string
}{
	{pubsub.ErrUnroutable, "unroutable"},
	{pubsub.ErrRefused, "refused"},
	{pubsub.ErrUnconfirmed, "unconfirmed"},
	{pubsub.ErrDeliveryLost, "delivery_lost"},
	{pubsub.ErrReject, "rejected"},
	{pubsub.ErrNotFound, "not_found"},
	{pubsub.ErrAccessRefused, "access_refused"},
	{pubsub.ErrResourceLocked, "resource_locked"},
	{pubsub.ErrPreconditionFailed, "precondition_failed"},
	{pubsub.ErrInvalid, "invalid"},
	{pubsub.ErrUnsupported, "unsupported"},
	{pubsub.ErrClosed, "closed"},
	{pubsub.ErrUnavailable, "unavailable"},
	{context.DeadlineExceeded, "deadline_exceeded"},
	{context.Canceled, "canceled"},
}

// errorType is the attribute error.type: of another error than package pubsub's,
// as a handler's, it is the Go type.
func errorType(err error) attribute.KeyValue {
	for _, t := range errorTypes {
		if errors.Is(err, t.err) {
			return semconv.ErrorTypeKey.String(t.name)
		}
	}
	return semconv.ErrorType(err)
}
