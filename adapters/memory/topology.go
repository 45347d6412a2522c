package memory

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/gobindery/bindery/pubsub"
	"github.com/gobindery/bindery/pubsub/classic"
	"github.com/gobindery/bindery/pubsub/routing"
)

// change runs f, which returns the next routing table, with the topology locked.
func (c *Conn) change(f func(*routing.Table[*queue]) (*routing.Table[*queue], error)) error {
	v := c.vhost
	v.mu.Lock()
	defer v.mu.Unlock()
	// Under the lock: what is declared before Close is seen by deleteOwned, and
	// what comes after sees that it has ended.
	if c.ended.Load() {
		return errClosed
	}
	t, err := f(v.table.Load())
	if err != nil {
		return err
	}
	v.table.Store(t)
	return nil
}

// DeclareExchange makes an exchange, or checks that there is an equal one.
func (c *Conn) DeclareExchange(_ context.Context, e pubsub.Exchange) error {
	e.Arguments = e.Arguments.Clone()
	return c.change(func(t *routing.Table[*queue]) (*routing.Table[*queue], error) {
		return t.DeclareExchange(e)
	})
}

// CheckExchange looks whether there is an exchange.
func (c *Conn) CheckExchange(_ context.Context, name string) error {
	if c.ended.Load() {
		return errClosed
	}
	if _, ok := c.vhost.table.Load().Exchange(name); !ok {
		return fmt.Errorf("%w: no exchange '%s' in vhost '%s'", pubsub.ErrNotFound, name, c.vhost.name)
	}
	return nil
}

// DeleteExchange deletes an exchange with its bindings.
func (c *Conn) DeleteExchange(_ context.Context, name string, o pubsub.DeleteExchangeOptions) error {
	return c.change(func(t *routing.Table[*queue]) (*routing.Table[*queue], error) {
		return t.DeleteExchange(name, o.IfUnused)
	})
}

// Bind adds a binding.
func (c *Conn) Bind(_ context.Context, b pubsub.Binding) error {
	b.Arguments = b.Arguments.Clone()
	return c.change(func(t *routing.Table[*queue]) (*routing.Table[*queue], error) {
		bound, err := t.Bind(b)
		if err != nil {
			return nil, err
		}
		if b.Queue != "" {
			// Both ends are there; the queue may still be another's.
			if _, err := c.vhost.queue(b.Queue, c); err != nil {
				return nil, err
			}
		}
		return bound, nil
	})
}

// Unbind takes a binding away. Only one that is there can be locked.
func (c *Conn) Unbind(_ context.Context, b pubsub.Binding) error {
	return c.change(func(t *routing.Table[*queue]) (*routing.Table[*queue], error) {
		unbound, err := t.Unbind(b)
		if err != nil || unbound == t || b.Queue == "" {
			return unbound, err
		}
		if _, err := c.vhost.queue(b.Queue, c); err != nil {
			return nil, err
		}
		return unbound, nil
	})
}

// DeclareQueue makes a queue, or checks that there is an equal one.
func (c *Conn) DeclareQueue(_ context.Context, want pubsub.Queue) (pubsub.QueueInfo, error) {
	v := c.vhost
	if strings.HasPrefix(want.Name, "amq.") {
		return pubsub.QueueInfo{}, fmt.Errorf("%w: queue name '%s' contains reserved prefix 'amq.*'", pubsub.ErrAccessRefused, want.Name)
	}
	if want.Name == "" {
		want.Name = classic.NewName()
	}
	var info pubsub.QueueInfo
	err := c.change(func(t *routing.Table[*queue]) (*routing.Table[*queue], error) {
		if q, ok := t.Queue(want.Name); ok {
			var err error
			info, err = c.redeclare(q, want)
			return t, err
		}
		if err := classic.CheckArguments(want, v.name); err != nil {
			return nil, err
		}
		var owner *Conn
		if want.Exclusive {
			owner = c
		}
		want.Durable = classic.Durable(want)
		q := newQueue(v, classic.Own(want), owner)
		info = pubsub.QueueInfo{Name: want.Name}
		return t.AddQueue(want.Name, q), nil
	})
	return info, err
}

