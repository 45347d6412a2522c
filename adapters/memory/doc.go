// Package memory is a RabbitMQ in memory: a [pubsub.Adapter] that routes, queues,
// expires, dead-letters and redelivers as RabbitMQ does, in one process and
// with nothing to install. It is the default to start with, and what tests run
// on.
//
// # URLs
//
// [Server.Scheme] serves "memory:" for the vhost "/" and "memory:NAME" for
// another. A URL names a vhost of that Server: connections made through one Mux
// meet, as do those made with [Server.Connect].
//
// # Delivery semantics
//
// As [pubsub] says, and as RabbitMQ's classic queues. A publish is confirmed when the queues
// have the message. What a closed connection has not settled goes back to its
// place at once. Times run by the time package's clock, so that
// testing/synctest can run them, or by a [ManualClock].
//
// # Limits
//
// Nothing outlives the process: Durable and Persistent are kept and compared,
// but mean nothing more. Queue types other than classic are refused with
// [pubsub.ErrUnsupported]. A message is at most 128 MiB, as in RabbitMQ. There is no bound on
// memory but the queues' own MaxLength and MaxBytes.
//
// # How it works
//
// A publisher reads an immutable routing table (package routing) and puts one
// shared message into each queue under that queue's lock. A queue that has a
// consumer with credit gives the message to it at once, as RabbitMQ pushes; so a message
// is either ready or some consumer's. A consumer takes all it was given in one
// go, and gathers acks. The lock order stands at vhost.
package memory
