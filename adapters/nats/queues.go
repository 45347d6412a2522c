package nats

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"

	"github.com/gobindery/bindery/pubsub"
	"github.com/gobindery/bindery/pubsub/classic"
)

// begin is called first by every method of the adapter.
func (c *Conn) begin() error {
	if c.closing.Load() {
		return errClosed
	}
	return nil
}

// usable returns a queue that this connection may use, of a view.
func (c *Conn) usable(v *view, name string) (*queue, error) {
	q, ok := v.table.Queue(name)
	if !ok {
		return nil, c.noQueue(name)
	}
	if owner := q.record.Owner; owner != "" && owner != c.id {
		return nil, classic.Locked(name, c.names.vhost)
	}
	return q, nil
}

// find returns a queue that this connection may use, as of now.
func (c *Conn) find(ctx context.Context, name string) (q *queue, err error) {
	if err := c.begin(); err != nil {
		return nil, err
	}
	err = c.unlocking(ctx, name, func() error {
		c.topology.mu.Lock()
		defer c.topology.mu.Unlock()
		if err := c.topology.syncLocked(ctx); err != nil {
			return err
		}
		q, err = c.usable(c.topology.view, name)
		return err
	})
	return q, err
}

// unlocking runs f, and again if it failed because a queue is exclusive to a
// connection that has died: then the queue goes first.
func (c *Conn) unlocking(ctx context.Context, name string, f func() error) error {
	err := f()
	if !errors.Is(err, pubsub.ErrResourceLocked) {
		return err
	}
	q, ok := c.topology.table.Load().Queue(name)
	if !ok || q.record.Owner == "" || q.record.Owner == c.id {
		return err
	}
	if alive, aliveErr := c.lives(ctx, q.record.Owner); alive || aliveErr != nil {
		return err
	}
	if err := c.deleteRecord(ctx, q, nil); err != nil {
		return err
	}
	return f()
}

// DeclareQueue makes a queue, or checks that there is an equal one.
func (c *Conn) DeclareQueue(ctx context.Context, want pubsub.Queue) (pubsub.QueueInfo, error) {
	if err := c.begin(); err != nil {
		return pubsub.QueueInfo{}, err
	}
	if strings.HasPrefix(want.Name, "amq.") {
		return pubsub.QueueInfo{}, fmt.Errorf("%w: queue name '%s' contains reserved prefix 'amq.*'", pubsub.ErrAccessRefused, want.Name)
	}
	if want.Name == "" {
		want.Name = classic.NewName()
	}
	kept := want
	kept.Durable = classic.Durable(want)
	r := newQueueRecord(kept, nuid.Next())
	if want.Exclusive {
		r.Owner = c.id
	}
	var q *queue
	var isNew bool
	err := c.unlocking(ctx, want.Name, func() error {
		return c.topology.change(ctx, func(v *view) (string, *record, error) {
			if is, ok := v.table.Queue(want.Name); ok {
				q, isNew = is, is.record.Incarnation == r.Incarnation
				return "", nil, c.redeclare(is, want)
			}
			err := classic.CheckArguments(want, c.names.vhost)
			if err != nil {
				return "", nil, err
			}
			if r.Owner != "" {
				// What is published to it from now on is ours to take.
				q, err = c.ownQueue(ctx, r)
			} else {
				q, err = newQueue(&c.names, r)
			}
			if err != nil {
				return "", nil, err
			}
			isNew = true
			return queueKey(want.Name), &record{Queue: r}, nil
		})
	})
	if err != nil {
		if r.Number != 0 {
			c.disown(r.Number)
		}
		return pubsub.QueueInfo{}, err
	}
	var s status
	if isNew {
		if err = c.begun(ctx, q); refusesStream(err) {
			// Nobody could use it. Who dies before this leaves a queue that takes no messages.
			if err := c.deleteRecord(ctx, q, nil); err != nil {
				c.warn("a queue stays that has no stream", err, "queue", q.name())
			}
		}
	} else {
		s, err = c.inspect(ctx, q, true)
	}
	if errors.Is(err, pubsub.ErrNotFound) {
		err = nil // it was declared, and then deleted
	}
	return pubsub.QueueInfo{Name: want.Name, Ready: s.Ready, Consumers: s.Consumers}, err
}

