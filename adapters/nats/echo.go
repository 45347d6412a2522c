package nats

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/gobindery/bindery/pubsub"
)

// A server takes no notice of settings that it doesn't know. The version of the one that a client is
// connected to says little of the one that has the streams: it may be the leaf of an older cluster. So
// what a server says that it has made is compared with what it was to make.

// lacks is the error of a server without a feature.
func (c *Conn) lacks(feature string, metadata map[string]string) error {
	version := cmp.Or(metadata["_nats.ver"], c.nc.ConnectedServerVersion())
	return fmt.Errorf("%w: nats-server %s (JetStream API level %d) does not do this: %s; version %d.%d or later does", pubsub.ErrUnsupported, version, c.level.Load(), feature, oldestMajor, oldestMinor)
}

// setting is one of a stream or consumer: as it was to be, and as it is.
type setting struct {
	name     string
	want, is any
}

// same refuses a server that made something with another setting.
func (c *Conn) same(what string, settings []setting, metadata map[string]string) error {
	for _, s := range settings {
		if s.is != s.want {
			return c.lacks(fmt.Sprintf("%s with the %s %v, which it made with %v", what, s.name, s.want, s.is), metadata)
		}
	}
	return nil
}

// checkStream compares a stream with what it was to be.
func (c *Conn) checkStream(want, is jetstream.StreamConfig) error {
	err := c.same("the stream "+want.Name, []setting{
		{"retention", want.Retention, is.Retention},
		{"storage", want.Storage, is.Storage},
		{"replicas", want.Replicas, is.Replicas},
		{"duplicate window", want.Duplicates, is.Duplicates},
	}, is.Metadata)
	if err != nil {
		return err
	}
	if !slices.Equal(want.Subjects, is.Subjects) {
		return c.lacks(fmt.Sprintf("the stream %s with the subjects %q, which it made with %q", want.Name, want.Subjects, is.Subjects), is.Metadata)
	}
	return nil
}

// checkConsumer compares a consumer with what it was to be.
func (c *Conn) checkConsumer(stream string, want, is jetstream.ConsumerConfig) error {
	return c.same("a consumer of the stream "+stream, []setting{
		{"name", want.Durable, is.Durable},
		{"ack policy", want.AckPolicy, is.AckPolicy},
		{"time to ack", want.AckWait, is.AckWait},
		{"deliver policy", want.DeliverPolicy, is.DeliverPolicy},
		{"most deliveries of a message", want.MaxDeliver, is.MaxDeliver},
		{"most messages without an ack", want.MaxAckPending, is.MaxAckPending},
	}, is.Metadata)
}

// checkNext refuses a server that answers a question for the next message of a subject with any message.
// It asks for one of no subject, after the view was read.
func (c *Conn) checkNext(ctx context.Context, revision uint64) error {
	ask := struct {
		Seq  uint64 `json:"seq"`
		Next string `json:"next_by_subj"`
	}{revision, c.names.keySubject(escape(""))}
	err := c.try(ctx, "look for a message that is not there", func(ctx context.Context) error {
		return c.request(ctx, "STREAM.MSG.GET."+c.names.bucketStream(), ask, nil)
	})
	if e, ok := errors.AsType[*apiError](err); ok && e.Code == codeNotFound {
		return nil
	}
	if err != nil {
		return err
	}
	return c.lacks("to find the next message of a subject", nil)
}
