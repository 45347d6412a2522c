package amqpserver

import (
	"slices"

	"github.com/gobindery/bindery/adapters/amqpserver/internal/wire"
)

// confirms tells a client which of its publishes were taken. Acks of one burst
// are merged: those in order into one with multiple set. Its fields are guarded
// by channel.mu, but for the first three, which are the reader's own.
// See https://www.rabbitmq.com/docs/confirms#publisher-confirms.
type confirms struct {
	selected bool   // the client asked for confirms
	last     uint64 // the number of the last publish
	unsent   bool   // the reader is going to flush: the channel is in conn.unsent

	merging bool                // the reader publishes: it flushes before it waits
	through uint64              // all up to this were told
	beyond  map[uint64]struct{} // those after it that were told
	ready   []uint64            // taken, not told yet
}

func (ch *channel) selectConfirms() error {
	if ch.tx != nil {
		return wire.Errorf(wire.PreconditionFailed, "cannot switch from tx to confirm mode")
	}
	ch.confirms.selected = true
	return nil
}

// nextConfirm numbers a publish, zero without confirms. Until waitConfirms,
// outcomes are gathered.
func (ch *channel) nextConfirm() uint64 {
	cf := &ch.confirms
	if !cf.selected {
		return 0
	}
	cf.last++
	ch.mu.Lock()
	cf.merging = true
	ch.mu.Unlock()
	return cf.last
}

// waitConfirms ends the gathering if there is nothing: whatever comes later is
// told at once. It reports whether there are outcomes that the reader doesn't
// know it must flush. That may be several: those of earlier publishes may come
// during the last.
func (ch *channel) waitConfirms() bool {
	cf := &ch.confirms
	if !cf.selected {
		return false
	}
	ch.mu.Lock()
	defer ch.mu.Unlock()
	if len(cf.ready) == 0 {
		cf.merging = false
		return false
	}
	known := cf.unsent
	cf.unsent = true
	return !known
}

// taken notes that a publish was taken.
func (ch *channel) taken(seq uint64) {
	if seq == 0 {
		return
	}
	ch.mu.Lock()
	defer ch.mu.Unlock()
	ch.confirms.ready = append(ch.confirms.ready, seq)
	if !ch.confirms.merging {
		ch.flushLocked()
	}
}

// refused tells at once that a publish was not taken.
func (ch *channel) refused(seq uint64) {
	if seq == 0 {
		return
	}
	ch.mu.Lock()
	defer ch.mu.Unlock()
	ch.flushLocked()
	if ch.closed {
		return
	}
	ch.confirms.told(seq)
	ch.c.counters.refused.Add(1)
	ch.c.send(ch.id, &wire.BasicNack{DeliveryTag: seq})
}

// flushConfirms tells what was gathered, at the end of a burst. The reader
// calls it.
func (ch *channel) flushConfirms() {
	ch.confirms.unsent = false
	ch.mu.Lock()
	defer ch.mu.Unlock()
	ch.confirms.merging = false
	ch.flushLocked()
}

func (ch *channel) flushLocked() {
	cf := &ch.confirms
	if len(cf.ready) == 0 || ch.closed {
		return
	}
	ch.c.counters.confirmed.Add(uint64(len(cf.ready)))
	slices.Sort(cf.ready)
	n := 0 // how many are next to those that were told
	for ; n < len(cf.ready) && cf.ready[n] == cf.through+1; n++ {
		cf.told(cf.ready[n])
	}
	if n > 0 {
		ch.c.send(ch.id, &wire.BasicAck{DeliveryTag: cf.ready[n-1], Multiple: n > 1})
	}
	for _, seq := range cf.ready[n:] {
		cf.told(seq)
		ch.c.send(ch.id, &wire.BasicAck{DeliveryTag: seq})
	}
	cf.ready = cf.ready[:0]
}

// told notes that the client knows the outcome of a publish.
func (cf *confirms) told(seq uint64) {
	if seq != cf.through+1 {
		if cf.beyond == nil {
			cf.beyond = make(map[uint64]struct{})
		}
		cf.beyond[seq] = struct{}{}
		return
	}
	for cf.through = seq; len(cf.beyond) > 0; cf.through++ {
		if _, ok := cf.beyond[cf.through+1]; !ok {
			return
		}
		delete(cf.beyond, cf.through+1)
	}
}
