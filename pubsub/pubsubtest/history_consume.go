package pubsubtest

import (
	"fmt"
	"math/rand/v2"

	"github.com/gobindery/bindery/pubsub"
)

func getStep(r *rand.Rand, conn int) step {
	name, autoAck := pick(r, historyQueues), chance(r, 3)
	return step{fmt.Sprintf("get from queue %s, automatic ack %v", name, autoAck), func(p *play) {
		d, ok, err := p.conns[conn].Get(p.w.ctx, name, &pubsub.GetOptions{AutoAck: autoAck})
		msg, q, wantErr := p.m.get(conn, name)
		if !p.agree(err, wantErr) {
			return
		}
		p.is("found a message", ok, msg != nil)
		if !ok {
			return
		}
		p.is("messages left", d.Ready, len(q.ready))
		p.took(d, msg, q, q.ready)
		if !autoAck {
			p.held = append(p.held, &holding{d, &modelDelivery{modelMessage: msg, queue: q, conn: conn}, nil})
		}
	}}
}

func consumeStep(r *rand.Rand, conn int) step {
	name := pick(r, historyQueues)
	o := pubsub.ConsumeOptions{Prefetch: 1 + r.IntN(3), Exclusive: chance(r, 4), AutoAck: chance(r, 6)}
	return step{fmt.Sprintf("consume queue %s %+v", name, o), func(p *play) {
		o := o
		if q := p.m.queues[name]; q != nil && q.consumer != nil {
			o.Exclusive = true // the model has one consumer a queue: another is refused
		}
		c, err := p.conns[conn].Consume(p.w.ctx, name, &o)
		m, wantErr := p.m.consume(conn, name, o)
		if p.agree(err, wantErr) {
			p.consumers = append(p.consumers, &pair{real: &consumer{c, p.w}, model: m, conn: conn})
		}
	}}
}

// settleStep settles one of the deliveries so far, mostly one that isn't yet.
func settleStep(r *rand.Rand, _ int) step {
	n, again := r.IntN(1<<16), chance(r, 8)
	o := pick(r, []pubsub.Outcome{pubsub.Ack, pubsub.Requeue, pubsub.Reject})
	through := o == pubsub.Ack && chance(r, 2)
	what := o.String()
	if through {
		what = "ack through"
	}
	return step{fmt.Sprintf("%s the delivery at hand for %d, settled ones too: %v", what, n, again), func(p *play) {
		var from []*holding
		for _, h := range p.held {
			if again || !h.model.settled && !h.model.returned {
				from = append(from, h)
			}
		}
		if len(from) == 0 {
			return
		}
		h := from[n%len(from)]
		if q := h.model.queue; o == pubsub.Requeue && drops(q) && len(q.ready) >= *q.MaxLength {
			return // nothing would show when it is done
		}
		if through {
			p.agree(h.real.AckThrough(p.w.ctx), p.ackThrough(h))
			return
		}
		want := p.m.settle(h.model, o)
		switch o {
		case pubsub.Ack:
			p.agree(h.real.Ack(p.w.ctx), want)
		case pubsub.Requeue:
			p.agree(h.real.Requeue(p.w.ctx), want)
		case pubsub.Reject:
			p.agree(h.real.Reject(p.w.ctx), want)
		}
	}}
}

// drops reports whether a queue drops its head when it is too long.
func drops(q *modelQueue) bool {
	return q.MaxLength != nil && (q.Overflow == "" || q.Overflow == pubsub.DropHead)
}

// ackThrough is the model's side of AckThrough: it acks what it can, and if
// some have gone back with their consumer, that is told.
func (p *play) ackThrough(h *holding) error {
	err := pubsub.ErrSettled
	for _, earlier := range p.held {
		if earlier == h || h.pair != nil && earlier.pair == h.pair {
			switch {
			case earlier.model.returned:
				err = earlier.model.lost()
			case !earlier.model.settled:
				_ = p.m.settle(earlier.model, pubsub.Ack)
				err = nil
			}
		}
		if earlier == h {
			break
		}
	}
	return err
}

// leaveStep cancels or closes a consumer.
func leaveStep(r *rand.Rand, _ int) step {
	n, cancel := r.IntN(1<<16), chance(r, 2)
	what := "close"
	if cancel {
		what = "cancel"
	}
	return step{fmt.Sprintf("%s the consumer at hand for %d", what, n), func(p *play) {
		if len(p.consumers) == 0 {
			return
		}
		c := p.consumers[n%len(p.consumers)]
		if !cancel {
			p.closeConsumer(c)
			return
		}
		p.m.leave(c.model)
		c.ended = true
		p.w.ok(c.real.Cancel(p.w.ctx))
	}}
}

// closeConnStep closes a connection, and opens another in its place.
func closeConnStep(_ *rand.Rand, conn int) step {
	return step{"close, and connect again", func(p *play) {
		for _, d := range p.heldBy(conn) {
			// What several channels return comes in any order to a consumer that
			// waits for it.
			if c := d.queue.consumer; c != nil && c.conn != conn && !d.settled && !d.returned {
				return
			}
		}
		p.m.closeConn(conn, p.heldBy(conn))
		for _, c := range p.consumers {
			if c.conn == conn {
				c.ended = true
			}
		}
		p.w.ok(p.conns[conn].Close())
		p.conns[conn] = p.w.open()
	}}
}
