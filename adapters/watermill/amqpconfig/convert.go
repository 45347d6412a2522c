package amqpconfig

import (
	"fmt"
	"strconv"
	"time"

	amqp091 "github.com/rabbitmq/amqp091-go"

	"github.com/gobindery/bindery/pubsub"
)

// fromPublishing keeps every property.
func fromPublishing(p amqp091.Publishing) (pubsub.Message, error) {
	m := pubsub.Message{
		Body:            p.Body,
		Headers:         fromTable(p.Headers),
		ContentType:     p.ContentType,
		ContentEncoding: p.ContentEncoding,
		DeliveryMode:    pubsub.DeliveryMode(p.DeliveryMode),
		Priority:        p.Priority,
		CorrelationID:   p.CorrelationId,
		ReplyTo:         p.ReplyTo,
		MessageID:       p.MessageId,
		Timestamp:       p.Timestamp,
		Type:            p.Type,
		UserID:          p.UserId,
		AppID:           p.AppId,
	}
	if p.Expiration != "" {
		ms, err := strconv.ParseInt(p.Expiration, 10, 64)
		if err != nil {
			return m, fmt.Errorf("%w: the expiration %q is no number of milliseconds", pubsub.ErrInvalid, p.Expiration)
		}
		m.Expiration = new(time.Duration(ms) * time.Millisecond)
	}
	return m, nil
}

// toDelivery is what amqp091-go would have delivered, but without tags and an
// Acknowledger: a Marshaler settles nothing. Only the body is shared.
func toDelivery(d pubsub.Delivery) amqp091.Delivery {
	out := amqp091.Delivery{
		Headers:         toTable(d.Headers),
		ContentType:     d.ContentType,
		ContentEncoding: d.ContentEncoding,
		DeliveryMode:    uint8(d.DeliveryMode),
		Priority:        d.Priority,
		CorrelationId:   d.CorrelationID,
		ReplyTo:         d.ReplyTo,
		MessageId:       d.MessageID,
		Timestamp:       d.Timestamp,
		Type:            d.Type,
		UserId:          d.UserID,
		AppId:           d.AppID,
		Redelivered:     d.Redelivered,
		Exchange:        d.Exchange,
		RoutingKey:      d.RoutingKey,
		Body:            d.Body,
	}
	if d.Expiration != nil {
		out.Expiration = strconv.FormatInt(d.Expiration.Milliseconds(), 10)
	}
	return out
}

// fromTable copies t, with the model's types.
func fromTable(t amqp091.Table) pubsub.Table {
	if t == nil {
		return nil
	}
	out := make(pubsub.Table, len(t))
	for k, v := range t {
		out[k] = fromValue(v)
	}
	return out
}

func fromValue(v any) any {
	switch v := v.(type) {
	case amqp091.Table:
		return fromTable(v)
	case []any:
		list := make([]any, len(v))
		for i, e := range v {
			list[i] = fromValue(e)
		}
		return list
	case amqp091.Decimal:
		return pubsub.Decimal(v)
	case int:
		if n := int32(v); int(n) == v {
			return n // as amqp091-go sends it; the model would make it an int64
		}
	}
	return v
}

// toTable copies t, with amqp091-go's types.
func toTable(t pubsub.Table) amqp091.Table {
	if t == nil {
		return nil
	}
	out := make(amqp091.Table, len(t))
	for k, v := range t {
		out[k] = toValue(v)
	}
	return out
}

func toValue(v any) any {
	switch v := v.(type) {
	case pubsub.Table:
		return toTable(v)
	case []any:
		list := make([]any, len(v))
		for i, e := range v {
			list[i] = toValue(e)
		}
		return list
	case pubsub.Decimal:
		return amqp091.Decimal(v)
	}
	return v
}
