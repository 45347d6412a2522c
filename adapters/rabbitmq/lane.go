package rabbitmq

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/gobindery/bindery/pubsub"
)

// A lane is one AMQP channel in confirm mode, with the publishes on it that
// have no outcome yet, in the order in which they were sent.
//
// Outcomes come from [lane.settle], which the goroutine that reads the socket
// calls each time amqp091-go has dispatched all that came (mergeConn.idle). So
// no goroutine waits for each confirm, and none for the oldest while later
// ones are there: RabbitMQ confirms out of order.
type lane struct {
	s       *session
	ch      *amqp.Channel
	closes  chan *amqp.Error
	returns chan amqp.Return

	// sending is held while a publish is written, so that flights are in the
	// order of sending. It comes before mu. The reading goroutine takes only
	// mu, which nobody holds while writing: else a socket that takes no more
	// would stop reading too.
	sending sync.Mutex

	mu      sync.Mutex
	flights flights
	over    ending        // how the lane ended, if it has
	settled chan struct{} // made by who waits for outcomes, closed at the next
}

// ending is how a lane ended.
type ending uint8

const (
	laneOpen   ending = iota // it hasn't
	laneClosed               // RabbitMQ closed the channel: what it had not processed is discarded
	laneCut                  // the connection is gone: nobody knows
)

// flight is a publish without an outcome.
type flight struct {
	p     *pubsub.Publication        // nil once it has its outcome
	dc    *amqp.DeferredConfirmation // nil while it is being written
	key   string                     // the routing key that was sent
	print uint64                     // identifies a mandatory message, if it comes back
	back  *amqp.Return
	lean  bool        // it can't be sent again
	then  func(error) // told of the outcome too; may be nil
}

// maxReturns is how many returns may come between two calls of settle:
// amqp091-go reads 4 KiB at a time, and a return has more than 40 bytes. If
// there were more, it would wait five seconds and drop them.
const maxReturns = 256

// newLane opens a channel in confirm mode.
func newLane(s *session) (*lane, error) {
	ch, err := s.channel()
	if err != nil {
		return nil, err
	}
	l := &lane{
		s:       s,
		ch:      ch,
		closes:  ch.NotifyClose(make(chan *amqp.Error, 1)),
		returns: ch.NotifyReturn(make(chan amqp.Return, maxReturns)),
	}
	if err := ch.Confirm(false); err != nil {
		ch.Close()
		return nil, err
	}
	return l, nil
}

// errNotSent says that nothing of a publish reached RabbitMQ, or it was
// discarded there: it may be sent on another lane.
var errNotSent = errors.New("not sent")

// send writes a publish. It returns nil if the publish has or will have its
// outcome by settle or end; else errNotSent.
func (l *lane) send(f flight) error {
	p := f.p
	msg := publishing(&p.Message)
	if p.Mandatory {
		f.print = fingerprint(&msg)
	}

	l.sending.Lock()
	defer l.sending.Unlock()
	// It is among the flights before it is written, because it may come back
	// before the write returns.
	l.mu.Lock()
	if l.over != laneOpen {
		l.mu.Unlock()
		return errNotSent
	}
	l.flights.push(f)
	l.mu.Unlock()

	dc, err := l.ch.PublishWithDeferredConfirm(p.Exchange, f.key, p.Mandatory, false, msg)

	l.mu.Lock()
	defer l.mu.Unlock()
	last := l.flights.last()
	last.dc = dc
	switch {
	case errors.Is(err, amqp.ErrClosed):
		// Its last frame, at least, was not taken, so that RabbitMQ, if it got
		// anything at all, got no whole message.
		l.flights.pop()
		return errNotSent
	case err != nil:
		// Some of the bytes may be on their way.
		last.resolve(fmt.Errorf("%w: %s", pubsub.ErrUnconfirmed, reason(err)))
		l.flights.trim()
		l.wakeLocked()
		return nil
	case l.over == laneClosed:
		// RabbitMQ closed the channel meanwhile. It discarded this one, or
		// this is the one that it found fault with: then it will again.
		l.flights.pop()
		return errNotSent
	case l.over == laneCut:
		l.cutLocked()
		return nil
	}
	select {
	case <-dc.Done():
		// Its confirm came before dc was there, so that settle has not seen
		// it, and might not be called again.
		l.settleLocked()
	default:
		last.keep()
	}
	return nil
}

// pending reports whether f is written and has no outcome.
func (f *flight) pending() bool { return f.p != nil && f.dc != nil }

// mostKept is how large a body is kept to be sent again, so that large
// messages in flight don't fill the memory.
const mostKept = 16 << 10

