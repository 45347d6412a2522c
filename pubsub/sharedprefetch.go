package pubsub

import "context"

// SharedPrefetcher is for an [Adapter] whose consumers can share a prefetch, as
// RabbitMQ's do with basic.qos and global=true. It is meant for programs that
// serve AMQP; a [Broker] doesn't use it.
// See https://www.rabbitmq.com/docs/consumer-prefetch.
type SharedPrefetcher interface {
	// NewSharedPrefetch returns a limit that is none yet. Safe for concurrent
	// use.
	NewSharedPrefetch() SharedPrefetch
}

// SharedPrefetch is how many deliveries some consumers of one connection may
// have unsettled together, whatever their queues. A consumer has room if its
// own prefetch and the shared one both have; a message that finds none stays
// in its queue, for other consumers. What [Adapter.Get] returned doesn't count,
// nor does what a consumer with AutoAck got; but AutoAck doesn't get anything
// while the limit is reached. Safe for concurrent use.
type SharedPrefetch interface {
	// Consume is [Adapter.Consume], for a consumer under the limit.
	Consume(ctx context.Context, queue string, o ConsumeOptions) (Subscription, error)

	// SetLimit changes the limit for the consumers that there are and those to
	// come. Zero is no limit. What they have already is theirs, and counts.
	SetLimit(n int)
}