// redeclare checks that a queue is as wanted.
func (c *Conn) redeclare(q *queue, want pubsub.Queue) (pubsub.QueueInfo, error) {
	if q.settings.Exclusive != want.Exclusive || q.owner != nil && q.owner != c {
		return pubsub.QueueInfo{}, classic.Locked(q.name, c.vhost.name)
	}
	if err := classic.Equivalent(q.settings, want, c.vhost.name); err != nil {
		return pubsub.QueueInfo{}, err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.touch()
	return q.info(), nil
}

// InspectQueue tells a queue's counts.
func (c *Conn) InspectQueue(_ context.Context, name string) (pubsub.QueueInfo, error) {
	q, err := c.lockQueue(name)
	if err != nil {
		return pubsub.QueueInfo{}, err
	}
	q.touch()
	q.dropExpired()
	info := q.info()
	q.mu.Unlock()
	c.vhost.sendDead()
	return info, nil
}

// lockQueue returns a queue that the connection may use, with its lock held.
func (c *Conn) lockQueue(name string) (*queue, error) {
	if c.ended.Load() {
		return nil, errClosed
	}
	q, err := c.vhost.queue(name, c)
	if err != nil {
		return nil, err
	}
	q.mu.Lock()
	return q, nil
}

// PurgeQueue drops the ready messages.
func (c *Conn) PurgeQueue(_ context.Context, name string) (int, error) {
	q, err := c.lockQueue(name)
	if err != nil {
		return 0, err
	}
	q.dropExpired()
	n := q.clear()
	q.mu.Unlock()
	c.vhost.sendDead()
	return n, nil
}

// DeleteQueue deletes a queue with its bindings and messages.
func (c *Conn) DeleteQueue(_ context.Context, name string, o pubsub.DeleteQueueOptions) (int, error) {
	if c.ended.Load() {
		return 0, errClosed
	}
	v := c.vhost
	v.mu.Lock()
	defer v.mu.Unlock()
	if _, ok := v.table.Load().Queue(name); !ok {
		return 0, nil
	}
	q, err := v.queue(name, c)
	if err != nil {
		return 0, err
	}
	// New messages may come between this look and the deletion, but no
	// consumers: they need the vhost's lock.
	q.mu.Lock()
	info := q.info()
	q.mu.Unlock()
	if o.IfUnused && info.Consumers > 0 {
		return 0, fmt.Errorf("%w: queue '%s' in vhost '%s' in use", pubsub.ErrPreconditionFailed, name, v.name)
	}
	if o.IfEmpty && info.Ready > 0 {
		return 0, fmt.Errorf("%w: queue '%s' in vhost '%s' not empty", pubsub.ErrPreconditionFailed, name, v.name)
	}
	return v.deleteQueue(q), nil
}

// deleteQueue deletes a queue and ends its consumers. v.mu is held.
func (v *vhost) deleteQueue(q *queue) (ready int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return v.deleteLocked(q)
}

// deleteLocked is deleteQueue with q.mu held too.
func (v *vhost) deleteLocked(q *queue) (ready int) {
	v.table.Store(v.table.Load().RemoveQueue(q.name))
	q.deleted = true
	ready = q.clear()
	if q.idleTimer != nil {
		q.idleTimer.Stop()
	}
	for _, c := range slices.Clone(q.consumers) {
		q.leave(c)
		c.end = fmt.Errorf("%w: queue '%s' in vhost '%s' was deleted", pubsub.ErrConsumerCanceled, q.name, v.name)
		c.wakeUp()
	}
	return ready
}

// deleteOwned deletes the exclusive queues of a connection.
func (v *vhost) deleteOwned(c *Conn) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, q := range v.table.Load().Queues() {
		if q.owner == c {
			v.deleteQueue(q)
		}
	}
}

// clear drops the ready messages.
func (q *queue) clear() (n int) {
	n = q.count
	clear(q.levels)
	q.count, q.bytes = 0, 0
	q.stopHeadTimer()
	return n
}

// Topology lists the vhost, with exact counts.
func (c *Conn) Topology(context.Context) (pubsub.Topology, error) {
	if c.ended.Load() {
		return pubsub.Topology{}, errClosed
	}
	table := c.vhost.table.Load()
	t := pubsub.Topology{Exchanges: slices.Collect(table.Exchanges()), Bindings: slices.Collect(table.Bindings())}
	for _, q := range table.Queues() {
		q.mu.Lock()
		for _, s := range q.consumers {
			s.applyAcks()
		}
		t.Queues = append(t.Queues, pubsub.QueueStatus{Queue: q.settings, Ready: q.count, Unacked: q.unacked, Consumers: len(q.consumers)})
		q.mu.Unlock()
	}
	return t, nil
}
