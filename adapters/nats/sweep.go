package nats

import (
	"context"
	"math/rand/v2"
	"time"
)

// sweepEvery is about how often somebody looks for what dead connections have left.
const sweepEvery = 5 * time.Second

// sweep removes now and then what connections have left that died: their exclusive
// queues, and what they had begun to delete.
func (c *Conn) sweep() {
	ctx, cancel := c.background()
	defer cancel()
	for {
		select {
		case <-time.After(sweepEvery/2 + rand.N(sweepEvery)): // not all at once
		case <-c.done:
			return
		}
		if !c.closing.Load() {
			c.sweepOnce(ctx)
		}
	}
}

// sweepOnce looks once.
func (c *Conn) sweepOnce(ctx context.Context) {
	table, err := c.topology.sync(ctx)
	if err != nil {
		return // the next time
	}
	alive := map[string]bool{c.id: true}
	dead := func(conn string) bool {
		is, known := alive[conn]
		if !known {
			var err error
			is, err = c.lives(ctx, conn)
			is = is || err != nil
			alive[conn] = is
		}
		return !is
	}
	for _, q := range table.Queues() {
		switch owner := q.record.Owner; {
		case c.closing.Load():
			return
		case owner != "" && dead(owner):
			if err := c.deleteRecord(ctx, q, nil); err != nil {
				c.warn("an exclusive queue of a dead connection stays for now", err, "queue", q.name())
			}
		case owner == "" && q.needsLeader():
			c.leadIfNeeded(ctx, q.record.Incarnation)
		}
	}
}
