package amqpserver

import (
	"strings"

	"github.com/gobindery/bindery/adapters/amqpserver/internal/wire"
	"github.com/gobindery/bindery/pubsub"
)

// queueName is the queue that a method means: an empty name is the last one
// that was declared on the channel.
func (ch *channel) queueName(name string) (string, error) {
	if name != "" {
		return name, nil
	}
	if ch.lastQueue == "" {
		return "", wire.Errorf(wire.NotFound, "no previously declared queue")
	}
	return ch.lastQueue, nil
}

func (ch *channel) declareQueue(m *wire.QueueDeclare) (wire.Method, error) {
	ctx, a := ch.c.ctx, ch.c.adapter
	var info pubsub.QueueInfo
	var err error
	name := stripLines(m.Queue)
	if name == replyQueue || ch.c.server.replies.find(name, ch.c.vhost) != nil { // it seems to be there, passively or not
		ch.lastQueue = name
		return noWait(m.NoWait, &wire.QueueDeclareOk{Queue: name, ConsumerCount: 1}, nil)
	}
	if m.Passive || isReplyAddress(name) {
		if name == "" {
			return nil, wire.Errorf(wire.NotFound, "no queue '' in vhost '%s'", ch.c.vhost)
		}
		info, err = a.InspectQueue(ctx, name)
	} else {
		if strings.HasPrefix(name, "amq.") {
			return nil, wire.Errorf(wire.AccessRefused, "queue name '%s' contains reserved prefix 'amq.*'", name)
		}
		var q pubsub.Queue
		q, err = queueOf(m, name, ch.c.vhost)
		if err == nil {
			info, err = a.DeclareQueue(ctx, q)
		}
	}
	if err != nil {
		return nil, err
	}
	ch.lastQueue = info.Name
	return noWait(m.NoWait, &wire.QueueDeclareOk{Queue: info.Name, MessageCount: uint32(info.Ready), ConsumerCount: uint32(info.Consumers)}, nil)
}

func (ch *channel) binding(queue, exchange, key string, args pubsub.Table) (pubsub.Binding, error) {
	if queue == "" && key == "" {
		key = ch.lastQueue // so says the specification, of queue.bind
	}
	queue, err := ch.queueName(queue)
	if err == nil && exchange == "" {
		err = errDefaultExchange
	}
	return pubsub.Binding{Exchange: exchange, Queue: queue, Key: key, Arguments: args}, err
}

func (ch *channel) bindQueue(m *wire.QueueBind) error {
	b, err := ch.binding(m.Queue, m.Exchange, m.RoutingKey, m.Arguments)
	if err != nil {
		return err
	}
	return ch.c.adapter.Bind(ch.c.ctx, b)
}

func (ch *channel) unbindQueue(m *wire.QueueUnbind) error {
	b, err := ch.binding(m.Queue, m.Exchange, m.RoutingKey, m.Arguments)
	if err != nil {
		return err
	}
	return ch.c.adapter.Unbind(ch.c.ctx, b)
}

func (ch *channel) purgeQueue(m *wire.QueuePurge) (wire.Method, error) {
	name, err := ch.queueName(m.Queue)
	if err != nil {
		return nil, err
	}
	n, err := ch.c.adapter.PurgeQueue(ch.c.ctx, name)
	return noWait(m.NoWait, &wire.QueuePurgeOk{MessageCount: uint32(n)}, err)
}

func (ch *channel) deleteQueue(m *wire.QueueDelete) (wire.Method, error) {
	name, err := ch.queueName(m.Queue)
	if err != nil {
		return nil, err
	}
	n, err := ch.c.adapter.DeleteQueue(ch.c.ctx, name, pubsub.DeleteQueueOptions{IfUnused: m.IfUnused, IfEmpty: m.IfEmpty})
	return noWait(m.NoWait, &wire.QueueDeleteOk{MessageCount: uint32(n)}, err)
}
