package pubsubotel

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/gobindery/bindery/pubsub"
)

// schemaURL says which version of the conventions all names are of. Two were
// renamed by it; OpenTelemetry's Go module has the others, of 1.43.0.
const schemaURL = "https://opentelemetry.io/schemas/1.45.0"

const (
	systemName = attribute.Key("messaging.system.name")
	routingKey = attribute.Key("rabbitmq.destination.routing_key")
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
	all[0] = systemName.String(cmp.Or(at.System, "bindery"))
	if at.Address != "" {
		all = append(all, semconv.ServerAddress(at.Address))
	}
	if at.Port != 0 {
		all = append(all, semconv.ServerPort(at.Port))
	}
	return all
}

func (i *instrumentation) publishing(b *pubsub.Broker, e *pubsub.Envelope) operation {
	to := e.Exchange
	if to == "" && !anonymous(e.RoutingKey) {
		to = e.RoutingKey // the queue
	}
	return operation{opPublish, "send", b, i.template(to)}
}

func (i *instrumentation) consuming(name, typ string, b *pubsub.Broker, d pubsub.Delivery) operation {
	from := d.Queue()
	if anonymous(from) {
		from = d.Exchange
	}
	return operation{name, typ, b, i.template(from)}
}

// template is what stands for the name of an exchange or a queue.
func (i *instrumentation) template(name string) string {
	switch {
	case name == "":
		return defaultExchange
	case i.Template != nil:
		return i.Template(name)
	}
	return name
}

// anonymous reports whether a queue's name was made up, by the broker or by
// [pubsub.Broker.NewCaller]: there is one for each temporary queue.
func anonymous(queue string) bool {
	random, reply := strings.CutPrefix(queue, "reply.")
	return strings.HasPrefix(queue, "amq.") || reply && len(random) == 26 && strings.ToUpper(random) == random
}

// ofMessage adds the attributes of a message to all. The queue is empty for a
// publish.
func (i *instrumentation) ofMessage(all []attribute.KeyValue, e *pubsub.Envelope, queue string) []attribute.KeyValue {
	all = append(all, semconv.MessagingDestinationName(fullName(e.Exchange, e.RoutingKey, queue)))
	if anonymous(queue) || queue == "" && e.Exchange == "" && anonymous(e.RoutingKey) {
		all = append(all, semconv.MessagingDestinationAnonymous(true))
	}
	if e.RoutingKey != "" {
		all = append(all, routingKey.String(e.RoutingKey))
	}
	if e.MessageID != "" {
		all = append(all, semconv.MessagingMessageID(e.MessageID))
	}
	if e.CorrelationID != "" {
		all = append(all, semconv.MessagingMessageConversationID(e.CorrelationID))
	}
	if i.BodySize {
		all = append(all, semconv.MessagingMessageBodySize(len(e.Body)))
	}
	return all
}

// ofBatch adds the attributes of n messages of a queue, whose exchanges and
// keys may differ.
func ofBatch(all []attribute.KeyValue, n int, queue string) []attribute.KeyValue {
	all = append(all, semconv.MessagingBatchMessageCount(n), semconv.MessagingDestinationName(queue))
	if anonymous(queue) {
		all = append(all, semconv.MessagingDestinationAnonymous(true))
	}
	return all
}

// fullName is a destination's name by the conventions for RabbitMQ: exchange,
// key and queue, without what is empty or stands there already.
func fullName(exchange, key, queue string) string {
	names := []string{exchange, key, queue}
	if queue == key {
		names = names[:2]
	}
	names = slices.DeleteFunc(names, func(n string) bool { return n == "" })
	return cmp.Or(strings.Join(names, ":"), defaultExchange)
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
	{pubsub.ErrPark, "parked"},
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
	{pubsub.ErrRetryNow, "retried"},
}

// errorType is the attribute error.type: what the error's method ErrorType says,
// as that of a handler's panic, whatever that was with; or else the name of the
// error of package pubsub that it is, or its Go type.
func errorType(err error) attribute.KeyValue {
	if n, ok := err.(interface{ ErrorType() string }); ok && n.ErrorType() != "" {
		return semconv.ErrorType(err)
	}
	for _, t := range errorTypes {
		if errors.Is(err, t.err) {
			return semconv.ErrorTypeKey.String(t.name)
		}
	}
	var named interface{ ErrorType() string }
	if !errors.As(err, &named) || named.ErrorType() == "" {
		err = cause(err)
	}
	return semconv.ErrorType(err)
}

// cause returns what package pubsub has wrapped: its own types say nothing.
func cause(err error) error {
	for {
		inner := errors.Unwrap(err)
		t := reflect.TypeOf(err)
		if inner == nil || t.Kind() != reflect.Pointer || t.Elem().PkgPath() != wrapper.PkgPath() && t != fmtWrapper {
			return err
		}
		err = inner
	}
}

var (
	wrapper    = reflect.TypeFor[pubsub.Error]()
	fmtWrapper = reflect.TypeOf(fmt.Errorf("%w", context.Canceled))
)
