package rabbitmq

import (
	"sync"
	"time"

	"github.com/gobindery/bindery/pubsub"
)

// acker settles the deliveries of one AMQP channel with one consumer. Under
// load it merges acks: those of deliveries that follow one another without a
// gap become one basic.ack with multiple set, which saves RabbitMQ most of the
// work. Rejects and requeues are sent as they come, after the acks before them.
//
// An ack is held back for holdBack at most, and only while the last was sent
// less than that ago or the program still has other deliveries to settle. No
// more acks are held back than a quarter of the prefetch, so that RabbitMQ
// always has leave to send more.
type acker struct {
	ch   settlements
	most int // how many acks may be held back

	mu     sync.Mutex
	over   bool   // the channel is gone, and all that was unsettled is back in the queue
	low    uint64 // all tags below are settled, and RabbitMQ knows
	states []state
	came   uint64 // the last tag that came
	open   int    // how many of those that came have no outcome
	held   int    // acks that RabbitMQ doesn't know
	last   time.Time
	timer  *time.Timer
	armed  bool
}

// settlements is what an acker uses of an *amqp091.Channel.
type settlements interface {
	Ack(tag uint64, multiple bool) error
	Reject(tag uint64, requeue bool) error
}

// state is what is known of a tag.
type state uint8

const (
	unsettled state = iota
	acked           // and RabbitMQ doesn't know
	told            // settled, and RabbitMQ knows
)

const (
	// holdBack is how long an ack may be held back.
	holdBack = time.Millisecond

	// mostHeld is how many acks may be held back.
	mostHeld = 64
)

func newAcker(ch settlements, prefetch int) *acker {
	a := &acker{ch: ch, most: max(1, min(prefetch/4, mostHeld)), low: 1}
	a.timer = time.AfterFunc(time.Hour, a.overdue)
	a.timer.Stop()
	return a
}

// arrived notes that a delivery came. Tags come in order, without gaps.
func (a *acker) arrived(tag uint64) {
	a.mu.Lock()
	a.came = tag
	a.states = append(a.states, unsettled)
	a.open++
	a.mu.Unlock()
}

// settle takes the outcome of a delivery, or of all up to it.
func (a *acker) settle(tag uint64, o pubsub.Outcome, multiple bool) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.over {
		return pubsub.ErrDeliveryLost
	}
	if tag < a.low || tag > a.came {
		return nil // settled by a multiple one
	}
	last := int(tag - a.low)
	if multiple {
		if o != pubsub.Ack {
			return a.refuseThroughLocked(last, o)
		}
		for i := 0; i <= last; i++ {
			a.ackLocked(i)
		}
		return a.considerLocked()
	}
	if a.states[last] != unsettled {
		return nil
	}
	if o == pubsub.Ack {
		a.ackLocked(last)
		return a.considerLocked()
	}
	return a.refuseLocked(last, o)
}

func (a *acker) ackLocked(i int) {
	if a.states[i] == unsettled {
		a.states[i] = acked
		a.open--
		a.held++
	}
}

// refuseThroughLocked requeues or rejects all that are unsettled up to states[last].
func (a *acker) refuseThroughLocked(last int, o pubsub.Outcome) error {
	base := a.low
	for i := 0; i <= last; i++ {
		// What is flushed moves the states.
		if at := int(base + uint64(i) - a.low); at >= 0 && a.states[at] == unsettled {
			if err := a.refuseLocked(at, o); err != nil {
				return err
			}
		}
	}
	return nil
}

// refuseLocked requeues or rejects one.
func (a *acker) refuseLocked(i int, o pubsub.Outcome) error {
	tag := a.low + uint64(i)
	if err := a.flushLocked(); err != nil {
		return err
	}
	a.states[tag-a.low] = told
	a.open--
	err := a.ch.Reject(tag, o == pubsub.Requeue)
	a.trimLocked()
	return a.lost(err)
}

// considerLocked sends what is held back, unless there is reason to wait.
func (a *acker) considerLocked() error {
	if a.held == 0 {
		return nil
	}
	if a.held >= a.most || a.open == 0 && time.Since(a.last) >= holdBack {
		return a.flushLocked()
	}
	if !a.armed {
		a.armed = true
		a.timer.Reset(holdBack)
	}
	return nil
}

// overdue sends what was held back long enough. The timer calls it.
func (a *acker) overdue() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.armed = false
	if !a.over {
		// An error means that the connection is gone; then they come again.
		_ = a.flushLocked()
	}
}

// flush sends all that is held back.
func (a *acker) flush() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.over {
		return nil
	}
	return a.flushLocked()
}

func (a *acker) flushLocked() error {
	if a.held == 0 {
		return nil
	}
	a.held = 0
	a.last = time.Now()
	// All in front that have an outcome go with one ack, if the last of them
	// that RabbitMQ doesn't know was not the only one.
	front, n := -1, 0
	end := 0
	for end < len(a.states) && a.states[end] != unsettled {
		if a.states[end] == acked {
			front = end
			n++
		}
		end++
	}
	var err error
	if front >= 0 {
		err = a.ch.Ack(a.low+uint64(front), n > 1)
	}
	for i := range end {
		a.states[i] = told
	}
	// The others have one before them that is unsettled, so that each goes
	// by itself.
	for i := end; i < len(a.states) && err == nil; i++ {
		if a.states[i] == acked {
			a.states[i] = told
			err = a.ch.Ack(a.low+uint64(i), false)
		}
	}
	a.trimLocked()
	return a.lost(err)
}

// trimLocked forgets what is settled in front.
func (a *acker) trimLocked() {
	n := 0
	for n < len(a.states) && a.states[n] == told {
		n++
	}
	a.low += uint64(n)
	a.states = a.states[:copy(a.states, a.states[n:])]
}

// lost is ErrDeliveryLost for an error of amqp091-go, which means that the
// channel or the connection is closed.
func (a *acker) lost(err error) error {
	if err == nil {
		return nil
	}
	return deliveryLost(err)
}

// end marks everything as returned to the queue.
func (a *acker) end() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.over = true
	a.states = nil
	a.open, a.held = 0, 0
	a.timer.Stop()
}

// unsettledCount tells how many deliveries have no outcome.
func (a *acker) unsettledCount() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.open
}
