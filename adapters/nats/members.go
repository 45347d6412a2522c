package nats

import (
	"context"
	"errors"
	"slices"

	engine "github.com/gobindery/bindery/adapters/nats/internal/queue"
	"github.com/gobindery/bindery/pubsub"
)

// member names a consumer, or what Get handed out: a connection and its number for it.
type member struct {
	conn string
	id   uint64
}

// holding is a message that a member holds.
type holding struct {
	member member
	tag    uint64
	again  bool
}

// sink is the Owner of each of the engine's consumers.
type sink interface {
	// deliver is called under the leader's lock.
	deliver(d *engine.Delivery)
}

// joining is how a member joins: as a consumer, or to hold what Get hands out.
type joining struct {
	Holder  bool
	Options pubsub.ConsumeOptions
	Last    uint64     // the last tag that it had from an earlier leader
	Held    []heldItem // what it holds since then
}

// heldItem is one message that a member holds.
type heldItem struct {
	Tag   uint64
	Seq   uint64
	Again bool
}

// joinCaughtUp is join once the leader has what was confirmed before: a consumer gets that
// first, though others come soon after.
func (l *leader) joinCaughtUp(ctx context.Context, m member, j *joining, to sink) (lost []uint64, err error) {
	if !j.Holder {
		if err := l.conn.markUsed(ctx, l.queue); err != nil {
			return nil, err
		}
	}
	l.mu.Lock()
	gathering := l.gathering
	l.mu.Unlock()
	if !j.Holder && !gathering {
		last, err := l.conn.lastStored(ctx, l.queue.stream)
		if err != nil {
			return nil, err
		}
		if err := l.caughtUp(ctx, last, nil); err != nil {
			return nil, err
		}
	}
	return l.join(m, j, to)
}

// join adds a member. It returns the tags of what it does not hold any more.
func (l *leader) join(m member, j *joining, to sink) (lost []uint64, err error) {
	err = l.do(func() error {
		if c := l.members[m]; c != nil {
			// It was cut off, or the answer to an attempt was lost: so may deliveries be.
			kept := make(map[uint64]bool, len(j.Held))
			for _, h := range j.Held {
				kept[h.Tag] = true
			}
			c.Keep(kept)
			l.engine.Dispatch(now())
			return nil
		}
		c := l.engine.Holder(j.Last)
		if !j.Holder {
			var err error
			if c, err = l.engine.Rejoin(j.Options, j.Last, now()); err != nil {
				return err
			}
		}
		c.Owner = to // what is ready goes there by act
		l.members[m] = c
		l.gatheredFrom(m)
		for _, h := range j.Held {
			if !l.gathering {
				lost = append(lost, h.Tag)
				continue
			}
			l.heldBy[h.Seq] = holding{m, h.Tag, h.Again}
		}
		return nil
	})
	return lost, err
}

// settle settles deliveries of a member. Where that is to come after what was
// published before, it waits for it.
func (l *leader) settle(m member, group ...settlement) error {
	err := l.settleNow(m, false, group...)
	if errors.Is(err, errBehind) {
		group := slices.Clone(group) // so that the caller's doesn't escape
		l.catchUp(func() bool { return !l.orderMatters(m, group) })
		err = l.settleNow(m, true, group...)
	}
	return err
}

// errBehind is that of settlements before which what was published is to come.
var errBehind = errors.New("messages may be on their way")

// settleNow is settle without waiting. What comes from here on came at the same time, so that
// one look is enough for the whole group.
func (l *leader) settleNow(m member, caughtUp bool, group ...settlement) error {
	return l.do(func() error {
		c := l.members[m]
		if c == nil {
			return nil // it had nothing any more
		}
		at := now()
		if !caughtUp && !l.gathering && l.orderMatters(m, group) {
			return errBehind
		}
		for i := range group {
			x := &group[i]
			if l.gathering {
				l.settleEarly(m, x.Tag, x.Outcome, x.Multiple)
			}
			c.Settle(x.Tag, x.Outcome, x.Multiple, at)
		}
		if c.Idle() && !l.gathering {
			delete(l.members, m) // it was cancelled, and this was its last delivery
		}
		return nil
	})
}

