// Package pubsub is RabbitMQ's model for Go programs, on any backend:
// producers publish to an exchange, bindings say which queues get a copy,
// consumers read queues.
//
// A program uses [Broker], a connection. It comes from an adapter, by its
// constructor or by URL with [Mux]:
// github.com/gobindery/bindery/adapters/memory and
// github.com/gobindery/bindery/adapters/rabbitmq. This package imports the
// standard library only.
//
// # Model
//
// The model is AMQP 0-9-1 as RabbitMQ behaves: [Exchange], [Queue], [Binding],
// [Message], [Delivery]. Where backends differ, RabbitMQ is right. What a
// backend cannot keep it refuses when it is declared, with [ErrUnsupported].
//
// # Delivery semantics
//
// [Broker.Publish] returns when the broker has taken responsibility for the
// message. A message that a consumer received and has not settled when its
// connection ends comes again, marked as redelivered: at least once. With
// [ConsumeOptions.AutoAck] it does not: at most once. A queue keeps the order
// in which messages came, and a requeued message goes back to its place.
//
// # Errors
//
// Every error is an [*Error] that wraps what a program decides on, as
// [ErrNotFound], and the cause.
//
// # Ownership
//
// A message's Body and Headers belong to the publisher again once Publish or
// PublishAsync has returned. Those of a delivery are shared and must not be
// changed.
package pubsub