// refusesStream reports whether an error is JetStream's answer, and no matter of time.
func refusesStream(err error) bool {
	_, answered := errors.AsType[*jetstream.APIError](err)
	return errors.Is(err, pubsub.ErrUnsupported) || errors.Is(err, pubsub.ErrAccessRefused) || answered && !transient(err)
}

// redeclare checks that a queue is as wanted. It returns errNoChange if so.
func (c *Conn) redeclare(is *queue, want pubsub.Queue) error {
	if is.settings.Exclusive != want.Exclusive || is.record.Owner != "" && is.record.Owner != c.id {
		return classic.Locked(want.Name, c.names.vhost)
	}
	if err := classic.Equivalent(is.settings, want, c.names.vhost); err != nil {
		return err
	}
	return errNoChange
}

// begun makes what a new queue needs.
func (c *Conn) begun(ctx context.Context, q *queue) error {
	if q.record.Owner != "" {
		return nil
	}
	if err := c.makeStream(ctx, q); err != nil {
		return err
	}
	if !q.needsLeader() {
		return nil
	}
	_, _, err := c.findLeader(ctx, q, true)
	return err
}

// inspect tells a queue's counts. Where nobody leads, nobody consumes, and all that is
// stored is ready; only a leader knows what of it has expired.
func (c *Conn) inspect(ctx context.Context, q *queue, use bool) (status, error) {
	claim := q.needsLeader()
	for {
		l, remote, err := c.findLeader(ctx, q, claim)
		if err != nil {
			return status{}, err
		}
		var s status
		switch {
		case l != nil:
			s, err = l.inspect(ctx, use)
		case remote != "":
			var a *answer
			a, err = c.control.ask(ctx, remote, &request{Op: opInspect, Queue: q.record.Incarnation, Use: use})
			if err == nil {
				s = a.Status
			}
		default:
			var state streamState
			state, err = c.streamState(ctx, q.stream)
			s.Ready = state.Messages
			if err == nil && (state.Consumers > 0 || use && state.Messages > 0) {
				claim = use
				continue
			}
		}
		if again, err := c.retryLeader(ctx, q, err); !again {
			return s, err
		}
	}
}

// retryLeader reports whether an operation is to be tried again because the
// queue's leader is another, or none.
func (c *Conn) retryLeader(ctx context.Context, q *queue, err error) (bool, error) {
	switch {
	case err == nil:
		return false, nil
	case errors.Is(err, errNotLeader), errors.Is(err, errGone), isCode(err, codeStreamNotFound):
		if ctx.Err() != nil {
			return false, context.Cause(ctx)
		}
		if c.ended.Load() {
			return false, errClosed
		}
		c.forgetRemote(q)
		if c.syncedDeleted(ctx, q) {
			return false, c.noQueue(q.name())
		}
		return true, nil
	}
	return false, err
}

// InspectQueue tells a queue's counts.
func (c *Conn) InspectQueue(ctx context.Context, name string) (pubsub.QueueInfo, error) {
	q, err := c.find(ctx, name)
	if err != nil {
		return pubsub.QueueInfo{}, err
	}
	s, err := c.inspect(ctx, q, true)
	return pubsub.QueueInfo{Name: name, Ready: s.Ready, Consumers: s.Consumers}, err
}

// PurgeQueue drops the ready messages.
func (c *Conn) PurgeQueue(ctx context.Context, name string) (int, error) {
	q, err := c.find(ctx, name)
	if err != nil {
		return 0, err
	}
	for {
		l, remote, err := c.findLeader(ctx, q, true)
		if err != nil {
			return 0, err
		}
		n := 0
		if l != nil {
			n, err = l.purge(ctx)
		} else {
			var a *answer
			if a, err = c.control.ask(ctx, remote, &request{Op: opPurge, Queue: q.record.Incarnation}); err == nil {
				n = a.Count
			}
		}
		if again, err := c.retryLeader(ctx, q, err); !again {
			return n, err
		}
	}
}

