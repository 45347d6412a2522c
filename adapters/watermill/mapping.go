package watermill

import (
	"context"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/gobindery/bindery/pubsub"
)

// Mapping says what a Watermill topic means in RabbitMQ's model. The zero value
// is the publish/subscribe tutorial: a durable fanout exchange that has the
// topic's name, and a temporary queue for each Subscribe. The functions are
// called often and by several goroutines at once; each must return the same for
// the same topic.
type Mapping struct {
	// Exchange is where messages of a topic are published, and what is
	// declared before. Nil is a durable fanout exchange named by the topic.
	// One without a name is the default exchange, and is not declared; nor is
	// one whose name begins with "amq.".
	Exchange func(topic string) pubsub.Exchange

	// Key is a message's routing key. Nil is an empty one.
	Key func(topic string, m *message.Message) string

	// Queue is what Subscribe declares and consumes. One without a name is
	// temporary: the broker chooses its name, and it is deleted when its
	// subscription ends. Nil is [pubsub.TempQueue] or, with Group, a durable
	// queue.
	Queue func(topic string) pubsub.Queue

	// Bindings are those of a topic's queue, whose name is given. Nil is one
	// binding to the exchange, with an empty key, and none if that is the
	// default exchange.
	Bindings func(topic, queue string) []pubsub.Binding

	// Group is a consumer group: its members share the durable queue
	// TOPIC_GROUP, and each message goes to one of them. It counts if Queue is
	// nil.
	Group string
}

func (m Mapping) exchange(topic string) pubsub.Exchange {
	if m.Exchange != nil {
		return m.Exchange(topic)
	}
	return pubsub.Exchange{Name: topic, Kind: pubsub.Fanout, Durable: true}
}

func (m Mapping) key(topic string, msg *message.Message) string {
	if m.Key != nil {
		return m.Key(topic, msg)
	}
	return ""
}

func (m Mapping) queue(topic string) pubsub.Queue {
	switch {
	case m.Queue != nil:
		return m.Queue(topic)
	case m.Group != "":
		return pubsub.Queue{Name: topic + "_" + m.Group, Durable: true}
	}
	return pubsub.TempQueue()
}

func (m Mapping) bindings(topic, queue string) []pubsub.Binding {
	if m.Bindings != nil {
		return m.Bindings(topic, queue)
	}
	name := m.exchange(topic).Name
	if name == "" {
		return nil
	}
	return []pubsub.Binding{{Exchange: name, Queue: queue}}
}

// declareExchange declares a topic's exchange, unless the broker has it from
// the start.
func (m Mapping) declareExchange(ctx context.Context, b *pubsub.Broker, topic string) error {
	e := m.exchange(topic)
	if predeclared(e.Name) {
		return nil
	}
	return b.DeclareExchange(ctx, e)
}

// declareQueue declares all that a subscription to a topic needs, and returns
// the queue's name.
func (m Mapping) declareQueue(ctx context.Context, b *pubsub.Broker, topic string) (string, error) {
	if err := m.declareExchange(ctx, b, topic); err != nil {
		return "", err
	}
	queue, err := b.DeclareQueue(ctx, m.queue(topic))
	if err != nil {
		return "", err
	}
	for _, bd := range m.bindings(topic, queue) {
		if err := b.Bind(ctx, bd); err != nil {
			return queue, err
		}
	}
	return queue, nil
}

func predeclared(exchange string) bool {
	return exchange == "" || len(exchange) >= 4 && exchange[:4] == "amq."
}
