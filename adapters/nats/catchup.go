package nats

import (
	"context"
	"time"
)

// A publish is confirmed when every stream has it; the leader of the queue may get it
// a moment later. Yet what anybody does after the confirm must find it in the
// queue, on all connections, as in RabbitMQ. So a leader asks its stream how far that
// is, before it does what the order matters for, and waits until it is as far.

// catchUp waits until the leader has what was confirmed before, or enough of it. Where that
// can't be found out now, it goes on without: others may be cut off, but not wait for that.
func (l *leader) catchUp(enough func() bool) {
	l.mu.Lock()
	useless := l.ended || l.gathering
	l.mu.Unlock()
	if useless || !l.conn.nc.IsConnected() {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
	defer cancel()
	last, err := l.conn.lastStored(ctx, l.queue.stream)
	if err == nil {
		err = l.caughtUp(ctx, last, enough)
	}
	if err != nil {
		l.conn.log.Debug("a queue's leader may be behind its stream", "queue", l.queue.name(), "error", err)
	}
}

// caughtUp waits until the leader has what was stored up to a sequence, or
// all that it has room for, or enough, which is asked with the leader's lock held, says so.
func (l *leader) caughtUp(ctx context.Context, last uint64, enough func() bool) error {
	const long = 250 * time.Millisecond
	asked := time.Now()
	for pause := 200 * time.Microsecond; ; pause = min(2*pause, 20*time.Millisecond) {
		l.mu.Lock()
		ended, gathering, missing := l.ended, l.gathering, l.missing(last) > 0
		full := l.roomLocked() <= 0 || enough != nil && enough()
		if l.came == nil {
			l.came = make(chan struct{})
		}
		came := l.came
		l.mu.Unlock()
		if l.queue.record.Owner != "" {
			missing, full = l.feed.last() < last, l.conn.tempRoom() == 0
		}
		switch {
		case ended:
			return errNotLeader
		case !gathering && (!missing || full):
			return nil
		case !gathering && time.Since(asked) > long:
			if err := l.recount(ctx, last); err != nil {
				return err
			}
			asked = time.Now()
		}
		select {
		case <-came:
		case <-time.After(pause): // or the stream has only messages for others
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// recount asks whether there is anything to come. What was counted when the leader began
// may have held messages that were acked and about to go. The stream itself is asked: in
// a cluster its consumer may be behind, and not know of any.
func (l *leader) recount(ctx context.Context, last uint64) error {
	state, err := l.conn.streamState(ctx, l.queue.stream)
	if err != nil {
		return err
	}
	// One that is to come, comes before all that are stored later: as long as it
	// hasn't, less are here than were there.
	here := l.feed.unacked()
	l.mu.Lock()
	defer l.mu.Unlock()
	if state.Messages <= here && !l.gathering {
		l.begun.Messages, l.last = l.inherited, max(l.last, last)
	}
	return nil
}

// lastStored returns the sequence of the last message of a stream.
func (c *Conn) lastStored(ctx context.Context, stream string) (uint64, error) {
	s, err := c.streamState(ctx, stream)
	if isCode(err, codeStreamNotFound) {
		return 0, errNotLeader // the queue is deleted, or its stream is lost and made again
	}
	return s.LastSeq, err
}

// streamState is how much is in a stream.
type streamState struct {
	Messages  int    `json:"messages"`
	LastSeq   uint64 `json:"last_seq"`
	Consumers int    `json:"consumer_count"`
	Replicas  int    `json:"-"`
}

func (c *Conn) streamState(ctx context.Context, stream string) (streamState, error) {
	var answer struct {
		Config struct {
			Replicas int `json:"num_replicas"`
		} `json:"config"`
		State streamState `json:"state"`
	}
	err := c.try(ctx, "look at the stream "+stream, func(ctx context.Context) error {
		return c.request(ctx, "STREAM.INFO."+stream, nil, &answer)
	})
	answer.State.Replicas = answer.Config.Replicas
	return answer.State, err
}

// missing returns how many messages up to a sequence are in the stream and have not
// come. The caller holds the lock.
func (l *leader) missing(last uint64) int {
	if l.queue.record.Owner != "" {
		return 0
	}
	n := l.begun.Messages - l.inherited
	if from := max(l.last, l.begun.LastSeq); last > from {
		n += int(last - from)
	}
	return n
}
