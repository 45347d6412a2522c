package nats

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// makeStream makes the stream of a queue that is shared, unless it is there. A
// queue that is deleted is [pubsub.ErrNotFound].
func (c *Conn) makeStream(ctx context.Context, q *queue) error {
	if _, err := c.topology.sync(ctx); err != nil {
		return err
	}
	if c.queueDeleted(q) {
		return c.noQueue(q.name())
	}
	storage := jetstream.MemoryStorage
	if q.settings.Durable {
		storage = c.storage
	}
	return c.createStream(ctx, jetstream.StreamConfig{
		Name: q.stream, Subjects: []string{q.subject}, Storage: storage, Replicas: c.replicas,
		Description: "queue " + q.name() + " of the vhost " + c.names.vhost,
	})
}

// createStream makes a work queue.
func (c *Conn) createStream(ctx context.Context, s jetstream.StreamConfig) error {
	s.Retention = jetstream.WorkQueuePolicy
	s.Duplicates = dedupWindow
	var made jetstream.Stream
	err := c.try(ctx, "make the stream "+s.Name, func(ctx context.Context) (err error) {
		made, err = c.js.CreateStream(ctx, s)
		if isCode(err, codeStreamExists) || errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
			return nil // by a version with other settings
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("%w; JetStream's limits of streams, memory or storage may be reached", err)
	}
	if made != nil {
		return c.checkStream(s, made.CachedInfo().Config)
	}
	return nil
}

func (c *Conn) deleteStream(ctx context.Context, name string) error {
	err := c.try(ctx, "delete the stream "+name, func(ctx context.Context) error {
		return c.request(ctx, "STREAM.DELETE."+name, nil, nil)
	})
	if isCode(err, codeStreamNotFound) {
		return nil
	}
	return err
}

// dedupWindow is how long a stream knows the ids of its messages: a publish that is tried
// again within it is stored once.
const dedupWindow = 2 * time.Minute
