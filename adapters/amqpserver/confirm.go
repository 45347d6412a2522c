package amqpserver

import (
	"sync"

	"github.com/gobindery/bindery/adapters/amqpserver/internal/wire"
)

// confirms tells a client which of its publishes were taken. Acks of one burst
// are merged: those in order into one with multiple set.
// See https://www.rabbitmq.com/docs/confirms#publisher-confirms.
type confirms struct {
	selected bool   // the client asked for confirms; the reader's own
	last     uint64 // the number of the last publish; the reader's own

	mu      sync.Mutex
	merging bool     // the reader publishes: it flushes before it waits
	through uint64   // all up to this were told
	ready   []uint64 // taken, not told yet, in the order in which they came
}

// next numbers a publish, zero without confirms. Until wait, outcomes are
// gathered.
func (cf *confirms) next() uint64 {
	if !cf.selected {
		return 0
	}
	cf.last++
	cf.mu.Lock()
	cf.merging = true
	cf.mu.Unlock()
	return cf.last
}

// wait reports whether there are outcomes that the reader must flush.
func (cf *confirms) wait() bool {
	if !cf.selected {
		return false
	}
	cf.mu.Lock()
	defer cf.mu.Unlock()
	if len(cf.ready) == 0 {
		cf.merging = false // whatever comes later is told at once
		return false
	}
	return len(cf.ready) == 1 // else it knows
}

// taken notes that a publish was taken.
func (cf *confirms) taken(ch *channel, seq uint64) {
	if seq == 0 {
		return
	}
	cf.mu.Lock()
	defer cf.mu.Unlock()
	cf.ready = append(cf.ready, seq)
	if !cf.merging {
		cf.flushLocked(ch)
	}
}

// refused tells at once that a publish was not taken.
func (cf *confirms) refused(ch *channel, seq uint64) {
	if seq == 0 {
		return
	}
	cf.mu.Lock()
	defer cf.mu.Unlock()
	cf.flushLocked(ch)
	if seq == cf.through+1 {
		cf.through = seq
	}
	ch.c.send(ch.id, &wire.BasicNack{DeliveryTag: seq})
}

// flushConfirms tells what was gathered. Safe for concurrent use.
func (ch *channel) flushConfirms() {
	cf := &ch.confirms
	cf.mu.Lock()
	defer cf.mu.Unlock()
	cf.merging = false
	cf.flushLocked(ch)
}

func (cf *confirms) flushLocked(ch *channel) {
	n := 0 // how many are next to those that were told
	for n < len(cf.ready) && cf.ready[n] == cf.through+1 {
		cf.through++
		n++
	}
	if n > 0 {
		ch.c.send(ch.id, &wire.BasicAck{DeliveryTag: cf.through, Multiple: n > 1})
	}
	for _, seq := range cf.ready[n:] {
		ch.c.send(ch.id, &wire.BasicAck{DeliveryTag: seq})
	}
	cf.ready = cf.ready[:0]
}
