package nats

import (
	"context"

	engine "github.com/gobindery/bindery/adapters/nats/internal/queue"
)

// handOver ends the leadership in good order: who has messages keeps them.
func (l *leader) handOver(ctx context.Context) error {
	members := l.stop()
	if members == nil {
		return nil // the queue is deleted, or another leads it
	}
	left := l.knows(members)
	// Before the consumer goes: who leads next knows of it.
	if err := l.conn.topology.setLeft(ctx, left); err != nil {
		l.conn.warn("the next leader of a queue does not hear what this one knows", err, "queue", l.queue.name())
	}
	l.conn.forget(l)
	err := l.feed.end(ctx)
	l.conn.control.tell(&notice{Queue: l.queue.record.Incarnation, Before: l.conn.id, Needed: l.queue.needsLeader()})
	return err
}

// knows returns what the next leader is to know of what this one knew, which has stopped.
func (l *leader) knows(members map[member]*engine.Consumer) *leftRecord {
	l.mu.Lock()
	defer l.mu.Unlock()
	left := &leftRecord{Incarnation: l.queue.record.Incarnation, Name: l.queue.name(), Leader: l.conn.id, Handed: l.last}
	given := l.engine.Redelivered()
	have := make(map[member]bool) // who may have messages
	for m, c := range members {
		given = c.Held(given)
		if m.conn != l.conn.id && !c.Idle() {
			have[m] = true
		}
	}
	if l.gathering {
		// It has handed out nothing yet: what those have who had joined, and those who had not,
		// is the next one's to find out.
		left.Handed = max(l.last, l.handed)
		for m := range l.expected {
			have[m] = true
		}
		for seq, h := range l.heldBy {
			given, have[h.member] = append(given, seq), true
		}
		for seq := range l.given {
			given = append(given, seq)
		}
	}
	for m := range have {
		left.Members = append(left.Members, leftMember{m.conn, m.id})
	}
	left.Given = formatRanges(given)
	if l.gathering && l.given == nil && left.Handed > 0 {
		left.Given = spans{{1, left.Handed}}.String() // nobody knows which
	}
	all := l.feed.done().union(&l.done)
	var settled []uint64
	for seq := range l.settled {
		settled = append(settled, seq)
	}
	if l.begun.Replicas > 1 || len(settled) > 0 {
		left.Done = all.seqs.union(spansOf(settled)).String()
	}
	left.Stored = all.last
	return left
}
