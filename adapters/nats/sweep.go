package nats

import (
	"context"
	"math/rand/v2"
	"strings"
	"time"
)

// sweepEvery is about how often somebody looks for what dead connections have left.
const sweepEvery = 5 * time.Second

// sweep removes now and then what connections have left that died: their exclusive
// queues, what they had begun to delete, and records that mean nothing any more. One
// connection of a vhost does it at a time, whoever comes first.
func (c *Conn) sweep() {
	ctx, cancel := c.background()
	defer cancel()
	for {
		select {
		case <-time.After(sweepEvery/2 + rand.N(sweepEvery)): // not all at once
		case <-c.done:
			return
		}
		if c.closing.Load() {
			continue
		}
		c.deleteUnconsumed(ctx)
		mine, suspects, err := c.beginSweep(ctx)
		if err == nil && mine {
			err = c.sweepOnce(ctx, suspects)
		}
		if err != nil && !c.closing.Load() {
			c.log.Debug("what dead connections left stays for now", "vhost", c.names.vhost, "error", err)
		}
	}
}

// sweeping is one sweep.
type sweeping struct {
	conn     *Conn
	suspects map[string]bool // who was not there the last time
	alive    map[string]bool // who is there, as far as it was asked
}

// sweepOnce looks once. Suspects are those connections that were not there the
// last time: if they still aren't, they are dead.
func (c *Conn) sweepOnce(ctx context.Context, suspects map[string]bool) error {
	s := &sweeping{conn: c, suspects: suspects, alive: map[string]bool{c.id: true}}
	// Streams first: each has had its queue's record before it, and one that has none
	// then, has none any more.
	queues, err := c.streamsOf(ctx, c.names.prefix+".q.*.*")
	if err != nil {
		return err
	}
	temps, err := c.streamsOf(ctx, c.names.prefix+".t.*")
	if err != nil {
		return err
	}
	c.topology.mu.Lock()
	err = c.topology.syncLocked(ctx)
	v := c.topology.view
	table, complete := v.table, len(v.unreadable) == 0
	needed := make(map[string]bool) // incarnations of queues that need a leader
	for _, q := range table.Queues() {
		if _, used := v.used[q.record.Incarnation]; used || q.needsLeader() {
			needed[q.record.Incarnation] = true
		}
	}
	c.topology.mu.Unlock()
	if err != nil {
		return err
	}
	known := make(map[string]bool)
	for _, q := range table.Queues() {
		known[q.stream] = true
		switch owner := q.record.Owner; {
		case c.closing.Load():
			return errClosed
		case owner != "" && s.dead(ctx, owner):
			if err := c.deleteRecord(ctx, q, nil); err != nil {
				return err
			}
		case owner == "" && needed[q.record.Incarnation]:
			s.lead(ctx, q)
		}
	}
	if complete { // else a queue that can't be read would lose its stream
		if err := s.removeQueueStreams(ctx, queues, known); err != nil {
			return err
		}
	}
	if err := s.removeTempStreams(ctx, temps); err != nil {
		return err
	}
	var gone []string
	for conn, alive := range s.alive {
		if !alive && !suspects[conn] {
			gone = append(gone, conn)
		}
	}
	return c.clean(ctx, gone)
}

// lives reports whether a connection is there.
func (s *sweeping) lives(ctx context.Context, conn string) bool {
	is, known := s.alive[conn]
	if !known {
		var err error
		is, err = s.conn.lives(ctx, conn)
		is = is || err != nil
		s.alive[conn] = is
	}
	return is
}

// dead reports whether a connection was not there twice: one whose server is
// gone gets time to connect to another.
func (s *sweeping) dead(ctx context.Context, conn string) bool {
	return !s.lives(ctx, conn) && s.suspects[conn]
}

// lead finds a leader for a queue that needs one, if that which is known is gone.
func (s *sweeping) lead(ctx context.Context, q *queue) {
	c, incarnation := s.conn, q.record.Incarnation
	c.mu.Lock()
	remote := c.remotes[incarnation]
	c.mu.Unlock()
	if remote != "" {
		if s.lives(ctx, remote) {
			return
		}
		c.connGone(remote)
	}
	c.leadIfNeeded(ctx, incarnation)
}

