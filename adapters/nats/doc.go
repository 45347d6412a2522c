// Package nats is RabbitMQ's model on NATS JetStream: an adapter for [pubsub.Broker].
// docs/nats.md says how it works, what holds when something fails, and what differs from
// RabbitMQ.
//
//	b, err := pubsub.Mux{"nats": nats.Scheme(), "tls": nats.Scheme()}.Open(ctx, "nats://localhost", nil)
//
// # URLs
//
//	nats://user:password@host:4222,host2:4222/vhost?replicas=3
//
// User and password are those for all hosts; a user without a password is a token. The
// vhost is "/" if there is none. With tls:// the connection must be encrypted. These are
// the parameters:
//
//	replicas            on how many servers of a cluster each stream is kept, 1 to 5; 1 by default
//	storage             file (the default) or memory: where durable queues and the topology are
//	ingress             1: messages that other clients publish for exchanges are let in here
//	connection_timeout  milliseconds that one attempt to connect may take; 5000 by default
//	credentials         file with the credentials of the user, as nsc makes it
//	nkey                file with the user's NKey seed
//	token               the token to log in with
//	cacertfile, certfile, keyfile
//	                    PEM files for TLS: authorities to trust, and the client's certificate and key
//
// Replicas and storage count for what a connection makes. What is there stays as it is.
//
// # Messages of other clients
//
// With [Options.Ingress], or ingress=1, what any NATS client publishes on
// mq.VHOST.x.EXCHANGE.KEY is published to that exchange with that key. It is kept in a stream
// until it is, so that nothing is lost while no such connection is there. The subject is escaped as
// docs/nats.md says.
//
// A server for programs that have none is in package embedded, one for tests in natstest.
package nats
