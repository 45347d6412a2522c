package nats

import (
	"cmp"
	"slices"
	"time"
)

// Copies for one store are sent in the order in which they were published. A stream
// that has just been made, or that has another leader, may not be reached yet: then the server
// takes none, and might take the next one. So of those for a store that is not known to be
// reached, only the first is sent, again and again; the others wait in a lane until it is answered.
// What is on its way when a stream changes its leader may still come in another order.

// lane is the way to one store. It is guarded by publisher.mu.
type lane struct {
	first   uint64     // the copy that is tried; zero when the store is reached
	waiting []*sending // those that aren't sent before it is answered, by token
}

// mostLanes is how many stores are remembered as reached.
const mostLanes = 4096

// enter reports whether a copy is to be sent now. The caller holds the lock.
func (p *publisher) enter(s *sending) bool {
	l := p.lanes[s.queue.subject]
	switch {
	case l == nil:
		if len(p.lanes) >= mostLanes {
			p.forgetReached()
		}
		p.lanes[s.queue.subject] = &lane{first: s.token}
		return true
	case l.first == 0:
		return true
	}
	s.waits = true
	l.waiting = append(l.waiting, s)
	return false
}

// forgetReached makes room for others. The caller holds the lock.
func (p *publisher) forgetReached() {
	for subject, l := range p.lanes {
		if l.first == 0 {
			delete(p.lanes, subject)
		}
	}
}

// blocked is for a copy that no stream has taken. It reports whether that copy is the one
// that is tried; else it waits.
func (p *publisher) blocked(s *sending) (first bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.sent[s.token] != s {
		return false
	}
	l := p.lanes[s.queue.subject]
	switch {
	case l == nil:
		p.lanes[s.queue.subject] = &lane{first: s.token}
	case l.first == 0:
		l.first = s.token
	case l.first != s.token && !s.waits:
		s.waits = true
		at, _ := slices.BinarySearchFunc(l.waiting, s.token, func(w *sending, token uint64) int { return cmp.Compare(w.token, token) })
		l.waiting = slices.Insert(l.waiting, at, s)
		return false
	}
	return !s.waits
}

// leave reports whether others wait for a copy that is answered. The caller holds the lock.
func (p *publisher) leave(s *sending) bool {
	l := p.lanes[s.queue.subject]
	if l == nil || l.first != s.token {
		return false
	}
	if len(l.waiting) == 0 {
		l.first = 0
		return false
	}
	return true
}

// follow sends those that have waited for a copy. New ones wait behind them until all are sent.
func (p *publisher) follow(s *sending) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.lanes[s.queue.subject]
	for len(l.waiting) > 0 && !p.cut {
		waiting := slices.DeleteFunc(l.waiting, func(s *sending) bool { return p.sent[s.token] != s }) // it was given up
		l.waiting = nil
		at := time.Since(p.began)
		for _, s := range waiting {
			s.waits, s.at = false, at
		}
		p.mu.Unlock()
		for _, s := range waiting {
			p.transmit(s)
		}
		p.mu.Lock()
	}
	l.first = 0
}
