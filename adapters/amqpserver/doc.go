// Package amqpserver serves RabbitMQ's protocol, AMQP 0-9-1, over any
// [pubsub.Adapter]: programs in any language that speak to RabbitMQ speak to
// the backend behind it, in memory for one.
//
// Each client connection has an adapter of its own, to which its exclusive
// queues belong. Reply codes and texts are RabbitMQ's. What the adapter lacks is
// answered with 540 NOT_IMPLEMENTED, naming it: a prefetch for a whole channel
// needs a [pubsub.SharedPrefetcher].
//
// Goroutines: a connection has one that reads and does what the client asks,
// one that writes, and one for each consumer, which waits for deliveries. The
// connection's waits for the others, and [Server.Close] for all. A Server with a
// MemoryLimit has one that watches the memory.
//
// Lock order: Server.mu, channel.mu, replies.mu or
// outgoing.mu. No other is taken while logins.mu is held.
package amqpserver
