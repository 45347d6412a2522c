package amqpserver

import (
	"strconv"
	"strings"
	"time"

	"github.com/gobindery/bindery/adapters/amqpserver/internal/wire"
	"github.com/gobindery/bindery/pubsub"
)

// message makes a message of what a client sent. It shares the body.
func message(p *wire.Properties, body []byte) (pubsub.Message, error) {
	m := pubsub.Message{
		Body: body, Headers: p.Headers, ContentType: p.ContentType, ContentEncoding: p.ContentEncoding,
		DeliveryMode: pubsub.DeliveryMode(p.DeliveryMode), Priority: p.Priority, CorrelationID: p.CorrelationID, ReplyTo: p.ReplyTo,
		MessageID: p.MessageID, Timestamp: p.Timestamp, Type: p.Type, UserID: p.UserID, AppID: p.AppID,
		Given: pubsub.PropertyFlags(p.Given & mayBeEmpty),
	}
	if p.Given&wire.GivenDeliveryMode != 0 && p.DeliveryMode != 1 && p.DeliveryMode != 2 {
		return m, wire.Errorf(wire.PreconditionFailed, "invalid message: {delivery_mode_unknown,%d}", p.DeliveryMode)
	}
	if p.Given&wire.GivenExpiration != 0 {
		d, why := expiration(p.Expiration)
		if why != "" {
			return m, wire.Errorf(wire.PreconditionFailed, "invalid expiration '%s': %s", p.Expiration, why)
		}
		m.Expiration = &d
	}
	return m, nil
}

// expiration reads the property of that name, milliseconds in decimal. It says
// why it can't in RabbitMQ's words.
func expiration(s string) (d time.Duration, why string) {
	digits := s
	if strings.HasPrefix(s, "-") || strings.HasPrefix(s, "+") {
		digits = s[1:]
	}
	rest := strings.TrimLeft(digits, "0123456789")
	if len(rest) == len(digits) {
		return 0, "no_integer"
	}
	number := s[:len(s)-len(rest)]
	n, _ := strconv.ParseInt(number, 10, 64) // beyond 64 bits it is the nearest
	number = strings.TrimPrefix(number, "+")
	switch {
	case rest != "":
		return 0, "{leftover_string," + strconv.Quote(rest) + "}"
	case n < 0:
		return 0, "{value_negative," + number + "}"
	case n > maxMillis:
		return 0, "{value_too_large," + number + "}"
	}
	return time.Duration(n) * time.Millisecond, ""
}

// mayBeEmpty are the properties that may be there although a message can't show
// it: they are empty.
const mayBeEmpty = wire.GivenContentType | wire.GivenContentEncoding | wire.GivenPriority | wire.GivenCorrelationID | wire.GivenReplyTo |
	wire.GivenMessageID | wire.GivenType | wire.GivenAppID

// properties are those of a message as a client gets it. A property that is
// empty is left out, unless the client that published it gave it so.
func properties(m *pubsub.Message, p *wire.Properties) {
	*p = wire.Properties{
		Given:       uint16(m.Given) & mayBeEmpty,
		ContentType: m.ContentType, ContentEncoding: m.ContentEncoding, Headers: m.Headers, DeliveryMode: uint8(m.DeliveryMode), Priority: m.Priority,
		CorrelationID: m.CorrelationID, ReplyTo: m.ReplyTo, MessageID: m.MessageID, Timestamp: m.Timestamp, Type: m.Type, UserID: m.UserID, AppID: m.AppID,
	}
	if m.Expiration != nil {
		p.Expiration = strconv.FormatInt(m.Expiration.Milliseconds(), 10)
	}
	give := func(bit uint16, there bool) {
		if there {
			p.Given |= bit
		}
	}
	give(wire.GivenContentType, p.ContentType != "")
	give(wire.GivenContentEncoding, p.ContentEncoding != "")
	give(wire.GivenHeaders, m.Headers != nil)
	give(wire.GivenDeliveryMode, p.DeliveryMode != 0)
	give(wire.GivenPriority, p.Priority != 0)
	give(wire.GivenCorrelationID, p.CorrelationID != "")
	give(wire.GivenReplyTo, p.ReplyTo != "")
	give(wire.GivenExpiration, p.Expiration != "")
	give(wire.GivenMessageID, p.MessageID != "")
	give(wire.GivenTimestamp, !p.Timestamp.IsZero())
	give(wire.GivenType, p.Type != "")
	give(wire.GivenUserID, p.UserID != "")
	give(wire.GivenAppID, p.AppID != "")
}

// prefetch turns AMQP's count, where zero is no limit, into a consumer's.
func prefetch(count uint16) int {
	if count == 0 {
		return pubsub.Unlimited
	}
	return int(count)
}

// priority reads the argument x-priority of a consumer, and refuses others that
// RabbitMQ refuses for classic queues.
// See https://www.rabbitmq.com/docs/consumer-priority.
func priority(args pubsub.Table, queue, vhost string) (int32, error) {
	a := arguments{table: args, queue: queue, vhost: vhost}
	a.wantInteger("x-priority")
	n, _ := integer(args["x-priority"])
	if n != int64(int32(n)) {
		a.invalid("x-priority", "\"expected an integer of 32 bits, got %d\"", n)
	}
	if v, ok := args["x-cancel-on-ha-failover"]; ok {
		if _, ok := v.(bool); !ok {
			a.invalid("x-cancel-on-ha-failover", "{unacceptable_type,%s}", typeName(v))
		}
	}
	if _, ok := args["x-stream-offset"]; ok && a.err == nil {
		a.err = wire.Errorf(wire.PreconditionFailed, "invalid arg 'x-stream-offset' for queue '%s' in vhost '%s' of queue type rabbit_classic_queue", queue, vhost)
	}
	return int32(n), a.err
}
