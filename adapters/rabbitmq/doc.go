// Package rabbitmq is the [pubsub.Adapter] for RabbitMQ 3.10 and later, on
// amqp091-go.
//
//	c, err := rabbitmq.Open(ctx, "amqp://localhost", nil)
//	b := pubsub.New(c, nil)
//
// # URLs
//
// amqp://user:password@host:port/vhost, or amqps for TLS. All parts but the
// scheme may be left out: guest, guest, localhost, 5672 (5671 with amqps) and the
// vhost "/". User, password and vhost are percent-encoded: the vhost a/b is
// written a%2Fb.
//
// The URI specification reads amqp://host/ as the vhost whose name is empty. Here it
// is the vhost "/", as amqp091-go and everybody's examples have it; so is
// amqp://host//, as Kombu writes it. A vhost with an empty name can't be named.
// A user without a password has the password "guest", as in amqp091-go.
//
// The query may have heartbeat (seconds), connection_timeout (milliseconds),
// connection_name, management (URL of the management API) and, with amqps,
// cacertfile, certfile, keyfile and server_name_indication. Others are refused.
// See https://www.rabbitmq.com/docs/uri-spec and
// https://www.rabbitmq.com/docs/uri-query-parameters.
//
// # Delivery semantics
//
// There are two AMQP connections: one publishes; the other declares, consumes and gets,
// and owns the exclusive queues. RabbitMQ slows down or stops a connection that publishes too
// fast; consuming and settling go on meanwhile.
//
// All publishes go by one AMQP channel with publisher confirms, many in
// flight, in the order of the calls. The exceptions are the first to each exchange
// and what RabbitMQ may find fault with (a UserID, a body over 16 MiB, direct
// reply-to): they wait until those before them have their outcome, and go one at a
// time by a second channel. So a mistake closes only a channel with nothing
// else on it. If another program deletes an exchange while publishes to it are in
// flight, RabbitMQ closes the main channel: what was sent after the failed publish
// is sent again, once and in order (bodies over 16 KiB are not kept for that: they are
// [pubsub.ErrUnavailable]); what was sent before it and isn't confirmed
// is [pubsub.ErrUnconfirmed]. As RabbitMQ doesn't say which publish it
// was, of several to that exchange the last counts as failed, and the
// others as unconfirmed.
//
// A returned mandatory message is matched to its publish by exchange, key, properties,
// headers and body. Of publishes in flight that are alike in all of these,
// the earliest count as returned.
//
// Each consumer has an AMQP channel of its own. An ack is sent within a
// millisecond; under load those of neighbours are merged into one. Settle
// returns nil before RabbitMQ knows, and an outcome may be lost with the connection: then
// the message comes again.
//
// # Recovery
//
// A lost connection is opened again at once, and then again and again until
// Close, with pauses that grow to 5 seconds. The logger gets a warning for the loss and
// each failed attempt. Meanwhile
//
//   - publishes that have no confirm are [pubsub.ErrUnconfirmed]: they may have
//     arrived. Those that were certainly not written, and new ones, wait for the
//     connection; new ones until their context ends;
//   - other calls wait until their context ends. DeleteQueue and PurgeQueue
//     that were under way fail with [pubsub.ErrUnavailable], because how much was
//     deleted is not known; the others are repeated;
//   - deliveries are back in their queues: settling one is [pubsub.ErrDeliveryLost].
//     They are back once the broker has noticed the end of the last connection;
//     a message that waited behind them may come before them;
//   - consumers go on by themselves. One whose queue is gone ends with
//     [pubsub.ErrConsumerCanceled].
//
// What this Conn declared, and the broker dropped with the connection or a restart, is
// declared again: exchanges and queues that are transient, exclusive, auto-delete or
// have an expiry, and the bindings from and to them. Messages in such queues
// are lost. Durable things are left alone. What can't be had yet, because the broker
// has not noticed the end of the last connection or another program has not
// declared its part, is tried again until it can.
//
// A queue that RabbitMQ named gets another name, because RabbitMQ refuses the old
// one. Its first name stays valid in all methods of this Conn, as a
// routing key of the default exchange, in ReplyTo, and in deliveries and Topology.
// Other programs have to use the new one; so do CC headers.
//
// amqp091-go's own recovery (since v1.13) is switched off, because with v1.16
//
//   - a publish without a confirm counts as refused by the broker after it
//     (confirms.reset closes deferred confirmations as nacks);
//   - an ack for a delivery of the old connection goes out on the new one, where
//     its tag is another message (deliveries carry no generation, and
//     what is buffered comes after the reconnect);
//   - it knows what to declare by channel, and forgets it with the channel, so
//     that operations can't have channels of their own; and a soft error,
//     which closes a channel, starts a recovery of all that;
//   - it waits before its first attempt, at fixed intervals, and gives up; and an
//     exclusive queue that is still locked by the lost connection is skipped.
//
// TestLibraryRecovery… show the first three.
//
// # Limits
//
// Headers and arguments must fit into one frame, 128 KiB by default: RabbitMQ
// would end the connection. Larger ones are refused with
// [pubsub.ErrUnsupported]. What nests too deep, has too many entries or is no
// finite number a Broker refuses before, as [pubsub.Table] says. A message of
// another program that amqp091-go can't read ends the connection again and again.
//
// Direct reply-to (amq.rabbitmq.reply-to) needs publishing and consuming on one channel and
// can't be consumed here; answering to such an address works, but RabbitMQ 3.10
// closes the publishing connection if the address is none.
//
// A connection has at most 2,047 channels by default: one for each consumer,
// and for each queue of which Get has unsettled messages.
//
// Topology needs RabbitMQ's management plugin. Counts of unsettled messages lag
// by up to 5 seconds there.
//
// # Where to look
//
// Locks are taken in this order: publisher.trialMu, lane.sending,
// publisher.mu, lane.mu, publisher.goodMu; getter.mu, channels.mu. All others (Conn.mu, link.mu,
// subscription.mu, acker.mu, records.mu, names.mu, mergeConn.mu) are held alone. No lock but lane.sending and acker.mu is held
// while writing to the socket.
//
//	url.go dial.go link.go       URL, opening, reconnecting
//	merge.go                     the socket: merged writes, reading ahead
//	publish.go trial.go lane.go  publishing; a channel with its publishes in flight
//	culprit.go returns.go        whom an error or a returned message is about
//	consume.go feed.go acks.go   consuming; one channel of a consumer; merged acks
//	get.go                       single messages
//	topology.go arguments.go channels.go  declaring and binding; a channel for each operation
//	records.go recover.go names.go        what to declare again; names that changed
//	list.go listed.go            the management API
//	table.go message.go errors.go         headers, properties and errors in AMQP
package rabbitmq
