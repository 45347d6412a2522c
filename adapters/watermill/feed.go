package watermill

import (
	"context"
	"fmt"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/gobindery/bindery/pubsub"
)

// Feed takes the messages of a topic of any Watermill subscriber to an exchange,
// until parent ends or the subscriber closes its channel; then it returns nil.
// Each is published with the routing key that key returns (nil: an empty one),
// as [DefaultMarshaler] makes it, and acked when the broker has it. A publish
// that fails nacks its message and ends Feed with the error; as many as the
// subscriber hands out without waiting are on their way together. What it has
// handed out is published also when parent has ended: that gets a few seconds.
// The exchange must be there.
func Feed(parent context.Context, sub message.Subscriber, topic string, b *pubsub.Broker, exchange string, key func(*message.Message) string) error {
	ctx, stop := context.WithCancel(parent)
	defer stop()
	// A nack may mean that the message is gone, so one that only comes late gets none.
	sending, giveUp := context.WithCancel(context.WithoutCancel(parent))
	defer giveUp()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(cleanup, giveUp) })()
	messages, err := sub.Subscribe(ctx, topic)
	if err != nil {
		return fmt.Errorf("feed topic %q to exchange %q: %w", topic, exchange, err)
	}
	type fed struct {
		m    *message.Message
		sent pubsub.Confirmation
	}
	sent := make(chan fed, pubsub.DefaultMaxInFlight)
	failed := make(chan error, 1)
	go func() {
		defer close(failed)
		var first error
		for f := range sent {
			// What is on its way has an outcome, also when ctx has ended.
			if err := f.sent.Wait(context.WithoutCancel(ctx)); err != nil {
				f.m.Nack()
				if first == nil && parent.Err() == nil {
					first = fmt.Errorf("feed topic %q to exchange %q: message %s: %w", topic, exchange, f.m.UUID, err)
					stop()
				}
				continue
			}
			f.m.Ack()
		}
		failed <- first
	}()
	for m := range messages {
		routingKey := ""
		if key != nil {
			routingKey = key(m)
		}
		out, _ := DefaultMarshaler{}.Marshal(topic, m) // never fails
		sent <- fed{m, b.PublishAsync(sending, exchange, routingKey, out)}
	}
	close(sent)
	return <-failed
}
