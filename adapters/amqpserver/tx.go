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
	outcomes  []outcomeOf // guarded by channel.mu
	publishes []func(done func(error))
}

type outcomeOf struct {
	taken
	as pubsub.Outcome
}

// settle notes outcomes until commit.
func (tx *transaction) settle(list []taken, as pubsub.Outcome) {
	for _, t := range list {
		tx.outcomes = append(tx.outcomes, outcomeOf{t, as})
	}
}

func (ch *channel) txSelect() error {
	if ch.confirms.selected {
		return wire.Errorf(wire.PreconditionFailed, "cannot switch from confirm to tx mode")
	}
	if ch.tx == nil {
		ch.mu.Lock()
		ch.tx = &transaction{}
		ch.mu.Unlock()
	}
	return nil
}

var errNotTransactional = wire.Errorf(wire.PreconditionFailed, "channel is not transactional")

// txRollback forgets what was to be done: deliveries are unsettled again.
func (ch *channel) txRollback() error {
	if ch.tx == nil {
		return errNotTransactional
	}
	ch.mu.Lock()
	ch.rollbackLocked()
	ch.mu.Unlock()
	return nil
}

func (ch *channel) rollbackLocked() {
	if ch.tx == nil {
		return
	}
	list := make([]taken, len(ch.tx.outcomes))
	for i, o := range ch.tx.outcomes {
		list[i] = o.taken
	}
	ch.unacked.putBack(list)
	ch.tx = &transaction{}
}

// txCommit does all, and returns once the broker has taken the messages. What
// nobody wants comes back to the client before that. An exchange that was
// deleted since a publish is as one that nobody is bound to.
func (ch *channel) txCommit() error {
	if ch.tx == nil {
		return errNotTransactional
	}
	ch.mu.Lock()
	tx := ch.tx
	ch.tx = &transaction{}
	ch.mu.Unlock()
	for _, o := range tx.outcomes {
		ch.tell([]taken{o.taken}, o.as, false)
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
