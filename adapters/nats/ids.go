package nats

import (
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

// A publish without an answer is sent again with the same id, and the stream stores an id
// once. But a server that is started anew, or catches up with others, knows the ids of those
// messages only that are still in the stream; not of what was acked. So a feed remembers itself
// what it has brought, for as long as a publisher may send that again.

// ids are ids of messages, for some time between one dedupWindow and three. They have no lock.
type ids struct {
	since       time.Time // when recent began
	recent, old map[string]tokens
}

// tokens are the last parts of ids that begin alike, which are numbers close to one another:
// bits, in pieces of 512.
type tokens map[uint64]*[8]uint64

// again reports whether the message with the same id was brought already, and remembers it.
// Messages that no adapter has published are their publishers' business.
func (s *ids) again(m *nats.Msg, now time.Time) bool {
	id := m.Header.Get(idHeader)
	if isForeign(m) && len(m.Header[longHeader]) == 0 {
		return false
	}
	if s.has(id, now) {
		return true
	}
	s.add(id, now)
	return false
}

// forget forgets the old ones when it is time.
func (s *ids) forget(now time.Time) {
	if now.Sub(s.since) > dedupWindow {
		s.since, s.recent, s.old = now, make(map[string]tokens), s.recent
	}
}

// has reports whether an id is there.
func (s *ids) has(id string, now time.Time) bool {
	s.forget(now)
	beginning, n, ok := splitID(id)
	return ok && (s.recent[beginning].has(n) || s.old[beginning].has(n))
}

// add adds an id.
func (s *ids) add(id string, now time.Time) {
	beginning, n, ok := splitID(id)
	if !ok {
		return
	}
	s.forget(now)
	t := s.recent[beginning]
	if t == nil {
		t = make(tokens)
		s.recent[strings.Clone(beginning)] = t
	}
	t.add(n)
}

// splitID splits an id into what many have in common and a number.
func splitID(id string) (beginning string, n uint64, ok bool) {
	dot := strings.LastIndexByte(id, '.')
	if dot < 0 {
		return "", 0, false
	}
	n, err := strconv.ParseUint(id[dot+1:], 36, 64)
	return id[:dot], n, err == nil
}

func (t tokens) has(n uint64) bool {
	bits := t[n/512]
	return bits != nil && bits[n/64%8]&(1<<(n%64)) != 0
}

func (t tokens) add(n uint64) {
	bits := t[n/512]
	if bits == nil {
		bits = new([8]uint64)
		t[n/512] = bits
	}
	bits[n/64%8] |= 1 << (n % 64)
}
