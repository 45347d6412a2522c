// Package routing decides which queues get a message: it is RabbitMQ's routing
// as a pure data structure, without input or output.
//
// A [Table] is an immutable snapshot of the exchanges, queues and bindings of a
// vhost. Adapters keep the current one in an atomic pointer: publishers read it
// without a lock, and whoever changes the topology replaces it.
package routing
