package amqpserver

import (
	"errors"
	"sync"

	"github.com/gobindery/bindery/adapters/amqpserver/internal/wire"
	"github.com/gobindery/bindery/pubsub"
)

// transaction holds what a channel in transaction mode is to do at commit.
// See the AMQP 0-9-1 reference, class tx. Outcomes come first, then publishes;
// neither is undone if another fails.
type transaction struct {
	outcomes  []outcomeOf
	settled   map[uint64]struct{} // the tags in outcomes
	publishes []func(done func(error))
}

type outcomeOf struct {
	tag uint64
	as  pubsub.Outcome
}

func (ch *channel) txSelect() error {
	if ch.confirms.selected {
		return wire.Errorf(wire.PreconditionFailed, "cannot switch from confirm to tx mode")
	}
	if ch.tx == nil {
		ch.tx = &transaction{settled: make(map[uint64]struct{})}
	}
	return nil
}

var errNotTransactional = wire.Errorf(wire.PreconditionFailed, "channel is not transactional")

// txRollback forgets what was to be done: deliveries are unsettled again.
func (ch *channel) txRollback() error {
	if ch.tx == nil {
		return errNotTransactional
	}
	ch.tx = &transaction{settled: make(map[uint64]struct{})}
	return nil
}

// txCommit does all, and returns once the broker has taken the messages. What
// nobody wants comes back to the client before that.
func (ch *channel) txCommit() error {
	tx := ch.tx
	if err := ch.txRollback(); err != nil {
		return err
	}
	for _, o := range tx.outcomes {
		ch.mu.Lock()
		d, ok := ch.unacked.take(o.tag)
		ch.mu.Unlock()
		if ok {
			ch.tell([]held{d}, o.as)
		}
	}
	var waiting sync.WaitGroup
	var mu sync.Mutex
	var partial bool
	for _, publish := range tx.publishes {
		waiting.Add(1)
		publish(func(err error) {
			mu.Lock()
			partial = partial || err != nil && !errors.Is(err, pubsub.ErrUnroutable)
			mu.Unlock()
			waiting.Done()
		})
	}
	waiting.Wait() // the adapter's end is an outcome too
	if partial {
		return wire.Errorf(wire.PreconditionFailed, "partial tx completion")
	}
	return nil
}

// settle notes outcomes until commit. It reports false if there is nothing to
// settle.
func (tx *transaction) settle(u *unacked, tag uint64, multiple bool, as pubsub.Outcome) bool {
	waits := func(t uint64) bool {
		_, twice := tx.settled[t]
		return !twice && u.has(t)
	}
	first := tag
	switch {
	case multiple && tag == 0:
		first, tag = u.base, u.base+uint64(len(u.list))-1
	case !waits(tag):
		return false
	case multiple:
		first = u.base
	}
	for t := first; t <= tag; t++ {
		if waits(t) {
			tx.settled[t] = struct{}{}
			tx.outcomes = append(tx.outcomes, outcomeOf{t, as})
		}
	}
	return true
}
