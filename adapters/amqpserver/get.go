package amqpserver

import (
	"github.com/gobindery/bindery/adapters/amqpserver/internal/wire"
	"github.com/gobindery/bindery/pubsub"
)

// get takes one message.
func (ch *channel) get(m *wire.BasicGet) error {
	name, err := ch.queueName(m.Queue)
	if err != nil {
		return err
	}
	got, err := ch.c.adapter.Get(ch.c.ctx, name, pubsub.GetOptions{AutoAck: m.NoAck})
	if err != nil {
		return err
	}
	if !got.OK {
		ch.send(&wire.BasicGetEmpty{})
		return nil
	}
	var p wire.Properties
	properties(&got.Message, &p)
	ch.mu.Lock()
	if ch.closed { // by the outcome of a publish, while this went on
		ch.mu.Unlock()
		if got.Settler != nil {
			return got.Settler.Settle(ch.c.ctx, got.Tag, pubsub.Requeue, false)
		}
		return nil
	}
	defer ch.mu.Unlock()
	ok := wire.BasicGetOk{
		DeliveryTag: ch.unacked.add(held{settler: got.Settler, tag: got.Tag}),
		Redelivered: got.Redelivered, Exchange: got.Exchange, RoutingKey: got.RoutingKey, MessageCount: uint32(got.Ready),
	}
	ch.c.counters.delivered.Add(1)
	ch.c.sendContent(ch.id, &ok, &p, got.Body)
	return nil
}