// removeQueueStreams removes those of queues that are deleted.
func (s *sweeping) removeQueueStreams(ctx context.Context, streams []string, known map[string]bool) error {
	c := s.conn
	for _, stream := range streams {
		if known[stream] {
			continue
		}
		subject, err := c.streamSubject(ctx, stream)
		if err != nil {
			return err
		}
		name, incarnation, _ := strings.Cut(strings.TrimPrefix(subject, c.names.prefix+".q."), ".")
		if queue, ok := unescape(name); !ok || stream != c.names.queueStream(queue, incarnation) {
			continue // it isn't ours
		}
		if err := c.deleteStream(ctx, stream); err != nil {
			return err
		}
	}
	return nil
}

// removeTempStreams removes those of the exclusive queues of dead connections.
func (s *sweeping) removeTempStreams(ctx context.Context, streams []string) error {
	c := s.conn
	for _, stream := range streams {
		if stream == c.names.tempStream(c.id) {
			continue
		}
		subject, err := c.streamSubject(ctx, stream)
		if err != nil {
			return err
		}
		conn := strings.TrimPrefix(subject, c.names.prefix+".t.")
		if stream != c.names.tempStream(conn) || !s.dead(ctx, conn) {
			continue
		}
		if err := c.deleteStream(ctx, stream); err != nil {
			return err
		}
	}
	return nil
}

// streamsOf returns the names of the streams for a subject.
func (c *Conn) streamsOf(ctx context.Context, subject string) (streams []string, err error) {
	for {
		var page struct {
			Total   int      `json:"total"`
			Streams []string `json:"streams"`
		}
		ask := struct {
			Subject string `json:"subject"`
			Offset  int    `json:"offset"`
		}{subject, len(streams)}
		err := c.try(ctx, "list the streams of "+subject, func(ctx context.Context) error {
			return c.request(ctx, "STREAM.NAMES", ask, &page)
		})
		if err != nil {
			return nil, err
		}
		streams = append(streams, page.Streams...)
		if len(page.Streams) == 0 || len(streams) >= page.Total {
			return streams, nil
		}
	}
}

// streamSubject returns the one subject of a stream. It is empty if the stream is
// gone, or has several.
func (c *Conn) streamSubject(ctx context.Context, stream string) (string, error) {
	var answer struct {
		Config struct {
			Subjects []string `json:"subjects"`
		} `json:"config"`
	}
	err := c.try(ctx, "look at the stream "+stream, func(ctx context.Context) error {
		return c.request(ctx, "STREAM.INFO."+stream, nil, &answer)
	})
	if isCode(err, codeStreamNotFound) || err == nil && len(answer.Config.Subjects) != 1 {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return answer.Config.Subjects[0], nil
}

// unconsumedAfter is how long the leader of an auto-delete queue waits for consumers that it
// had at the leader before.
const unconsumedAfter = gatherMost + 2*time.Second

// deleteUnconsumed deletes auto-delete queues that are led here and had consumers, which
// died together with the leader before.
func (c *Conn) deleteUnconsumed(ctx context.Context) {
	if _, err := c.topology.sync(ctx); err != nil {
		return // the next time
	}
	c.topology.mu.Lock()
	defer c.topology.mu.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	for incarnation, l := range c.leaders {
		if _, used := c.topology.view.used[incarnation]; !used || time.Since(l.since) < unconsumedAfter {
			continue
		}
		l.mu.Lock()
		unconsumed := !l.ended && !l.gathering && l.engine.Consumers() == 0
		l.mu.Unlock()
		if unconsumed {
			c.spawn(func(ctx context.Context) { l.deleteQueue(ctx, deleteAuto) })
		}
	}
}

// markUsed notes that an auto-delete queue has a consumer, before it has.
func (c *Conn) markUsed(ctx context.Context, q *queue) error {
	if !q.settings.AutoDelete || q.record.Owner != "" {
		return nil
	}
	incarnation := q.record.Incarnation
	return c.topology.change(ctx, func(v *view) (string, *record, error) {
		if _, used := v.used[incarnation]; used || !v.isQueue(q.name(), incarnation) {
			return "", nil, errNoChange
		}
		return usedKey(incarnation), &record{Used: &usedRecord{incarnation, q.name()}}, nil
	})
}
