// Package amqpconfig runs programs made for watermill-amqp v3 on any backend:
// [FromAMQPConfig] takes the configuration that they have.
//
//	c, err := amqpconfig.FromAMQPConfig(amqp.NewDurablePubSubConfig("", queueName))
//	pub, err := c.NewPublisher(b) // was amqp.NewPublisher(config, logger)
//	sub, err := c.NewSubscriber(b)
//
// It is a package of its own so that programs without it don't build
// watermill-amqp.
package amqpconfig

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/ThreeDotsLabs/watermill-amqp/v3/pkg/amqp"
	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/gobindery/bindery/adapters/watermill"
	"github.com/gobindery/bindery/pubsub"
	"github.com/gobindery/bindery/pubsub/classic"
)

// Config is what a configuration of watermill-amqp means here. Publisher and
// Subscriber may be changed before use: without StrictOrder, and with a higher
// prefetch, messages are worked on at the same time.
type Config struct {
	Publisher  watermill.PublisherConfig
	Subscriber watermill.SubscriberConfig

	noKey, noQueue bool // generators that are missing
}

// FromAMQPConfig reads a configuration of watermill-amqp v3. What it can't keep
// is refused by name, with [pubsub.ErrUnsupported]; what is missing is
// [pubsub.ErrInvalid].
//
// As there, a message is handed out when the one before is settled, and a nack
// requeues, or rejects with NoRequeueOnNack. Otherwise than there, each publish
// is confirmed, a mandatory message that no queue takes is
// [pubsub.ErrUnroutable], and a delivery that the Marshaler can't read is
// rejected instead of requeued for ever.
//
// Connection belongs to who opens the Broker and is not looked at. The NoWait
// fields, ChannelPoolSize, ConfirmDelivery and Qos.Global make no difference, nor
// does NoLocal, which RabbitMQ ignores.
func FromAMQPConfig(c amqp.Config) (*Config, error) {
	if err := errors.Join(missing(c), unsupported(c)); err != nil {
		return nil, fmt.Errorf("read the configuration of watermill-amqp: %w", err)
	}
	m := watermill.Mapping{
		Exchange: func(topic string) pubsub.Exchange { return exchange(c, topic) },
		Queue:    func(topic string) pubsub.Queue { return queue(c, topic) },
		Bindings: func(topic, queue string) []pubsub.Binding { return bindings(c, topic, queue) },
	}
	if generate := c.Publish.GenerateRoutingKey; generate != nil {
		m.Key = func(topic string, _ *message.Message) string { return generate(topic) }
	}
	out := &Config{
		Publisher: watermill.PublisherConfig{Mapping: m, Marshaler: marshaler{c.Marshaler}},
		Subscriber: watermill.SubscriberConfig{
			Mapping:     m,
			Marshaler:   marshaler{c.Marshaler},
			StrictOrder: true,
			Consume: pubsub.ConsumeOptions{
				Prefetch:  c.Consume.Qos.PrefetchCount,
				Exclusive: c.Consume.Exclusive,
				Tag:       c.Consume.Consumer,
			},
		},
		noKey:   c.Publish.GenerateRoutingKey == nil,
		noQueue: c.Queue.GenerateName == nil,
	}
	if c.Publish.Mandatory {
		out.Publisher.Options = []pubsub.PublishOption{pubsub.Mandatory}
	}
	if c.Consume.NoRequeueOnNack {
		out.Subscriber.Nack = watermill.NackReject
	}
	if out.Subscriber.Consume.Prefetch == 0 {
		out.Subscriber.Consume.Prefetch = pubsub.Unlimited // as in AMQP
	}
	return out, nil
}

// NewPublisher returns a publisher that uses b. It needs
// Publish.GenerateRoutingKey, as amqp.NewPublisher does.
func (c *Config) NewPublisher(b *pubsub.Broker) (*watermill.Publisher, error) {
	if c.noKey {
		return nil, fmt.Errorf("make a publisher: %w: Config.Publish.GenerateRoutingKey is missing", pubsub.ErrInvalid)
	}
	return watermill.NewPublisher(b, c.Publisher), nil
}

// NewSubscriber returns a subscriber that uses b. It needs Queue.GenerateName,
// as amqp.NewSubscriber does.
func (c *Config) NewSubscriber(b *pubsub.Broker) (*watermill.Subscriber, error) {
	if c.noQueue {
		return nil, fmt.Errorf("make a subscriber: %w: Config.Queue.GenerateName is missing", pubsub.ErrInvalid)
	}
	return watermill.NewSubscriber(b, c.Subscriber), nil
}

func missing(c amqp.Config) error {
	var errs []error
	for _, field := range []struct {
		name string
		is   bool
	}{
		{"Marshaler", c.Marshaler != nil},
		{"Exchange.GenerateName", c.Exchange.GenerateName != nil},
	} {
		if !field.is {
			errs = append(errs, fmt.Errorf("%w: Config.%s is missing", pubsub.ErrInvalid, field.name))
		}
	}
	return errors.Join(errs...)
}

