package nats

import (
	"context"
	"time"
)

// gatherTime is how long a leader waits for those who have messages since one
// that died; those that a leader in good order has told of are waited for as long
// as gatherMost.
const (
	gatherTime = 500 * time.Millisecond
	gatherMost = 3 * time.Second
)

// predecessor is who led a queue before, and what is known of what it had handed out.
type predecessor struct {
	conn   string
	handed uint64      // up to this sequence it had messages
	left   *leftRecord // it has left in good order, and said this; nil if it died
}

// predecessor asks how far a leader that is gone had come.
func (c *Conn) predecessor(ctx context.Context, q *queue, consumer, owner string) predecessor {
	p := predecessor{conn: owner}
	var info struct {
		Delivered struct {
			Stream uint64 `json:"stream_seq"`
		} `json:"delivered"`
	}
	err := c.try(ctx, "ask how far a queue's leader has come", func(ctx context.Context) error {
		return c.request(ctx, "CONSUMER.INFO."+q.stream+"."+consumer, nil, &info)
	})
	if err == nil {
		p.handed = info.Delivered.Stream
	}
	return p
}

// gather waits for those who have messages since an earlier leader, before any is
// handed out: each says what it has when it joins.
func (l *leader) gather(before *predecessor) {
	l.gathering, l.heldBy, l.handed = true, make(map[uint64]holding), before.handed
	wait := gatherTime
	if left := before.left; left != nil {
		wait = gatherMost
		l.given = parseRanges(left.Given)
		l.expected = make(map[member]bool, len(left.Members))
		for _, m := range left.Members {
			l.expected[member{m.Conn, m.ID}] = true
		}
		if len(l.expected) == 0 {
			l.gathering = false
			return
		}
	}
	timer := time.NewTimer(wait)
	l.gathered = make(chan struct{})
	l.expectLiving()
	l.conn.running.Go(func() {
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-l.gathered:
		case <-l.conn.done:
		}
		l.awaitHanded(gatherMost)
		l.do(func() error {
			l.endGathering()
			return nil
		})
	})
}

// awaitHanded waits until what the one before had has come: else a consumer would get
// more before it is seen how much it holds.
func (l *leader) awaitHanded(most time.Duration) {
	for late := time.Now().Add(most); time.Now().Before(late); time.Sleep(time.Millisecond) {
		l.mu.Lock()
		there := l.ended || l.last >= l.handed || l.missing(l.begun.LastSeq) == 0
		l.mu.Unlock()
		if there {
			return
		}
	}
}

// expectLiving finds out who of those that are to join is gone, and waits for
// them no more.
func (l *leader) expectLiving() {
	conns := make(map[string]bool)
	for m := range l.expected {
		conns[m.conn] = true
	}
	for conn := range conns {
		if conn == l.conn.id {
			continue
		}
		l.conn.spawn(func(ctx context.Context) {
			if alive, err := l.conn.lives(ctx, conn); alive || err != nil {
				return
			}
			l.mu.Lock()
			defer l.mu.Unlock()
			for m := range l.expected {
				if m.conn == conn {
					l.gatheredFrom(m)
				}
			}
		})
	}
}

// gatheredFrom notes that a member has joined. The caller holds the lock.
func (l *leader) gatheredFrom(m member) {
	if l.expected[m] {
		if delete(l.expected, m); len(l.expected) == 0 {
			close(l.gathered)
		}
	}
}

// endGathering hands out what has come meanwhile. The caller holds the lock.
func (l *leader) endGathering() {
	if !l.gathering {
		return
	}
	l.gathering = false
	early := l.early
	l.early = nil
	for _, a := range early {
		l.add(a)
	}
	l.engine.Dispatch(now())
}
