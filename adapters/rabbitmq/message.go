package rabbitmq

import (
	"strconv"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/gobindery/bindery/pubsub"
)

// publishing returns m as amqp091-go takes it. It shares memory with m.
func publishing(m *pubsub.Message) amqp.Publishing {
	p := amqp.Publishing{
		Headers:         toAMQP(m.Headers),
		ContentType:     m.ContentType,
		ContentEncoding: m.ContentEncoding,
		DeliveryMode:    uint8(m.DeliveryMode),
		Priority:        m.Priority,
		CorrelationId:   m.CorrelationID,
		ReplyTo:         m.ReplyTo,
		MessageId:       m.MessageID,
		Timestamp:       m.Timestamp,
		Type:            m.Type,
		UserId:          m.UserID,
		AppId:           m.AppID,
		Body:            m.Body,
	}
	if m.Expiration != nil {
		p.Expiration = strconv.FormatInt(m.Expiration.Milliseconds(), 10)
	}
	return p
}

// incoming returns what came as d, which is nobody else's. The tag is AMQP's.
func incoming(d *amqp.Delivery, names *names) pubsub.Incoming {
	e := &pubsub.Envelope{
		Message: pubsub.Message{
			Body:            d.Body,
			Headers:         fromAMQP(d.Headers),
			ContentType:     d.ContentType,
			ContentEncoding: d.ContentEncoding,
			DeliveryMode:    pubsub.DeliveryMode(d.DeliveryMode),
			Priority:        d.Priority,
			CorrelationID:   d.CorrelationId,
			ReplyTo:         names.first(d.ReplyTo),
			Expiration:      expiration(d.Expiration),
			MessageID:       d.MessageId,
			Type:            d.Type,
			UserID:          d.UserId,
			AppID:           d.AppId,
		},
		Exchange:   d.Exchange,
		RoutingKey: d.RoutingKey,
	}
	if !d.Timestamp.IsZero() {
		e.Timestamp = d.Timestamp.UTC()
	}
	if d.Exchange == "" {
		e.RoutingKey = names.first(d.RoutingKey)
	}
	return pubsub.Incoming{Envelope: e, Redelivered: d.Redelivered, Tag: d.DeliveryTag}
}

// expiration reads what RabbitMQ let pass: a number of milliseconds, at most
// ten years.
func expiration(s string) *time.Duration {
	if s == "" {
		return nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return nil
	}
	d := time.Duration(n) * time.Millisecond
	return &d
}
