package pubsub

import (
	"context"
	"fmt"
)

// Publish sends a message to an exchange and returns when the broker has taken
// responsibility for it (a publisher confirm): every queue that matches has
// it, on disk where the queue is durable and the message persistent. The empty
// exchange is the default exchange: it routes to the queue named by key.
//
// A message that matches no queue is dropped, unless [Mandatory] is given:
// then it is [ErrUnroutable]. A missing exchange is [ErrNotFound], a full
// queue with [RejectPublish] is [ErrRefused]. If ctx ends or the connection
// breaks before the confirm, the error wraps [ErrUnconfirmed]: the message may
// or may not arrive. If ctx ends before the message is sent, the error wraps
// that of ctx alone. See https://www.rabbitmq.com/docs/confirms.
func (b *Broker) Publish(ctx context.Context, exchange, key string, m Message, opts ...PublishOption) error {
	p := b.send(ctx, exchange, key, &m, opts)
	return p.wait(ctx)
}

// PublishAsync sends a message as Publish does, and returns when it is on its
// way: the Confirmation tells the outcome, errors in the arguments included.
// Messages of one goroutine are sent in its order. It waits while
// [Options.MaxInFlight] publishes are without an outcome.
func (b *Broker) PublishAsync(ctx context.Context, exchange, key string, m Message, opts ...PublishOption) Confirmation {
	return Confirmation{b.send(ctx, exchange, key, &m, opts)}
}

// send checks a message and hands it to the adapter.
func (b *Broker) send(ctx context.Context, exchange, key string, m *Message, opts []PublishOption) *Publication {
	p := new(Publication)
	p.Exchange, p.RoutingKey = exchange, key
	m.copyTo(&p.Message)
	for _, o := range opts {
		switch o {
		case Mandatory:
			p.Mandatory = true
		case Immutable:
			p.Immutable = true
		}
	}
	var traced *PublishTrace
	if b.trace != nil {
		ctx, traced = b.trace.startPublish(ctx, p)
	}
	if err := b.checkPublish(ctx, p); err != nil {
		p.Confirm(err)
		return p
	}
	p.Timestamp = seconds(p.Timestamp)
	if err := b.publishing.acquire(ctx); err != nil {
		p.Confirm(fmt.Errorf("not sent: waited for one of %d publishes in flight: %w", b.publishing.limit, err))
		return p
	}
	p.Confirmed = b.confirmed
	// Looked at again, now that p is counted: Shutdown waits for it, or this
	// sees Shutdown.
	if err := b.mayPublish(); err != nil {
		p.Confirm(err)
		return p
	}
	if traced != nil {
		traced.Sent = true
	}
	b.adapter.Publish(ctx, p)
	return p
}

func (b *Broker) mayPublish() error {
	switch b.state.Load() {
	case finishing:
		return errShuttingDown
	case closed:
		return errBrokerClosed
	}
	return nil
}

func (b *Broker) checkPublish(ctx context.Context, p *Publication) error {
	if err := b.mayPublish(); err != nil {
		return err
	}
	if err := checkName("exchange name", p.Exchange); err != nil {
		return err
	}
	if err := checkName("routing key", p.RoutingKey); err != nil {
		return err
	}
	if err := p.Message.validateProperties(); err != nil {
		return err
	}
	plain := len(p.Headers) == 0 || isPlain(p.Headers)
	if !plain {
		if err := checkTable("header", p.Headers); err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return fmt.Errorf("not sent: %w", context.Cause(ctx))
	}
	if plain {
		return nil
	}
	p.Headers, _ = p.Headers.normalize()
	var err error
	p.MoreKeys, err = senderSelected(p.Headers)
	return err
}

// senderSelected returns the keys in the headers CC and BCC. RabbitMQ refuses
// one that is no list, and passes over what is no string in it.
func senderSelected(headers Table) (keys []string, err error) {
	for _, name := range [...]string{"CC", "BCC"} {
		v, ok := headers[name]
		if !ok {
			continue
		}
		list, ok := v.([]any)
		if !ok {
			return nil, fmt.Errorf("%w: the header %s is a %T; it must be a list of strings ([]any)", ErrPreconditionFailed, name, v)
		}
		for _, k := range list {
			if s, ok := k.(string); ok {
				keys = append(keys, s)
			}
		}
	}
	return keys, nil
}
