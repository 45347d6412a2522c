package amqpserver

import (
	"github.com/gobindery/bindery/adapters/amqpserver/internal/wire"
	"github.com/gobindery/bindery/pubsub"
)

func requeueOrReject(requeue bool) pubsub.Outcome {
	if requeue {
		return pubsub.Requeue
	}
	return pubsub.Reject
}

// settle tells what becomes of deliveries, in transaction mode at commit. A
// tag of zero with multiple means all. See the AMQP 0-9-1 reference, basic.ack.
func (ch *channel) settle(tag uint64, multiple bool, as pubsub.Outcome) error {
	var one [1]taken
	list, ok := one[:], true
	ch.mu.Lock()
	switch {
	case !multiple:
		one[0], ok = ch.unacked.take(tag)
	case tag == 0:
		list = ch.unacked.all()
	default:
		list, ok = ch.unacked.takeThrough(tag)
	}
	if ok && ch.tx != nil {
		ch.tx.settle(list, as)
		list = nil
	}
	ch.mu.Unlock()
	if !ok {
		return wire.Errorf(wire.PreconditionFailed, "unknown delivery tag %d", tag)
	}
	ch.tell(list, as, multiple)
	return nil
}

// tell settles deliveries with those that they came from. Together, those of
// one consumer are told at once, with the last one's tag: what it got before
// that must be among them, or settled. An error means that a delivery is back in
// its queue, or went with it.
func (ch *channel) tell(list []taken, as pubsub.Outcome, together bool) {
	ch.c.counters.settled(as, len(list))
	var last map[*consumer]uint64
	if together {
		last = make(map[*consumer]uint64)
		for _, t := range list {
			last[t.of] = t.tag
		}
	}
	for _, t := range list {
		switch {
		case t.of == nil || !together:
			ch.tellOne(t, as, false)
		case last[t.of] == t.tag:
			ch.tellOne(t, as, true)
		default:
			t.of.settled()
		}
	}
}

func (ch *channel) tellOne(t taken, as pubsub.Outcome, multiple bool) {
	t.settler.Settle(ch.c.ctx, t.tag, as, multiple)
	if t.of != nil {
		t.of.settled()
	}
}

// recover puts back all that is unsettled; it comes again. What waits for
// commit is not, and stays. The reply, if there is one, goes out before what comes
// again, as RabbitMQ's does: consumers deliver as soon as a queue has it back.
func (ch *channel) recover(requeue bool, reply wire.Method) error {
	if !requeue {
		return wire.Errorf(wire.NotImplemented, "requeue=false")
	}
	if reply != nil {
		ch.send(reply)
	}
	ch.mu.Lock()
	list := ch.unacked.all()
	ch.mu.Unlock()
	ch.tell(list, pubsub.Requeue, ch.tx == nil)
	return nil
}
