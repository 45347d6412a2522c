// Package wire is the AMQP 0-9-1 wire format as a server speaks it: frames,
// methods, content headers and field tables, with RabbitMQ's extensions. What
// it can't read it refuses with the reply code and text that RabbitMQ uses.
//
// See the AMQP 0-9-1 specification, sections 2.3 and 4.2, and
// https://www.rabbitmq.com/amqp-0-9-1-errata.
package wire
