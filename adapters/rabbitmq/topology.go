package rabbitmq

import (
	"context"
	"fmt"
	"strings"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/gobindery/bindery/pubsub"
	"github.com/gobindery/bindery/pubsub/classic"
)

// nothing is the result of an operation that has none.
type nothing = struct{}

// DeclareExchange implements pubsub.Adapter.
func (c *Conn) DeclareExchange(ctx context.Context, e pubsub.Exchange) error {
	r := exchangeRecord{e.Name, string(e.Kind), e.Durable, e.AutoDelete, e.Internal, exchangeArguments(e)}
	if err := checkSize("argument", r.args, int(c.publisher.frame.Load())); err != nil {
		return err
	}
	_, err := operate(ctx, c, true, func(_ *session, ch *amqp.Channel) (nothing, error) {
		err := r.declare(ch)
		if err == nil {
			c.records.exchangeDeclared(r)
		}
		return nothing{}, err
	})
	return err
}

// CheckExchange implements pubsub.Adapter.
func (c *Conn) CheckExchange(ctx context.Context, name string) error {
	_, err := operate(ctx, c, true, func(_ *session, ch *amqp.Channel) (nothing, error) {
		// RabbitMQ looks at nothing but the name.
		return nothing{}, ch.ExchangeDeclarePassive(name, string(pubsub.Direct), false, false, false, false, nil)
	})
	return err
}

// DeleteExchange implements pubsub.Adapter.
func (c *Conn) DeleteExchange(ctx context.Context, name string, o pubsub.DeleteExchangeOptions) error {
	// From now on publishes to it go by the trial lane, and those before are
	// let through.
	c.publisher.setGood(name, false)
	if l := c.publisher.main.Load(); l != nil {
		if err := l.drained(ctx); err != nil {
			return err
		}
	}
	_, err := operate(ctx, c, true, func(_ *session, ch *amqp.Channel) (nothing, error) {
		err := ch.ExchangeDelete(name, o.IfUnused, false)
		if err == nil {
			c.records.exchangeDeleted(name)
		}
		return nothing{}, err
	})
	return err
}

// DeclareQueue implements pubsub.Adapter.
func (c *Conn) DeclareQueue(ctx context.Context, q pubsub.Queue) (pubsub.QueueInfo, error) {
	if v, ok := q.Arguments["x-queue-type"]; ok {
		// RabbitMQ 3.10 would close the connection.
		switch v {
		case amqp.QueueTypeClassic, amqp.QueueTypeQuorum, amqp.QueueTypeStream:
		default:
			return pubsub.QueueInfo{}, fmt.Errorf("%w: unknown queue type %q; use one of %s, %s, %s", pubsub.ErrPreconditionFailed, v, amqp.QueueTypeClassic, amqp.QueueTypeQuorum, amqp.QueueTypeStream)
		}
	}
	r := queueRecord{name: q.Name, chosen: q.Name == "", durable: q.Durable, exclusive: q.Exclusive, autoDelete: q.AutoDelete, args: classic.Arguments(q)}
	if err := checkSize("argument", r.args, int(c.publisher.frame.Load())); err != nil {
		return pubsub.QueueInfo{}, err
	}
	return operate(ctx, c, true, func(_ *session, ch *amqp.Channel) (pubsub.QueueInfo, error) {
		info, err := r.declare(ch, &c.names)
		if err == nil {
			r := r
			r.name = info.Name
			c.records.queueDeclared(r)
		}
		return info, err
	})
}

// InspectQueue implements pubsub.Adapter.
func (c *Conn) InspectQueue(ctx context.Context, name string) (pubsub.QueueInfo, error) {
	if strings.HasPrefix(name, replyTo) {
		// RabbitMQ closes the connection over an address that is gone.
		return pubsub.QueueInfo{}, fmt.Errorf("%w: %q is no queue, but an address of direct reply-to", pubsub.ErrUnsupported, name)
	}
	return operate(ctx, c, true, func(_ *session, ch *amqp.Channel) (pubsub.QueueInfo, error) {
		q, err := ch.QueueDeclarePassive(c.names.current(name), false, false, false, false, nil)
		return pubsub.QueueInfo{Name: name, Ready: q.Messages, Consumers: q.Consumers}, err
	})
}

// DeleteQueue implements pubsub.Adapter.
func (c *Conn) DeleteQueue(ctx context.Context, name string, o pubsub.DeleteQueueOptions) (ready int, err error) {
	return operate(ctx, c, false, func(_ *session, ch *amqp.Channel) (int, error) {
		n, err := ch.QueueDelete(c.names.current(name), o.IfUnused, o.IfEmpty, false)
		if err == nil {
			c.queueGone(name)
		}
		return n, err
	})
}

// queueGone is told when a queue was deleted.
func (c *Conn) queueGone(name string) {
	c.records.queueDeleted(name)
	c.names.forget(name)
}

// PurgeQueue implements pubsub.Adapter.
func (c *Conn) PurgeQueue(ctx context.Context, name string) (purged int, err error) {
	return operate(ctx, c, false, func(_ *session, ch *amqp.Channel) (int, error) {
		return ch.QueuePurge(c.names.current(name), false)
	})
}

// Bind implements pubsub.Adapter.
func (c *Conn) Bind(ctx context.Context, b pubsub.Binding) error {
	b.Arguments = b.Arguments.Clone()
	if err := checkSize("argument", b.Arguments, int(c.publisher.frame.Load())); err != nil {
		return err
	}
	_, err := operate(ctx, c, true, func(_ *session, ch *amqp.Channel) (nothing, error) {
		err := bind(ch, &c.names, b)
		if err == nil {
			c.records.bound(b)
		}
		return nothing{}, err
	})
	return err
}

func bind(ch *amqp.Channel, names *names, b pubsub.Binding) error {
	args := toAMQP(b.Arguments)
	if b.ToExchange != "" {
		return ch.ExchangeBind(b.ToExchange, b.Key, b.Exchange, false, args)
	}
	return ch.QueueBind(names.current(b.Queue), b.Key, b.Exchange, false, args)
}

// Unbind implements pubsub.Adapter.
func (c *Conn) Unbind(ctx context.Context, b pubsub.Binding) error {
	b.Arguments = b.Arguments.Clone()
	if err := checkSize("argument", b.Arguments, int(c.publisher.frame.Load())); err != nil {
		return err
	}
	_, err := operate(ctx, c, true, func(_ *session, ch *amqp.Channel) (nothing, error) {
		var err error
		args := toAMQP(b.Arguments)
		if b.ToExchange != "" {
			err = ch.ExchangeUnbind(b.ToExchange, b.Key, b.Exchange, false, args)
		} else {
			err = ch.QueueUnbind(c.names.current(b.Queue), b.Key, b.Exchange, args)
		}
		if err == nil {
			c.records.unbound(b)
		}
		return nothing{}, err
	})
	return err
}
