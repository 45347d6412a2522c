package rabbitmq

import (
	"context"
	"errors"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/gobindery/bindery/pubsub"
)

// restoration is one thing to declare again.
type restoration struct {
	what string // for the log
	name string
	do   func(ch *amqp.Channel) error

	queue string // the queue that it is; "" for other things
}

// recover makes a new connection for topology and consuming ready: it declares
// again what went with the last, or with a restart of the broker. Consumers then start
// by themselves. It is link.prepare.
func (c *Conn) recover(_ context.Context, s *session) error {
	left, err := c.restore(s, c.lost())
	if err != nil {
		return err
	}
	for _, r := range left {
		if r.queue != "" {
			c.records.setPending(r.queue, true)
		}
	}
	if len(left) > 0 {
		c.running.start(func() { c.restoreLater(s, left) })
	}
	return nil
}

// lost lists what is to be declared again, in order.
func (c *Conn) lost() (all []restoration) {
	exchanges, queues, bindings := c.records.lost()
	for _, e := range exchanges {
		all = append(all, restoration{what: "exchange", name: e.name, do: e.declare})
	}
	for _, q := range queues {
		all = append(all, restoration{what: "queue", name: q.name, queue: q.name, do: func(ch *amqp.Channel) error {
			info, err := q.declare(ch, &c.names)
			if err == nil && info.Name != q.name {
				c.names.rename(q.name, info.Name)
				c.log.Info("a queue that RabbitMQ named has a new name; the first stays valid here", "queue", q.name, "now", info.Name)
			}
			return err
		}})
	}
	for _, b := range bindings {
		all = append(all, restoration{what: "binding", name: b.String(), do: func(ch *amqp.Channel) error {
			return bind(ch, &c.names, b)
		}})
	}
	return all
}

// restore declares all again and returns what may succeed later. An error means that
// the connection is lost.
func (c *Conn) restore(s *session, all []restoration) (later []restoration, err error) {
	for _, r := range all {
		ch, err := s.take()
		if err != nil {
			return nil, err
		}
		err = r.do(ch)
		s.give(ch)
		switch {
		case err == nil:
			if r.queue != "" {
				c.records.setPending(r.queue, false)
			}
			continue
		case isLost(err) || !s.alive():
			return nil, err
		}
		err = errorOf(err)
		// Locked: the broker hasn't noticed yet that our last connection is
		// gone. Not found: what another program declares is not there yet.
		retry := errors.Is(err, pubsub.ErrResourceLocked) || errors.Is(err, pubsub.ErrNotFound)
		c.log.Warn("declaring again after a reconnect failed", r.what, r.name, "error", err, "trying again", retry)
		if retry {
			later = append(later, r)
		}
	}
	return later, nil
}

// restoreLater goes on trying, while the connection lives.
func (c *Conn) restoreLater(s *session, left []restoration) {
	for failed := 1; len(left) > 0; failed++ {
		if !sleep(c.consuming.ctx, pause(failed, c.maxPause)) {
			return
		}
		if !s.alive() {
			return // the next connection begins with all
		}
		var err error
		if left, err = c.restore(s, left); err != nil {
			return
		}
	}
}