// keep copies what belongs to the publisher, because the message is sent again
// if another's error closes the channel; or lets go of it.
func (f *flight) keep() {
	m := &f.p.Message
	if f.then != nil || len(m.Body) > mostKept {
		m.Body, m.Headers, f.lean = nil, nil, true
		return
	}
	m.Body = bytes.Clone(m.Body)
	m.Headers = m.Headers.Clone()
	if m.Expiration != nil {
		d := *m.Expiration
		m.Expiration = &d
	}
}

// resolve gives the outcome.
func (f *flight) resolve(err error) {
	p := f.p
	f.p = nil
	p.Confirm(err)
	if f.then != nil {
		f.then(err)
	}
}

// unconfirmed is the outcome of what was in flight when a session ended.
func unconfirmed(s *session) error {
	why := error(nil)
	select {
	case <-s.ended:
		why = s.why
	default:
	}
	return fmt.Errorf("%w: the connection was lost: %s", pubsub.ErrUnconfirmed, reason(why))
}

// settle gives their outcome to those whose confirm has come. It returns false
// if RabbitMQ has closed the channel; then the caller must call end.
func (l *lane) settle() (alive bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.over != laneOpen:
		return true // somebody has seen to it
	case !l.s.alive():
		return true // cut will
	case l.ch.IsClosed():
		return false
	}
	l.settleLocked()
	return true
}

// lookAhead is how far settle looks beyond the oldest publish without a
// confirm. Confirms that overtake more than that are seen when older ones
// have come.
const lookAhead = 512

func (l *lane) settleLocked() {
	l.matchReturnsLocked()
	some := false
	for seen := l.flights.start(); ; {
		// The further, the more outcomes there are: one read may bring the
		// confirms of thousands, and the next might not come for long.
		end := min(l.flights.end(), l.flights.start()+lookAhead)
		if seen >= end {
			break
		}
		some = l.settleSomeLocked(int(seen-l.flights.start()), int(end-l.flights.start())) || some
		seen = end
		l.flights.trim()
	}
	if some {
		l.wakeLocked()
	}
}

// settleSomeLocked gives their outcome to those from the place from up to end
// whose confirm has come, and reports whether there are any.
func (l *lane) settleSomeLocked(from, end int) (some bool) {
	for i := from; i < end; i++ {
		f := l.flights.at(i)
		if !f.pending() {
			continue
		}
		select {
		case <-f.dc.Done():
		default:
			continue
		}
		if !f.dc.Acked() && l.ch.IsClosed() {
			// amqp091-go says so too of what it has no confirm for, after it
			// marked the channel as closed. cut or end knows better.
			continue
		}
		some = true
		f.resolve(f.outcome())
	}
	return some
}

// outcome is that of a publish whose confirm has come.
func (f *flight) outcome() error {
	switch {
	case !f.dc.Acked():
		return fmt.Errorf("%w: a queue didn't take it (basic.nack)", pubsub.ErrRefused)
	case f.back != nil:
		return fmt.Errorf("%w: the broker returned it: %s (AMQP code %d)", pubsub.ErrUnroutable, f.back.ReplyText, f.back.ReplyCode)
	}
	return nil
}

func (l *lane) wakeLocked() {
	if l.settled != nil {
		close(l.settled)
		l.settled = nil
	}
}

// drained waits until what was in flight when it was called has its outcome.
func (l *lane) drained(ctx context.Context) error {
	l.mu.Lock()
	end := l.flights.end()
	for l.flights.start() < end && l.over == laneOpen {
		if l.settled == nil {
			l.settled = make(chan struct{})
		}
		settled := l.settled
		l.mu.Unlock()
		select {
		case <-settled:
		case <-ctx.Done():
			return gaveUp(ctx, "not sent: waited for earlier publishes, because its exchange is new")
		}
		l.mu.Lock()
	}
	l.mu.Unlock()
	return nil
}

// cut ends the lane with its connection.
func (l *lane) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over == laneOpen {
		l.over = laneCut
		l.cutLocked()
	}
}

// cutLocked gives outcomes to all, except one that is being written.
func (l *lane) cutLocked() {
	err := unconfirmed(l.s)
	for _, f := range l.leftLocked() {
		f.resolve(err)
	}
	l.flights.trim()
	l.wakeLocked()
}

// leftLocked gives outcomes to those whose confirm has come, and returns the others, except
// one that is being written. The lane has ended.
func (l *lane) leftLocked() (left []*flight) {
	l.matchReturnsLocked()
	for i := range l.flights.len() {
		f := l.flights.at(i)
		switch {
		case !f.pending():
		case f.dc.Acked():
			// A confirm is true if it came. Its opposite isn't: amqp091-go
			// says that too of what it has no confirm for.
			f.resolve(f.outcome())
		default:
			left = append(left, f)
		}
	}
	return left
}
