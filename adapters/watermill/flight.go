package watermill

import (
	"errors"
	"runtime"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/gobindery/bindery/pubsub"
)

// patience is how long the settler waits for the oldest flight.
const patience = time.Millisecond

// flight is a message that was handed out, and the delivery that it came by.
type flight struct {
	sn  *subscription
	d   pubsub.Delivery
	m   *message.Message
	ctx messageContext // m's
}

// newFlight makes a message of a delivery. One that can't be made is rejected:
// requeued, it would come for ever.
func (sn *subscription) newFlight(d pubsub.Delivery) (*flight, bool) {
	m, err := sn.s.config.Marshaler.Unmarshal(sn.topic, d)
	f := &flight{sn: sn, d: d, m: m, ctx: messageContext{parent: sn.messages}}
	if err != nil {
		sn.s.config.Logger.Error("Can't read a message; it is rejected", err, sn.fields.Add(watermill.LogFields{
			"exchange": d.Exchange, "routing_key": d.RoutingKey,
		}))
		f.settle(pubsub.Reject)
		return nil, false
	}
	m.SetContext(&f.ctx)
	return f, true
}

// settle tells the broker what becomes of the delivery, and ends the message's
// context. An outcome counts also when the subscriber's context has ended.
func (f *flight) settle(o pubsub.Outcome) {
	defer f.ctx.end()
	ctx := f.sn.settling
	var err error
	switch o {
	case pubsub.Ack:
		err = f.d.Ack(ctx)
	case pubsub.Reject:
		err = f.d.Reject(ctx)
	default:
		err = f.d.Requeue(ctx)
	}
	switch {
	case err == nil:
	case errors.Is(err, pubsub.ErrDeliveryLost):
		f.sn.s.config.Logger.Debug("The connection of a message is gone; it comes again", f.sn.fields)
	default:
		f.sn.s.config.Logger.Error("Can't "+o.String()+" a message", err, f.sn.fields)
	}
}

// nacked does what the config says with a message that was nacked. With
// NackAgain it returns the flight that is to be handed out, while the
// subscription goes on.
func (f *flight) nacked() (again *flight, ok bool) {
	sn := f.sn
	if sn.takeBack.has(f.m) {
		f.settle(pubsub.Requeue)
		return nil, false
	}
	if sn.s.config.Nack == NackReject {
		f.settle(pubsub.Reject)
		return nil, false
	}
	f.ctx.end()
	if sn.s.config.NackDelay > 0 {
		select {
		case <-time.After(sn.s.config.NackDelay):
		case <-sn.going.Done():
		}
	}
	if sn.s.config.Nack == NackAgain && sn.going.Err() == nil {
		if again, ok = sn.newFlight(f.d); ok {
			return again, true
		}
		return nil, false
	}
	f.settle(pubsub.Requeue)
	return nil, false
}

// settle settles flights until there are no more. It waits for each in turn,
// which costs no goroutine while messages are settled fast and in order. When
// one takes longer than its patience, that one and all that are behind it get
// goroutines, so that none waits for another.
func (sn *subscription) settle() {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	behind := 0 // how many flights to wait for elsewhere without looking
	for f := range sn.flights {
		select {
		case <-f.m.Acked():
			f.settle(pubsub.Ack)
			continue
		default:
		}
		// Whoever acks gets to do so first: to be woken for each message costs
		// more than the message.
		runtime.Gosched()
		select {
		case <-f.m.Acked():
			f.settle(pubsub.Ack)
			continue
		default:
		}
		if behind == 0 && sn.giveUpNot() {
			timer.Reset(patience)
			select {
			case <-f.m.Acked():
				f.settle(pubsub.Ack)
				continue
			case <-f.m.Nacked():
			case <-timer.C:
				behind = len(sn.flights)
			}
		} else {
			behind = max(0, behind-1)
		}
		sn.landing.Go(f.land)
	}
}

func (sn *subscription) giveUpNot() bool {
	select {
	case <-sn.giveUp:
		return false
	default:
		return true
	}
}

// land waits until the message is settled, or until it is time to give up.
func (f *flight) land() {
	for {
		select {
		case <-f.m.Acked():
			f.settle(pubsub.Ack)
			return
		case <-f.m.Nacked():
			next, ok := f.nacked()
			if !ok {
				return
			}
			f = next
			if !f.handOutAgain() {
				f.settle(pubsub.Requeue)
				return
			}
		case <-f.sn.giveUp:
			f.settle(pubsub.Requeue)
			return
		}
	}
}

// handOutAgain reports whether the message is in the channel. Run closes that
// with handingOut locked, once going has ended: no sender is left then.
func (f *flight) handOutAgain() bool {
	f.sn.handingOut.RLock()
	defer f.sn.handingOut.RUnlock()
	if f.sn.going.Err() != nil {
		return false
	}
	select {
	case f.sn.out <- f.m:
		return true
	case <-f.sn.going.Done():
		return false
	}
}

// takeBack knows the messages that nobody took from the channel: they are
// requeued, whatever a nack means otherwise.
type takeBack struct {
	mu       sync.Mutex
	messages map[*message.Message]struct{}
}

// drain takes what is in the channel.
func (t *takeBack) drain(out <-chan *message.Message) {
	for {
		select {
		case m := <-out:
			t.mu.Lock()
			if t.messages == nil {
				t.messages = make(map[*message.Message]struct{})
			}
			t.messages[m] = struct{}{}
			t.mu.Unlock()
			m.Nack()
		default:
			return
		}
	}
}

func (t *takeBack) has(m *message.Message) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, ok := t.messages[m]
	return ok
}
