package nats

import "context"

// checkPurged ends a purge once all has come that it is about.
func (l *leader) checkPurged() {
	if l.purgeDone != nil && l.missing(l.purgeTo) == 0 {
		close(l.purgeDone)
		l.purgeDone = nil
	}
}

// status is what a queue's leader tells about it.
type status struct {
	Ready, Unacked, Consumers int
}

// inspect tells the counts. All that was confirmed before counts.
func (l *leader) inspect(ctx context.Context, use bool) (status, error) {
	if use {
		l.touch() // it may take longer than the queue has left
	}
	last, err := l.conn.lastStored(ctx, l.queue.stream)
	if err != nil {
		return status{}, err
	}
	if err := l.caughtUp(ctx, last, nil); err != nil {
		return status{}, err
	}
	var s status
	err = l.do(func() error {
		if use {
			l.engine.Touch(now())
		}
		l.engine.Tick(now())
		s = status{l.engine.Ready(), l.engine.Unacked(), l.engine.Consumers()}
		s.Ready += l.missing(last)
		return nil
	})
	return s, err
}

// touch notes that the queue is used.
func (l *leader) touch() {
	l.do(func() error {
		l.engine.Touch(now())
		return nil
	})
}

// purge drops what is ready, and tells how many that was.
func (l *leader) purge(ctx context.Context) (int, error) {
	last, err := l.conn.lastStored(ctx, l.queue.stream)
	if err != nil {
		return 0, err
	}
	if err := l.caughtUp(ctx, last, nil); err != nil {
		return 0, err
	}
	n := 0
	var done chan struct{}
	err = l.do(func() error {
		l.engine.Tick(now())
		n = l.engine.Purge()
		if l.missing(last) > 0 {
			// The rest is dropped as it comes.
			done = make(chan struct{})
			l.purgeTo, l.purged, l.purgeDone = last, 0, done
		}
		return nil
	})
	if err != nil || done == nil {
		return n, err
	}
	l.feed.want()
	select {
	case <-done:
		l.mu.Lock()
		n += l.purged
		l.mu.Unlock()
		return n, nil
	case <-ctx.Done():
		return n, context.Cause(ctx)
	}
}
