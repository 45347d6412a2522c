// Package classic is what RabbitMQ's classic queues do that needs no storage:
// how a queue that is declared again must be, and how messages that a queue
// gives up are dead-lettered. It is for adapters that keep queues themselves;
// programs don't need it.
//
// Functions are safe for concurrent use.
package classic
