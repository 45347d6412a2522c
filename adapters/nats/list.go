package nats

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/gobindery/bindery/pubsub"
)

// listAtOnce is how many queues are asked about at the same time.
const listAtOnce = 32

// Topology lists the vhost, with exact counts.
func (c *Conn) Topology(ctx context.Context) (pubsub.Topology, error) {
	if err := c.begin(); err != nil {
		return pubsub.Topology{}, err
	}
	table, err := c.topology.sync(ctx)
	if err != nil {
		return pubsub.Topology{}, err
	}
	t := pubsub.Topology{Exchanges: slices.Collect(table.Exchanges()), Bindings: slices.Collect(table.Bindings())}
	var queues []*queue
	for _, q := range table.Queues() {
		queues = append(queues, q)
	}
	listed := make([]*status, len(queues))
	var asking sync.WaitGroup
	var failed sync.Once
	slots := make(chan struct{}, listAtOnce)
	for i, q := range queues {
		slots <- struct{}{}
		asking.Go(func() {
			defer func() { <-slots }()
			s, err2 := c.look(ctx, q)
			switch {
			case err2 == nil:
				listed[i] = &s
			case errors.Is(err2, pubsub.ErrNotFound), errors.Is(err2, errGone):
			default:
				failed.Do(func() { err = err2 })
			}
		})
	}
	asking.Wait()
	if err != nil {
		return pubsub.Topology{}, err
	}
	for i, q := range queues {
		if s := listed[i]; s != nil {
			t.Queues = append(t.Queues, pubsub.QueueStatus{Queue: q.settings, Ready: s.Ready, Unacked: s.Unacked, Consumers: s.Consumers})
		}
	}
	return t, nil
}

// look tells the counts of any queue, another's exclusive ones too.
func (c *Conn) look(ctx context.Context, q *queue) (status, error) {
	if owner := q.record.Owner; owner != "" && owner != c.id {
		a, err := c.control.ask(ctx, owner, &request{Op: opInspect, Queue: q.record.Incarnation})
		if errors.Is(err, errNotLeader) {
			err = errGone
		}
		if err != nil {
			return status{}, err
		}
		return a.Status, nil
	}
	return c.inspect(ctx, q, false)
}
