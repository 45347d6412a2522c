package amqpserver

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	"github.com/gobindery/bindery/adapters/amqpserver/internal/wire"
	"github.com/gobindery/bindery/pubsub"
	"github.com/gobindery/bindery/pubsub/classic"
)

// topologyQueue is a pseudo queue: whoever consumes it, without
// acknowledgements, gets what there is. AMQP has no way to list that, and
// RabbitMQ's management API is another protocol on another port.
//
// Each exchange, queue and binding is a message. The property type says which;
// the headers are its arguments, in the types that they have; the body is a
// JSON object with the rest, whose names are those of the management API. A last
// message has the type "end", or "error" with the reason as its body.
const topologyQueue = "amq.bindery.topology"

// topologyCapability tells clients, among the server's capabilities, that there
// is a topologyQueue.
const topologyCapability = "bindery.topology"

// listing is the consumer of a topologyQueue.
type listing struct {
	c    *conn
	t    pubsub.Topology
	err  error // why it could not be listed
	next int   // message; the queues follow the exchanges, then come the bindings and the end

	stop    chan struct{} // closed by Cancel
	stopped sync.Once
	left    sync.Once
}

// consumeTopology begins a listing. A connection has one at a time, which bounds
// what its client can make the server hold.
func (c *conn) consumeTopology(ctx context.Context, _ string, o pubsub.ConsumeOptions) (pubsub.Subscription, error) {
	if !o.AutoAck {
		return nil, wire.Errorf(wire.PreconditionFailed, "'%s' can only be consumed without acknowledgements (no-ack)", topologyQueue)
	}
	if !c.listing.CompareAndSwap(false, true) {
		return nil, wire.Errorf(wire.AccessRefused, "'%s' has a consumer on this connection already", topologyQueue)
	}
	l := &listing{c: c, stop: make(chan struct{})}
	if lister, ok := c.adapter.(pubsub.Lister); ok {
		l.t, l.err = lister.Topology(ctx)
	} else {
		l.err = fmt.Errorf("%w: the server's backend can't list what there is", pubsub.ErrUnsupported)
	}
	return l, nil
}

// Receive implements pubsub.Subscription.
func (l *listing) Receive(ctx context.Context, buf []pubsub.Incoming) (n int, err error) {
	for n < len(buf) {
		e := l.message()
		if e == nil {
			break
		}
		l.next++
		buf[n] = pubsub.Incoming{Envelope: e, Tag: uint64(l.next)}
		n++
	}
	if n > 0 {
		return n, nil
	}
	select {
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-l.stop:
		return 0, pubsub.ErrClosed
	}
}

// message returns the next message, or nil.
func (l *listing) message() *pubsub.Envelope {
	i := l.next
	switch {
	case l.err != nil && i == 0:
		return listed("error", strings.TrimPrefix(l.err.Error(), pubsub.ErrUnsupported.Error()+": "), nil)
	case l.err != nil:
		return nil
	case i < len(l.t.Exchanges):
		return listedExchange(&l.t.Exchanges[i])
	}
	if i -= len(l.t.Exchanges); i < len(l.t.Queues) {
		return listedQueue(&l.t.Queues[i])
	}
	if i -= len(l.t.Queues); i < len(l.t.Bindings) {
		return listedBinding(&l.t.Bindings[i])
	}
	if i == len(l.t.Bindings) {
		return listed("end", struct{}{}, nil)
	}
	return nil
}

// listed is a message of the listing. A body that is a text is that.
func listed(kind string, body any, arguments pubsub.Table) *pubsub.Envelope {
	text, ok := body.(string)
	if !ok {
		b, err := json.Marshal(body)
		if err != nil {
			panic(err) // its types can all be written
		}
		text = string(b)
	}
	return &pubsub.Envelope{RoutingKey: topologyQueue, Message: pubsub.Message{Type: kind, Headers: arguments, Body: []byte(text)}}
}

func listedExchange(e *pubsub.Exchange) *pubsub.Envelope {
	arguments := e.Arguments.Clone()
	if e.Alternate != "" {
		if arguments == nil {
			arguments = pubsub.Table{}
		}
		arguments["alternate-exchange"] = e.Alternate
	}
	return listed("exchange", struct {
		Name       string `json:"name"`
		Type       string `json:"type"`
		Durable    bool   `json:"durable"`
		AutoDelete bool   `json:"auto_delete"`
		Internal   bool   `json:"internal"`
	}{e.Name, string(e.Kind), e.Durable, e.AutoDelete, e.Internal}, arguments)
}

func listedQueue(q *pubsub.QueueStatus) *pubsub.Envelope {
	return listed("queue", struct {
		Name       string `json:"name"`
		Durable    bool   `json:"durable"`
		Exclusive  bool   `json:"exclusive"`
		AutoDelete bool   `json:"auto_delete"`
		Ready      int    `json:"messages_ready"`
		Unacked    int    `json:"messages_unacknowledged"`
		Consumers  int    `json:"consumers"`
	}{q.Name, q.Durable, q.Exclusive, q.AutoDelete, q.Ready, q.Unacked, q.Consumers}, classic.Arguments(q.Queue))
}

func listedBinding(b *pubsub.Binding) *pubsub.Envelope {
	to, kind := b.Queue, "queue"
	if b.ToExchange != "" {
		to, kind = b.ToExchange, "exchange"
	}
	return listed("binding", struct {
		Source          string `json:"source"`
		Destination     string `json:"destination"`
		DestinationType string `json:"destination_type"`
		RoutingKey      string `json:"routing_key"`
	}{b.Exchange, to, kind, b.Key}, b.Arguments)
}

// Settle implements pubsub.Settler. Nothing is unsettled without
// acknowledgements.
func (l *listing) Settle(context.Context, uint64, pubsub.Outcome, bool) error { return nil }

// Cancel implements pubsub.Subscription.
func (l *listing) Cancel(context.Context) error {
	l.stopped.Do(func() { close(l.stop) })
	return nil
}

// Close implements pubsub.Subscription.
func (l *listing) Close() error {
	l.left.Do(func() { l.c.listing.Store(false) })
	return l.Cancel(context.Background())
}