// DeleteQueue deletes a queue with its bindings and messages.
func (c *Conn) DeleteQueue(ctx context.Context, name string, o pubsub.DeleteQueueOptions) (int, error) {
	q, err := c.find(ctx, name)
	if errors.Is(err, pubsub.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	for {
		l, remote, err := c.findLeader(ctx, q, true)
		if errors.Is(err, pubsub.ErrNotFound) {
			return 0, nil
		}
		if err != nil {
			return 0, err
		}
		n := 0
		if l != nil {
			n, err = l.delete(ctx, o)
		} else {
			var a *answer
			a, err = c.control.ask(ctx, remote, &request{Op: opDelete, Queue: q.record.Incarnation, IfUnused: o.IfUnused, IfEmpty: o.IfEmpty})
			if err == nil {
				n = a.Count
				_, err = c.topology.sync(ctx) // its consumers here end before this returns
			}
		}
		again, err := c.retryLeader(ctx, q, err)
		if errors.Is(err, pubsub.ErrNotFound) {
			return 0, nil
		}
		if !again {
			return n, err
		}
	}
}

// delete deletes the queue, if it is as the options want it.
func (l *leader) delete(ctx context.Context, o pubsub.DeleteQueueOptions) (ready int, err error) {
	s, err := l.inspect(ctx, false)
	if err != nil {
		return 0, err
	}
	c, name := l.conn, l.queue.name()
	err = c.deleteRecord(ctx, l.queue, func() error {
		l.mu.Lock()
		defer l.mu.Unlock()
		switch {
		case o.IfUnused && l.engine.Consumers() > 0:
			return fmt.Errorf("%w: queue '%s' in vhost '%s' in use", pubsub.ErrPreconditionFailed, name, c.names.vhost)
		case o.IfEmpty && (s.Ready > 0 || l.engine.Ready() > 0):
			return fmt.Errorf("%w: queue '%s' in vhost '%s' not empty", pubsub.ErrPreconditionFailed, name, c.names.vhost)
		}
		return nil
	})
	return s.Ready, err
}

// deleteRecord deletes a queue from the topology, if check allows it, and then what
// it leaves behind. Who dies in between leaves that to sweep.
func (c *Conn) deleteRecord(ctx context.Context, q *queue, check func() error) error {
	key := queueKey(q.name())
	err := c.topology.change(ctx, func(v *view) (string, *record, error) {
		is, ok := v.table.Queue(q.name())
		if !ok || is.record.Incarnation != q.record.Incarnation {
			return "", nil, errNoChange
		}
		if check != nil {
			if err := check(); err != nil {
				return "", nil, err
			}
		}
		return key, &record{Queue: &queueRecord{Name: q.name(), Incarnation: q.record.Incarnation}, Gone: true, Along: v.along(v.table.RemoveQueue(q.name()))}, nil
	})
	if err != nil {
		return err
	}
	if q.record.Owner == "" {
		if err := c.deleteStream(ctx, q.stream); err != nil {
			c.warn("the stream of a deleted queue stays for now", err, "queue", q.name())
		}
	}
	return nil
}

// ownQueue leads a new exclusive queue, which gets the next number.
func (c *Conn) ownQueue(ctx context.Context, r *queueRecord) (*queue, error) {
	if err := c.openTemp(ctx); err != nil {
		return nil, err
	}
	c.mu.Lock()
	if r.Number == 0 {
		c.number++
		r.Number = c.number
	}
	c.mu.Unlock()
	q, err := newQueue(&c.names, r)
	if err != nil {
		return nil, err
	}
	l := newLeader(c, q)
	c.mu.Lock()
	defer c.mu.Unlock()
	l.feed = c.temp
	if _, ok := c.owned[r.Number]; !ok {
		c.owned[r.Number], c.leaders[r.Incarnation] = l, l
	}
	return q, nil
}

// disown forgets an exclusive queue that was not declared after all.
func (c *Conn) disown(number int) {
	c.mu.Lock()
	l := c.owned[number]
	c.mu.Unlock()
	if l != nil {
		c.forget(l)
		l.stop()
	}
}
