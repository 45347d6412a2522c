package amqpserver

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/gobindery/bindery/adapters/amqpserver/internal/wire"
	"github.com/gobindery/bindery/pubsub"
)

// consumer is one of a channel. Its goroutine waits for deliveries.
type consumer struct {
	tag     string
	sub     pubsub.Subscription
	noAck   bool
	running sync.WaitGroup

	unsettled atomic.Int64 // deliveries
	ended     atomic.Bool  // nothing is delivered any more
}

// settled notes the outcome of a delivery. With the last one a consumer that
// was ended is let go.
func (co *consumer) settled() {
	if co.unsettled.Add(-1) == 0 && co.ended.Load() {
		co.sub.Close()
	}
}

// end is for when nothing is delivered any more. What was delivered can still be
// settled, and until then the consumer stays. Of this and settled, at least
// the later one sees what the other did.
func (co *consumer) end() error {
	co.ended.Store(true)
	if co.unsettled.Load() > 0 {
		return nil
	}
	return co.sub.Close()
}

func (ch *channel) qos(m *wire.BasicQos) error {
	switch {
	case m.PrefetchSize != 0:
		return wire.Errorf(wire.NotImplemented, "prefetch_size!=0 (%d)", m.PrefetchSize)
	case !m.Global:
		ch.prefetch = prefetch(m.PrefetchCount)
	case ch.share():
		ch.shared.SetLimit(int(m.PrefetchCount))
	case m.PrefetchCount != 0:
		return wire.Errorf(wire.NotImplemented, "a prefetch for a whole channel (global=true)")
	}
	return nil
}

// share reports whether the channel's consumers can share a prefetch. All of
// them do from the first on: the limit may come later, and holds for them too.
func (ch *channel) share() bool {
	if s, ok := ch.c.adapter.(pubsub.SharedPrefetcher); ok && ch.shared == nil {
		ch.shared = s.NewSharedPrefetch()
	}
	return ch.shared != nil
}

// consume starts a consumer. Its first delivery comes after consume-ok.
func (ch *channel) consume(m *wire.BasicConsume) error {
	name, err := ch.queueName(m.Queue)
	if err != nil {
		return err
	}
	tag := m.ConsumerTag
	if tag == "" {
		tag = newTag()
	}
	ch.mu.Lock()
	_, used := ch.consumers[tag]
	ch.mu.Unlock()
	if used {
		return wire.Errorf(wire.NotAllowed, "attempt to reuse consumer tag '%s'", tag)
	}
	if name == replyQueue {
		return ch.consumeReplies(m, tag)
	}
	o := pubsub.ConsumeOptions{Prefetch: ch.prefetch, AutoAck: m.NoAck, Exclusive: m.Exclusive, Tag: tag}
	if o.Priority, err = priority(m.Arguments, name, ch.c.vhost); err != nil {
		return err
	}
	start := ch.c.adapter.Consume
	if name == topologyQueue {
		start = ch.c.consumeTopology
	} else if ch.share() {
		start = ch.shared.Consume
	}
	sub, err := start(ch.c.ctx, name, o)
	if err != nil {
		return err
	}
	co := &consumer{tag: tag, sub: sub, noAck: m.NoAck}
	ch.mu.Lock()
	if ch.closed {
		// The outcome of a publish closed the channel while this went on: end
		// has not seen the consumer.
		ch.mu.Unlock()
		return sub.Close()
	}
	defer ch.mu.Unlock()
	ch.consumers[tag] = co
	ch.c.counters.consumers.Add(1)
	if !m.NoWait {
		ch.c.send(ch.id, &wire.BasicConsumeOk{ConsumerTag: tag})
	}
	co.running.Add(1)
	ch.c.running.Go(func() {
		defer co.running.Done()
		ch.deliverAll(co)
	})
	return nil
}

// newTag is a consumer's tag as RabbitMQ chooses it.
func newTag() string {
	var random [16]byte
	rand.Read(random[:]) // never fails
	return "amq.ctag-" + base64.RawURLEncoding.EncodeToString(random[:])
}

// batch is how many deliveries are taken at once.
const batch = 64

// deliverAll sends what a consumer gets until it ends.
func (ch *channel) deliverAll(co *consumer) {
	var buf [batch]pubsub.Incoming
	for {
		n, err := co.sub.Receive(ch.c.ctx, buf[:])
		for i := range buf[:n] {
			ch.c.out.takeTurn() // at the end it returns, and deliver sends nothing
			ch.deliver(co, &buf[i])
			ch.c.out.giveTurn()
		}
		clear(buf[:n])
		if n == 0 && err != nil {
			if !errors.Is(err, pubsub.ErrClosed) && ch.c.ctx.Err() == nil {
				ch.canceled(co)
			}
			return
		}
	}
}

// deliver sends one message. With the mutex held, so that tags go out in
// order, and nothing after channel.close: what is not sent returns to its
// queue with the end of the consumer.
func (ch *channel) deliver(co *consumer, in *pubsub.Incoming) {
	var p wire.Properties
	properties(&in.Message, &p)
	ch.mu.Lock()
	defer ch.mu.Unlock()
	if ch.closed {
		return
	}
	var d held
	if !co.noAck {
		d = held{settler: co.sub, tag: in.Tag, of: co}
		co.unsettled.Add(1)
	}
	m := wire.BasicDeliver{
		ConsumerTag: co.tag, DeliveryTag: ch.unacked.add(d), Redelivered: in.Redelivered, Exchange: in.Exchange, RoutingKey: in.RoutingKey,
	}
	ch.c.counters.delivered.Add(1)
	ch.c.sendContent(ch.id, &m, &p, in.Body)
}

// canceled tells the client that its consumer is no more, if it wants to know.
// See https://www.rabbitmq.com/docs/consumer-cancel.
func (ch *channel) canceled(co *consumer) {
	ch.mu.Lock()
	tell := !ch.closed && ch.consumers[co.tag] == co // else who ended it waits for it
	if tell {
		delete(ch.consumers, co.tag)
		ch.c.counters.consumers.Add(-1)
		if ch.c.cancelNotify {
			ch.c.send(ch.id, &wire.BasicCancel{ConsumerTag: co.tag, NoWait: true})
		}
	}
	ch.mu.Unlock()
	if tell {
		co.end()
	}
}

// cancel ends a consumer. Nothing is delivered to it after cancel-ok; what it
// has can still be settled. One that is not known is no error.
func (ch *channel) cancel(m *wire.BasicCancel) (wire.Method, error) {
	ch.mu.Lock()
	co := ch.consumers[m.ConsumerTag]
	if co != nil {
		delete(ch.consumers, m.ConsumerTag)
		ch.c.counters.consumers.Add(-1)
	} else if ch.replies != nil && ch.replies.tag == m.ConsumerTag {
		ch.endRepliesLocked()
	}
	ch.mu.Unlock()
	if co != nil {
		if err := co.sub.Cancel(ch.c.ctx); err != nil {
			return nil, err
		}
		co.running.Wait()
		if err := co.end(); err != nil {
			return nil, err
		}
	}
	return noWait(m.NoWait, &wire.BasicCancelOk{ConsumerTag: m.ConsumerTag}, nil)
}
