package rabbitmq

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	rabbithole "github.com/michaelklishin/rabbit-hole/v3"
	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/gobindery/bindery/pubsub"
	"github.com/gobindery/bindery/pubsub/classic"
)

// The AMQP server of this module tells what there is by a pseudo queue, if it
// says so: see adapters/amqpserver, topologyQueue.
const (
	topologyQueue      = "amq.bindery.topology"
	topologyCapability = "bindery.topology"
)

// listsByQueue reports whether the server has a topologyQueue.
func (s *session) listsByQueue() bool {
	capabilities, _ := s.conn.Properties["capabilities"].(amqp.Table)
	has, _ := capabilities[topologyCapability].(bool)
	return has
}

// topologyByQueue lists by the topologyQueue, with exact counts and types.
func (c *Conn) topologyByQueue(ctx context.Context) (pubsub.Topology, error) {
	return operate(ctx, c, true, func(_ *session, ch *amqp.Channel) (t pubsub.Topology, err error) {
		defer ch.Close() // which ends the consumer
		deliveries, err := ch.Consume(topologyQueue, "", true, false, false, false, nil)
		if err != nil {
			return t, err
		}
		for d := range deliveries {
			switch {
			case d.Type == "end":
				return t, nil
			case d.Type == "error":
				return t, fmt.Errorf("%w: %s", pubsub.ErrUnsupported, d.Body)
			}
			if err := c.addListed(&t, &d); err != nil {
				return t, err
			}
		}
		return t, amqp.ErrClosed // the connection was lost
	})
}

// addListed adds what a message tells.
func (c *Conn) addListed(t *pubsub.Topology, d *amqp.Delivery) (err error) {
	arguments := fromAMQP(d.Headers)
	if len(arguments) == 0 {
		arguments = nil
	}
	switch d.Type {
	case "exchange":
		var e rabbithole.ExchangeInfo
		err = json.Unmarshal(d.Body, &e)
		listed := listedExchange(&e)
		listed.Alternate = take[string](arguments, "alternate-exchange")
		listed.Arguments = arguments
		t.Exchanges = append(t.Exchanges, listed)
	case "queue":
		var q rabbithole.QueueInfo
		err = json.Unmarshal(d.Body, &q)
		listed := listedQueue(&q)
		listed.Queue = classic.WithArguments(listed.Queue, arguments)
		listed.Name = c.names.first(q.Name)
		t.Queues = append(t.Queues, listed)
	case "binding":
		var b rabbithole.BindingInfo
		err = json.Unmarshal(d.Body, &b)
		listed := c.listedBinding(&b)
		listed.Arguments = arguments
		t.Bindings = append(t.Bindings, listed)
	}
	if err != nil {
		return fmt.Errorf("%w: the server tells of its %ss in a way that can't be read: %w", pubsub.ErrUnsupported, d.Type, err)
	}
	return nil
}

// sortListed brings a topology in order.
func sortListed(t *pubsub.Topology) {
	slices.SortFunc(t.Exchanges, func(a, b pubsub.Exchange) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(t.Queues, func(a, b pubsub.QueueStatus) int { return strings.Compare(a.Name, b.Name) })
	slices.SortStableFunc(t.Bindings, func(a, b pubsub.Binding) int {
		return cmp.Or(
			strings.Compare(a.Exchange, b.Exchange),
			strings.Compare(a.Queue, b.Queue),
			strings.Compare(a.ToExchange, b.ToExchange),
			strings.Compare(a.Key, b.Key),
		)
	})
}
