package pubsubtest

import (
	"slices"
	"strings"

	"github.com/gobindery/bindery/pubsub"
)

// model is a broker that does one thing at a time, by the plainest means. What it
// says is compared with what an adapter says, step by step. It knows what
// random histories do: no times, one consumer a queue.
type model struct {
	step      int
	exchanges map[string]pubsub.Exchange
	bindings  []pubsub.Binding
	queues    map[string]*modelQueue
	last      int // position of the last message
}

// modelQueue is a queue of the model.
type modelQueue struct {
	pubsub.Queue
	owner    int             // the connection, if it is exclusive
	ready    []*modelMessage // in order
	consumer *modelConsumer  // one at most
	gone     bool
}

// modelMessage is one queue's copy of a message.
type modelMessage struct {
	body, exchange, key string
	headers             pubsub.Table
	priority            uint8
	position            int
	step                int // when it came into its queue
	redelivered         bool
	deaths              []death // the last one first
}

// modelConsumer is a consumer of the model.
type modelConsumer struct {
	queue    *modelQueue
	conn     int
	options  pubsub.ConsumeOptions
	unacked  int
	arriving []*modelMessage // sent, and not yet compared with what came
	left     bool            // canceled, closed, or its queue is gone
}

// modelDelivery is a delivery that the program has.
type modelDelivery struct {
	*modelMessage
	queue    *modelQueue
	conn     int
	consumer *modelConsumer // nil if it came by get
	settled  bool
	returned bool
}

func newModel() *model {
	m := &model{exchanges: map[string]pubsub.Exchange{}, queues: map[string]*modelQueue{}}
	for name, kind := range map[string]pubsub.Kind{"amq.direct": pubsub.Direct, "amq.topic": pubsub.Topic} {
		m.exchanges[name] = pubsub.Exchange{Name: name, Kind: kind, Durable: true}
	}
	return m
}

func (m *model) declareExchange(e pubsub.Exchange) error {
	old, ok := m.exchanges[e.Name]
	switch {
	case ok && describe(old) != describe(e):
		return pubsub.ErrPreconditionFailed
	case !ok && strings.HasPrefix(e.Name, "amq."):
		return pubsub.ErrAccessRefused
	case !ok:
		m.exchanges[e.Name] = e
	}
	return nil
}

func (m *model) deleteExchange(name string, ifUnused bool) error {
	if strings.HasPrefix(name, "amq.") {
		return pubsub.ErrAccessRefused
	}
	used := slices.ContainsFunc(m.bindings, func(b pubsub.Binding) bool { return b.Exchange == name })
	if ifUnused && used {
		return pubsub.ErrPreconditionFailed
	}
	delete(m.exchanges, name)
	m.dropBindings(func(b pubsub.Binding) bool { return b.Exchange == name || b.ToExchange == name })
	return nil
}

// dropBindings takes bindings away, and the auto-delete exchanges that lose
// their last one.
func (m *model) dropBindings(drop func(pubsub.Binding) bool) {
	var sources []string
	m.bindings = slices.DeleteFunc(m.bindings, func(b pubsub.Binding) bool {
		if drop(b) {
			sources = append(sources, b.Exchange)
			return true
		}
		return false
	})
	for _, name := range sources {
		e, ok := m.exchanges[name]
		used := slices.ContainsFunc(m.bindings, func(b pubsub.Binding) bool { return b.Exchange == name })
		if ok && e.AutoDelete && !used {
			delete(m.exchanges, name)
			m.dropBindings(func(b pubsub.Binding) bool { return b.ToExchange == name })
		}
	}
}

// lookup finds a queue that a connection may use.
func (m *model) lookup(conn int, name string) (*modelQueue, error) {
	q, ok := m.queues[name]
	if !ok {
		return nil, pubsub.ErrNotFound
	}
	if q.Exclusive && q.owner != conn {
		return nil, pubsub.ErrResourceLocked
	}
	return q, nil
}

func (m *model) declareQueue(conn int, q pubsub.Queue) error {
	old, err := m.lookup(conn, q.Name)
	switch {
	case err == pubsub.ErrNotFound:
		m.queues[q.Name] = &modelQueue{Queue: q, owner: conn}
		return nil
	case err != nil:
		return err
	case old.Exclusive != q.Exclusive:
		return pubsub.ErrResourceLocked
	case describe(old.Queue) != describe(q):
		return pubsub.ErrPreconditionFailed
	}
	return nil
}

func (m *model) deleteQueue(conn int, name string, o pubsub.DeleteQueueOptions) (int, error) {
	q, err := m.lookup(conn, name)
	switch {
	case err == pubsub.ErrNotFound:
		return 0, nil
	case err != nil:
		return 0, err
	case o.IfUnused && q.consumer != nil, o.IfEmpty && len(q.ready) > 0:
		return 0, pubsub.ErrPreconditionFailed
	}
	m.dropQueue(q)
	return len(q.ready), nil
}

func (m *model) dropQueue(q *modelQueue) {
	if q.gone {
		return
	}
	q.gone = true
	delete(m.queues, q.Name)
	m.dropBindings(func(b pubsub.Binding) bool { return b.Queue == q.Name })
}

func (m *model) purge(conn int, name string) (int, error) {
	q, err := m.lookup(conn, name)
	if err != nil {
		return 0, err
	}
	n := len(q.ready)
	q.ready = nil
	return n, nil
}

func (m *model) bind(conn int, b pubsub.Binding) error {
	if _, ok := m.exchanges[b.Exchange]; !ok {
		return pubsub.ErrNotFound
	}
	if b.ToExchange != "" {
		if _, ok := m.exchanges[b.ToExchange]; !ok {
			return pubsub.ErrNotFound
		}
	} else if _, err := m.lookup(conn, b.Queue); err != nil {
		return err
	}
	if !m.bound(b) {
		m.bindings = append(m.bindings, b)
	}
	return nil
}

func (m *model) bound(b pubsub.Binding) bool {
	return slices.ContainsFunc(m.bindings, func(c pubsub.Binding) bool { return equalBindings(b, c) })
}

func equalBindings(b, c pubsub.Binding) bool {
	return b.Exchange == c.Exchange && b.Queue == c.Queue && b.ToExchange == c.ToExchange && b.Key == c.Key && b.Arguments.Equal(c.Arguments)
}

func (m *model) unbind(conn int, b pubsub.Binding) error {
	if !m.bound(b) {
		return nil
	}
	if b.Queue != "" {
		if _, err := m.lookup(conn, b.Queue); err != nil {
			return err
		}
	}
	m.dropBindings(func(c pubsub.Binding) bool { return equalBindings(b, c) })
	return nil
}

func (m *model) publish(exchange, key string, msg modelMessage, mandatory bool) error {
	e, ok := m.exchanges[exchange]
	switch {
	case !ok && exchange != "":
		return pubsub.ErrNotFound
	case e.Internal:
		return pubsub.ErrAccessRefused
	}
	msg.exchange, msg.key = exchange, key
	queues := m.routed(exchange, key, msg.headers)
	if len(queues) == 0 && mandatory {
		return pubsub.ErrUnroutable
	}
	var err error
	for _, name := range queues {
		if m.enqueue(m.queues[name], msg) != nil {
			err = pubsub.ErrRefused
		}
	}
	return err
}
