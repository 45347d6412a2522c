package nats

import (
	"context"
	"errors"

	"github.com/gobindery/bindery/pubsub"
)

// settlement is what became of a delivery, for a leader at another connection.
type settlement struct {
	Tag      uint64
	Outcome  pubsub.Outcome
	Multiple bool
}

// settlements are those that a leader has not answered yet, in their order. They
// are sent in groups, one group at a time: what comes meanwhile is the next one.
// They are kept until they are answered, so that the next leader gets them when one
// dies.
type settlements struct {
	waiting []settlement
	cleared int // how often clear was called
	sending bool
	idle    chan struct{} // closed when sending ends; nil if nobody waits for it
}

// mostSettlements is how many are in one request.
const mostSettlements = 1024

func (s *settlements) add(x settlement) { s.waiting = append(s.waiting, x) }

// clear drops them: the deliveries are lost.
func (s *settlements) clear() {
	s.waiting = nil
	s.cleared++
}

// sendSettlements sends what waits, and returns when all that was there is answered or
// can't be sent for now.
func (s *subscription) sendSettlements() {
	s.mu.Lock()
	for s.unsent.sending {
		if s.unsent.idle == nil {
			s.unsent.idle = make(chan struct{})
		}
		idle := s.unsent.idle
		s.mu.Unlock()
		<-idle
		s.mu.Lock()
		if len(s.unsent.waiting) == 0 {
			s.mu.Unlock()
			return
		}
	}
	s.unsent.sending = true
	for len(s.unsent.waiting) > 0 && s.remote != "" {
		group := s.unsent.waiting[:min(len(s.unsent.waiting), mostSettlements)]
		remote, cleared := s.remote, s.unsent.cleared
		s.mu.Unlock()
		ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
		err := s.conn.control.settle(ctx, remote, s.queue, s.id, group)
		cancel()
		s.mu.Lock()
		if err == nil || errors.Is(err, pubsub.ErrDeliveryLost) {
			if s.unsent.cleared == cleared {
				s.unsent.waiting = s.unsent.waiting[len(group):]
				for _, x := range group {
					s.settleHeld(x.Tag, x.Multiple)
				}
			}
			continue
		}
		if s.remote == remote {
			break // the watch over the leader finds out, and they are sent after that
		}
	}
	if len(s.unsent.waiting) == 0 {
		s.unsent.waiting = nil
	}
	if s.local != nil && len(s.unsent.waiting) > 0 {
		waiting, l := s.unsent.waiting, s.local
		s.unsent.waiting = nil
		s.mu.Unlock()
		l.settle(s.member(), waiting...)
		s.mu.Lock()
	}
	s.unsent.sending = false
	if s.unsent.idle != nil {
		close(s.unsent.idle)
		s.unsent.idle = nil
	}
	s.mu.Unlock()
}
