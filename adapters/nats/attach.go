package nats

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gobindery/bindery/pubsub"
)

// attach joins the queue's leader, wherever that is, or becomes it.
func (s *subscription) attach(ctx context.Context) error {
	s.joining.Lock()
	defer s.joining.Unlock()
	for {
		s.mu.Lock()
		attached := s.local != nil || s.remote != "" || s.closed
		q := s.queue
		j := &joining{Holder: s.holder || s.gone, Options: s.opts, Last: s.last}
		for _, h := range s.held {
			j.Held = append(j.Held, h)
		}
		s.mu.Unlock()
		if attached {
			return nil
		}
		l, remote, err := s.conn.findLeader(ctx, q, true)
		if err != nil {
			return err
		}
		if l != nil {
			// Before join: what is delivered must find out where it is settled.
			s.setLeader(l, "")
			lost, err := l.joinCaughtUp(ctx, s.member(), j, s)
			if errors.Is(err, errNotLeader) {
				s.setLeader(nil, "")
				continue
			}
			if err != nil {
				s.setLeader(nil, "")
				return err
			}
			s.lose(lost)
			s.mu.Lock()
			clear(s.held) // the leader knows
			s.mu.Unlock()
			s.sendSettlements() // those that the one before has not answered
			return nil
		}
		if j.Options.AutoAck {
			// The leader must not send faster than this takes: deliveries are acked as
			// they come.
			j.Options.AutoAck, j.Options.Prefetch = false, remoteWindow
		}
		s.setLeader(nil, remote)
		lost, err := s.conn.control.join(ctx, remote, q, s.id, j)
		if errors.Is(err, errNotLeader) || errors.Is(err, errGone) {
			s.setLeader(nil, "")
			s.conn.forgetRemote(q)
			continue
		}
		if err != nil {
			s.setLeader(nil, "")
			return err
		}
		s.lose(lost)
		s.conn.running.Go(s.sendSettlements) // those that the one before has not answered
		return nil
	}
}

func (s *subscription) setLeader(l *leader, remote string) {
	s.mu.Lock()
	s.local, s.remote = l, remote
	s.mu.Unlock()
}

// lose notes that deliveries went back to the queue.
func (s *subscription) lose(tags []uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range tags {
		delete(s.held, t)
		if s.lost == nil {
			s.lost = make(map[uint64]bool)
		}
		s.lost[t] = true
	}
}

// detach is called when a leader is one no more. Lost says that what the subscription
// has is back in the queue.
func (s *subscription) detach(from string, lost bool) {
	s.mu.Lock()
	if s.closed || from == s.conn.id && s.local == nil || from != s.conn.id && s.remote != from {
		s.mu.Unlock()
		return
	}
	s.local, s.remote = nil, ""
	if lost {
		clear(s.held)
		s.unsent.clear()
		s.lostTo = s.last
		// Those that were not handed over come again.
		s.in, s.first = nil, 0
	}
	needed := !s.left || len(s.held) > 0 || len(s.unsent.waiting) > 0
	s.mu.Unlock()
	if needed {
		s.conn.spawn(s.reattach)
	}
}

// reattach joins the next leader.
func (s *subscription) reattach(ctx context.Context) {
	for {
		err := s.attach(ctx)
		switch {
		case err == nil, s.conn.closing.Load(), ctx.Err() != nil:
			return
		case errors.Is(err, pubsub.ErrNotFound):
			s.queueGone()
			return
		case errors.Is(err, pubsub.ErrAccessRefused), errors.Is(err, pubsub.ErrResourceLocked):
			s.finish(fmt.Errorf("%w: the queue %q can't be had any more: %w", pubsub.ErrConsumerCanceled, s.queue.name(), err))
			return
		}
		s.conn.log.Debug("a consumer has no leader; it is tried again", "queue", s.queue.name(), "error", err)
		select {
		case <-time.After(100 * time.Millisecond): // the connection is lost, or a server
		case <-ctx.Done():
			return
		}
	}
}

// tell tells the leader, whoever it is, that the subscription goes. One that leads no
// more has forgotten it, but the next may know it already, if it has joined that between the
// look at who leads and the question.
func (s *subscription) tell(ctx context.Context, local func(l *leader, from uint64) error, remote func(conn string, from uint64) error) error {
	for {
		// The leader may be changing: the next one must hear of it, or it would wait for
		// what this has.
		if err := s.attach(ctx); err != nil {
			if errors.Is(err, pubsub.ErrNotFound) || errors.Is(err, pubsub.ErrClosed) {
				return nil
			}
			return err
		}
		s.sendSettlements()
		s.mu.Lock()
		l, conn, from, closed := s.local, s.remote, s.handed+1, s.closed
		s.mu.Unlock()
		err := errNotLeader
		switch {
		case closed:
			return nil
		case l != nil:
			err = local(l, from)
		case conn != "":
			err = remote(conn, from)
		}
		if !errors.Is(err, errNotLeader) && !errors.Is(err, errGone) {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		s.mu.Lock()
		if s.local == l && s.remote == conn {
			s.local, s.remote = nil, ""
		}
		s.mu.Unlock()
		s.conn.forgetRemote(s.queue)
	}
}
