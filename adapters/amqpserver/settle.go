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

// settle tells what becomes of deliveries. A tag of zero with multiple means
// all. See the AMQP 0-9-1 reference, basic.ack.
func (ch *channel) settle(tag uint64, multiple bool, as pubsub.Outcome) error {
	ch.mu.Lock()
	if ch.tx != nil {
		ok := ch.tx.settle(&ch.unacked, tag, multiple, as)
		ch.mu.Unlock()
		if !ok {
			return wire.Errorf(wire.PreconditionFailed, "unknown delivery tag %d", tag)
		}
		return nil
	}
	var taken []held
	var one [1]held
	ok := true
	switch {
	case !multiple:
		one[0], ok = ch.unacked.take(tag)
		taken = one[:]
	case tag == 0:
		taken = ch.unacked.all()
	default:
		if ok = ch.unacked.has(tag); ok {
			taken = ch.unacked.takeThrough(tag)
		}
	}
	ch.mu.Unlock()
	if !ok {
		return wire.Errorf(wire.PreconditionFailed, "unknown delivery tag %d", tag)
	}
	ch.tell(taken, as)
	return nil
}

// tell settles deliveries with those that they came from. Acks of one consumer
// are told together, with the last one's tag: what it got before that is
// among them, or is settled already. An error means that a delivery is back
// in its queue, or went with it.
func (ch *channel) tell(taken []held, as pubsub.Outcome) {
	ch.c.counters.settled(as, len(taken))
	if as != pubsub.Ack || len(taken) < 2 {
		for _, d := range taken {
			d.settler.Settle(ch.c.ctx, d.tag, as, false)
		}
		return
	}
	last := make(map[pubsub.Settler]uint64)
	for _, d := range taken {
		if d.gets {
			d.settler.Settle(ch.c.ctx, d.tag, as, false)
		} else {
			last[d.settler] = d.tag
		}
	}
	for s, tag := range last {
		s.Settle(ch.c.ctx, tag, as, true)
	}
}

// recover puts back all that is unsettled; it comes again.
func (ch *channel) recover(requeue bool) error {
	if !requeue {
		return wire.Errorf(wire.NotImplemented, "requeue=false")
	}
	ch.mu.Lock()
	taken := ch.unacked.all()
	ch.mu.Unlock()
	ch.tell(taken, pubsub.Requeue)
	return nil
}