// orderMatters reports whether what is about to come must be there before settlements.
// The caller holds the lock.
func (l *leader) orderMatters(m member, group []settlement) bool {
	c := l.members[m]
	at := now()
	for i := range group {
		if c != nil && c.OrderMatters(group[i].Outcome, at) {
			return true
		}
	}
	return false
}

// settleEarly settles what a member holds since an earlier leader and the feed
// has not brought yet.
func (l *leader) settleEarly(m member, tag uint64, o pubsub.Outcome, multiple bool) {
	for seq, h := range l.heldBy {
		if h.member != m || h.tag != tag && !(multiple && h.tag < tag) {
			continue
		}
		delete(l.heldBy, seq)
		if o == pubsub.Ack {
			l.dropEarly(seq)
		}
		// A reject becomes a requeue: the message is not at hand, and must not be lost.
	}
}

// dropEarly acks a message that may have come early.
func (l *leader) dropEarly(seq uint64) {
	for i := range l.early {
		if l.early[i].seq == seq {
			l.early = append(l.early[:i], l.early[i+1:]...)
			l.feed.finish(seq)
			return
		}
	}
	if l.settled == nil {
		l.settled = make(map[uint64]bool)
	}
	l.settled[seq] = true // it is on its way
}

// cancel takes a consumer off the queue, and returns what it has from a tag on. Last is
// that of leave.
func (l *leader) cancel(m member, from uint64) (last bool, err error) {
	l.catchUp(nil) // what was published before goes to it first, and comes back
	err = l.do(func() error {
		c := l.members[m]
		if c == nil {
			return nil
		}
		last = l.engine.Leave(c, now()) && l.queue.settings.AutoDelete
		if !last { // else what it has goes with the queue, and nothing is dead-lettered
			c.Return(from)
			l.engine.Dispatch(now())
		}
		return nil
	})
	return last, err
}

// leave removes members, with all that they have. All leave before what one
// of them has goes back, so that none gets what another had. Last says that an
// auto-delete queue has lost its last consumer: the caller deletes it.
func (l *leader) leave(members ...member) (last bool, err error) {
	l.catchUp(nil) // as for cancel
	err = l.do(func() error {
		at := now()
		for _, m := range members {
			if c := l.members[m]; c != nil {
				last = l.engine.Leave(c, at) || last
			}
		}
		last = last && l.queue.settings.AutoDelete && l.engine.Consumers() == 0
		for _, m := range members {
			if c := l.members[m]; c != nil && !last {
				c.Return(0)
			}
			delete(l.members, m)
		}
		l.engine.Dispatch(at)
		return nil
	})
	return last, err
}

// leaveNow is leave, after which an auto-delete queue is deleted.
func (l *leader) leaveNow(members ...member) error {
	last, err := l.leave(members...)
	if last {
		l.conn.spawn(func(ctx context.Context) { l.deleteQueue(ctx, deleteAuto) })
	}
	return err
}

// get takes a message for a member, or with automatic acknowledgement for nobody. All that
// was confirmed before can be had.
func (l *leader) get(ctx context.Context, m member, autoAck bool) (d engine.Delivery, ok bool, ready int, err error) {
	last, err := l.conn.lastStored(ctx, l.queue.stream)
	if err == nil {
		err = l.caughtUp(ctx, last, nil)
	}
	if err != nil {
		return d, false, 0, err
	}
	err = l.do(func() error {
		var holder *engine.Consumer
		if !autoAck {
			if holder = l.members[m]; holder == nil {
				holder = l.engine.Holder(0)
				l.members[m] = holder
			}
		}
		d, ok = l.engine.Get(holder, now())
		ready = l.engine.Ready()
		return nil
	})
	return d, ok, ready, err
}
