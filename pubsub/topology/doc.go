// Package topology compares, changes and explains what there is on a broker:
// its exchanges, queues and bindings, as a [pubsub.Topology]. One that is
// wanted is written down by a program, or read from a file in RabbitMQ's
// format; the real one is what [pubsub.Broker.Topology] lists, on any backend.
//
//   - [Diff] tells in what the two differ.
//   - [Check] fails if something wanted is missing or not equal.
//   - [Apply] declares what is missing, and deletes what is not wanted if asked.
//   - [Explain] tells where a message would go, and why, without sending one.
//   - [ReadDefinitions] and [WriteDefinitions] are RabbitMQ's definitions.json.
//
// # What counts
//
// Two queues or exchanges are the same if RabbitMQ would take one for the other
// when it is declared again. Two bindings are the same if RabbitMQ's management
// API lists them alike: it tells arguments as JSON, so that integers of all
// widths are one, a text and its bytes are, and floats have 15 digits. Counts of
// messages and consumers don't matter.
//
// What comes and goes by itself is left out, unless asked for: exchanges and
// queues whose names begin with "amq.", exclusive queues, and the bindings of
// such queues. Bindings of exchanges as amq.topic count.
//
// Functions are safe for concurrent use, as long as nobody changes the
// topologies that they are given.
package topology