// unsupported names what can't be kept.
func unsupported(c amqp.Config) error {
	var errs []error
	refuse := func(name, why string) {
		errs = append(errs, fmt.Errorf("%w: Config.%s: %s", pubsub.ErrUnsupported, name, why))
	}
	switch c.TopologyBuilder.(type) {
	case nil, *amqp.DefaultTopologyBuilder:
	default:
		refuse(fmt.Sprintf("TopologyBuilder of type %T", c.TopologyBuilder),
			"it declares on an AMQP channel; declare with the Broker, or use a watermill.Mapping")
	}
	if kind := pubsub.Kind(c.Exchange.Type); kind != "" && !slices.Contains(pubsub.Kinds(), kind) {
		refuse(fmt.Sprintf("Exchange.Type %q", kind), "the model has only RabbitMQ's own kinds")
	}
	// RabbitMQ compares an argument that is there with one that isn't.
	nameless := c
	nameless.Queue.GenerateName = nil // there is no topic yet
	kept := classic.Arguments(queue(nameless, ""))
	for _, name := range slices.Sorted(maps.Keys(c.Queue.Arguments)) {
		if _, ok := kept[name]; !ok {
			refuse(fmt.Sprintf("Queue.Arguments[%q] of %v", name, c.Queue.Arguments[name]),
				"the model can't tell it from one that isn't there, RabbitMQ can; leave it out")
		}
	}
	if c.Publish.Transactional {
		refuse("Publish.Transactional", "there are no transactions; publishes are confirmed without")
	}
	if c.Publish.Immediate {
		refuse("Publish.Immediate", "RabbitMQ doesn't have it either")
	}
	if c.Consume.Qos.PrefetchSize != 0 {
		refuse("Consume.Qos.PrefetchSize", "RabbitMQ doesn't have it either; use PrefetchCount")
	}
	if len(c.Consume.Arguments) > 0 {
		refuse("Consume.Arguments", "set Subscriber.Consume of the result, as its Priority for x-priority")
	}
	return errors.Join(errs...)
}

func exchange(c amqp.Config, topic string) pubsub.Exchange {
	e := pubsub.Exchange{
		Name:       c.Exchange.GenerateName(topic),
		Kind:       pubsub.Kind(c.Exchange.Type),
		Durable:    c.Exchange.Durable,
		AutoDelete: c.Exchange.AutoDeleted,
		Internal:   c.Exchange.Internal,
		Arguments:  fromTable(c.Exchange.Arguments),
	}
	if alternate, ok := e.Arguments["alternate-exchange"].(string); ok {
		e.Alternate = alternate
		delete(e.Arguments, "alternate-exchange")
	}
	return e
}

func queue(c amqp.Config, topic string) pubsub.Queue {
	q := pubsub.Queue{Durable: c.Queue.Durable, AutoDelete: c.Queue.AutoDelete, Exclusive: c.Queue.Exclusive}
	if c.Queue.GenerateName != nil {
		q.Name = c.Queue.GenerateName(topic)
	}
	args := fromTable(c.Queue.Arguments)
	for name, v := range args {
		args[name] = wide(v)
	}
	return classic.WithArguments(q, args)
}

// wide makes an integer of any size the one that the model's fields are read
// from. RabbitMQ doesn't tell them apart in a queue's arguments.
func wide(v any) any {
	switch n := reflect.ValueOf(v); n.Kind() {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32:
		return n.Int()
	case reflect.Uint8, reflect.Uint16, reflect.Uint32:
		return int64(n.Uint())
	}
	return v
}

func bindings(c amqp.Config, topic, queue string) []pubsub.Binding {
	b := pubsub.Binding{
		Exchange: c.Exchange.GenerateName(topic), Queue: queue, Arguments: fromTable(c.QueueBind.Arguments),
	}
	if b.Exchange == "" {
		return nil
	}
	if c.QueueBind.GenerateRoutingKey != nil {
		b.Key = c.QueueBind.GenerateRoutingKey(topic)
	}
	return []pubsub.Binding{b}
}

// marshaler speaks by one of watermill-amqp.
type marshaler struct{ m amqp.Marshaler }

func (c marshaler) Marshal(_ string, m *message.Message) (pubsub.Message, error) {
	p, err := c.m.Marshal(m)
	if err != nil {
		return pubsub.Message{}, err
	}
	return fromPublishing(p)
}

func (c marshaler) Unmarshal(_ string, d pubsub.Delivery) (*message.Message, error) {
	m, err := c.m.Unmarshal(toDelivery(d))
	if err == nil && d.Redelivered {
		m.Metadata.Set(amqp.MetadataRedeliveredKey, "true")
	}
	return m, err
}
