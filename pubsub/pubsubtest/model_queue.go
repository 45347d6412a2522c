package pubsubtest

import (
	"cmp"
	"slices"

	"github.com/gobindery/bindery/pubsub"
)

// enqueue puts a copy of a message into a queue.
func (m *model) enqueue(q *modelQueue, msg modelMessage) error {
	refuse := q.Overflow == pubsub.RejectPublish || q.Overflow == pubsub.RejectPublishDLX
	if refuse && q.MaxLength != nil && len(q.ready) >= *q.MaxLength {
		if q.Overflow == pubsub.RejectPublishDLX {
			m.deadLetter(q, &msg, "maxlen")
		}
		return pubsub.ErrRefused
	}
	m.last++
	msg.position = m.last
	msg.step = m.step
	msg.redelivered = false
	q.insert(&msg)
	m.dispatch(q)
	m.dropHeads(q)
	return nil
}

// insert puts a message into its place.
func (q *modelQueue) insert(msg *modelMessage) {
	q.ready = append(q.ready, msg)
	slices.SortFunc(q.ready, func(a, b *modelMessage) int {
		byPriority := cmp.Compare(min(b.priority, q.MaxPriority), min(a.priority, q.MaxPriority))
		return cmp.Or(byPriority, cmp.Compare(a.position, b.position))
	})
}

func (m *model) dropHeads(q *modelQueue) {
	for q.MaxLength != nil && len(q.ready) > *q.MaxLength && q.Overflow != pubsub.RejectPublish && q.Overflow != pubsub.RejectPublishDLX {
		head := q.ready[0]
		q.ready = q.ready[1:]
		m.deadLetter(q, head, "maxlen")
	}
}

// dispatch sends what is ready to the consumer, as far as its prefetch goes.
func (m *model) dispatch(q *modelQueue) {
	for c := q.consumer; c != nil && len(q.ready) > 0; {
		if !c.options.AutoAck && c.unacked >= c.options.Prefetch {
			return
		}
		c.arriving = append(c.arriving, q.ready[0])
		q.ready = q.ready[1:]
		if !c.options.AutoAck {
			c.unacked++
		}
	}
}

// deadLetter routes what a queue gives up. In histories, dead letters don't die
// again.
func (m *model) deadLetter(q *modelQueue, msg *modelMessage, reason string) {
	if q.DeadLetter == nil {
		return
	}
	dead := *msg
	dead.deaths = []death{{1, reason, q.Name, msg.exchange, []string{msg.key}, ""}}
	dead.exchange = q.DeadLetter.Exchange
	if q.DeadLetter.RoutingKey != nil {
		dead.key = *q.DeadLetter.RoutingKey
	}
	if _, ok := m.exchanges[dead.exchange]; !ok && dead.exchange != "" {
		return
	}
	for _, name := range m.routed(dead.exchange, dead.key, dead.headers) {
		_ = m.enqueue(m.queues[name], dead)
	}
}
