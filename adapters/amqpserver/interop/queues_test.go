package interop

import (
	"slices"
	"strings"
	"testing"

	"github.com/gobindery/bindery/adapters/amqpserver/internal/wire"
)

const (
	noQueue   = "channel 404 NOT_FOUND - no queue 'nope' in vhost 'V' "
	noLast    = "channel 404 NOT_FOUND - no previously declared queue "
	invalid   = "channel 406 PRECONDITION_FAILED - invalid arg "
	ofQueue   = " for queue 'amq.gen-*' in vhost 'V': "
	ofQ       = " for queue 'q' in vhost 'V': "
	lockedQ   = "channel 405 RESOURCE_LOCKED - cannot obtain exclusive access to locked queue 'q' in vhost 'V'. It could be originally declared on another connection or the exclusive property value does not match that of the original declaration. "
	queueGone = "channel 404 NOT_FOUND - no queue 'q' in vhost 'V' (50.10)"
	anyQueue  = "queue.declare-ok amq.gen-* 0 0"
)

// What class queue is answered. See https://www.rabbitmq.com/docs/queues.
func TestQueueAnswers(t *testing.T) {
	q := do(queue("q"))
	exclusive := func(name string) *wire.QueueDeclare { return &wire.QueueDeclare{Queue: name, Exclusive: true} }
	autoDelete := func(name string) *wire.QueueDeclare {
		return &wire.QueueDeclare{Queue: name, AutoDelete: true}
	}
	ok := func(ready, consumers string) []string { return says("queue.declare-ok q " + ready + " " + consumers) }
	answers(t, []answer{
		// names
		{"declare without a name", nil, do(queue("")), says(anyQueue)},
		{"declare a reserved name", nil, do(queue("amq.myname")), says("channel 403 ACCESS_REFUSED - queue name 'amq.myname' contains reserved prefix 'amq.*' (50.10)")},
		{"declare with line breaks in the name", do(queue("a\r\nb")), do(inspect("ab")), says("queue.declare-ok ab 0 0")},
		{"check one that is missing", nil, do(inspect("nope")), says(noQueue + "(50.10)")},
		{"check a reserved name", nil, do(inspect("amq.gen-missing")), says("channel 404 NOT_FOUND - no queue 'amq.gen-*' in vhost 'V' (50.10)")},
		{"check without a name", q, do(inspect("")), says("channel 404 NOT_FOUND - no queue '' in vhost 'V' (50.10)")},
		{"a name of 255 bytes, and a text that is cut", nil, do(inspect(strings.Repeat("n", 255))), says("channel 404 " + ("NOT_FOUND - no queue '" + strings.Repeat("n", 255))[:252] + "... (50.10)")},
		{"a name with a quote", do(queue("a'b")), do(&wire.QueueDeclare{Queue: "a'b", Durable: true}), says(inequivalentArg + "'durable' for queue 'a'b' in vhost 'V': received 'true' but current is 'false' (50.10)")},
		{"no name means the last one", filled("1"), do(&wire.QueuePurge{}), says("queue.purge-ok 1")},
		{"no name, nothing declared: purge", nil, do(&wire.QueuePurge{}), says(noLast + "(50.30)")},
		{"no name, nothing declared: bind", nil, do(bind("", "amq.direct", "k")), says(noLast + "(50.20)")},
		{"no name, nothing declared: unbind", nil, do(&wire.QueueUnbind{Exchange: "amq.direct", RoutingKey: "k"}), says(noLast + "(50.50)")},
		{"no name, nothing declared: consume", nil, do(consume("", "c")), says(noLast + "(60.20)")},
		{"no name, nothing declared: get", nil, do(get("")), says(noLast + "(60.70)")},
		{"no name, nothing declared: delete", nil, do(&wire.QueueDelete{}), says(noLast + "(50.40)")},
		{"no name, declared on another channel", q, do(on{2, &wire.ChannelOpen{}}, on{2, &wire.QueuePurge{}}), says("2: channel.open-ok", "2: "+noLast+"(50.30)")},
		{"a check is a declaration, too", then(slices.Concat(do(queue("p")), filled()), publish("", "p", "1"), awaited(1), inspect("p")), do(&wire.QueuePurge{}), says("queue.purge-ok 1")},

		// declare again
		{"declare again", q, q, ok("0", "0")},
		{"declare again durable", q, do(&wire.QueueDeclare{Queue: "q", Durable: true}), says(inequivalentArg + "'durable'" + ofQ + "received 'true' but current is 'false' (50.10)")},
		{"declare again exclusive", q, do(exclusive("q")), says(lockedQ + "(50.10)")},
		{"declare again auto-delete", q, do(autoDelete("q")), says(inequivalentArg + "'auto_delete'" + ofQ + "received 'true' but current is 'false' (50.10)")},
		{"declare again with a limit", q, do(queue("q", "x-max-length", int32(5))), says(inequivalentArg + "'x-max-length'" + ofQ + "received the value '5' of type 'signedint' but current is none (50.10)")},
		{"declare again without the limit", do(queue("q", "x-max-length", int32(5))), q, says(inequivalentArg + "'x-max-length'" + ofQ + "received none but current is the value '5' of type 'signedint' (50.10)")},
		{"declare again with another limit", do(queue("q", "x-max-length", int32(5))), do(queue("q", "x-max-length", int32(6))), says(inequivalentArg + "'x-max-length'" + ofQ + "received '6' but current is '5' (50.10)")},
		{"declare again with the limit as a long", do(queue("q", "x-max-length", int32(5))), do(queue("q", "x-max-length", int64(5))), ok("0", "0")},
		{"declare again with the limit as a byte", do(queue("q", "x-max-length", int32(5))), do(queue("q", "x-max-length", int8(5))), ok("0", "0")},
		{"declare again with an unknown argument", q, do(queue("q", "foo", "bar")), ok("0", "0")},
		{"declare again with a TTL", q, do(queue("q", "x-message-ttl", int32(5))), says(inequivalentArg + "'x-message-ttl'" + ofQ + "received the value '5' of type 'signedint' but current is none (50.10)")},
		{"declare again with an expiry", q, do(queue("q", "x-expires", int32(500000))), says(inequivalentArg + "'x-expires'" + ofQ + "received the value '500000' of type 'signedint' but current is none (50.10)")},
		{"declare again with bytes", q, do(queue("q", "x-max-length-bytes", int32(5))), says(inequivalentArg + "'x-max-length-bytes'" + ofQ + "received the value '5' of type 'signedint' but current is none (50.10)")},
		{"declare again with an overflow", q, do(queue("q", "x-overflow", "reject-publish")), says(inequivalentArg + "'x-overflow'" + ofQ + "received the value 'reject-publish' of type 'longstr' but current is none (50.10)")},
		{"declare again with priorities", q, do(queue("q", "x-max-priority", int32(5))), says(inequivalentArg + "'x-max-priority'" + ofQ + "received the value '5' of type 'signedint' but current is none (50.10)")},
		{"declare again with a dead-letter exchange", q, do(queue("q", "x-dead-letter-exchange", "x")), says(inequivalentArg + "'x-dead-letter-exchange'" + ofQ + "received the value 'x' of type 'longstr' but current is none (50.10)")},
		{"declare again with another dead-letter key", do(queue("q", "x-dead-letter-exchange", "", "x-dead-letter-routing-key", "a")), do(queue("q", "x-dead-letter-exchange", "", "x-dead-letter-routing-key", "b")), says(inequivalentArg + "'x-dead-letter-routing-key'" + ofQ + "received 'b' but current is 'a' (50.10)")},
		{"declare again with a single active consumer", q, do(queue("q", "x-single-active-consumer", true)), says(inequivalentArg + "'x-single-active-consumer'" + ofQ + "received the value 'true' of type 'bool' but current is none (50.10)")},
		{"declare again lazy", q, do(queue("q", "x-queue-mode", "lazy")), says(inequivalentArg + "'x-queue-mode'" + ofQ + "received the value 'lazy' of type 'longstr' but current is none (50.10)")},
		{"declare again classic", q, do(queue("q", "x-queue-type", "classic")), ok("0", "0")},
		{"declare again, two differ", q, do(queue("q", "x-overflow", "reject-publish", "x-max-length", int32(5))), says(inequivalentArg + "'x-max-length'" + ofQ + "received the value '5' of type 'signedint' but current is none (50.10)")},
		{"declare again with the default mode", q, do(queue("q", "x-queue-mode", "default")), says(inequivalentArg + "'x-queue-mode'" + ofQ + "received the value 'default' of type 'longstr' but current is none (50.10)")},
		{"declare again with a version", q, do(queue("q", "x-queue-version", int32(1))), says(inequivalentArg + "'x-queue-version'" + ofQ + "received the value '1' of type 'signedint' but current is none (50.10)")},
		{"declare again with the version as a long", do(queue("q", "x-queue-version", int32(2))), do(queue("q", "x-queue-version", int64(2))), ok("0", "0")},
		{"declare again with an argument of quorum queues", q, do(queue("q", "x-delivery-limit", int32(5))), ok("0", "0")},
		{"declare again with an invalid TTL", q, do(queue("q", "x-message-ttl", int32(-1))), says(inequivalentArg + "'x-message-ttl'" + ofQ + "received the value '-1' of type 'signedint' but current is none (50.10)")},
		{"a check passes over what differs", do(queue("q", "x-max-length", int32(5))), do(&wire.QueueDeclare{Queue: "q", Passive: true, Durable: true}), ok("0", "0")},
		{"declare again one that the server named", do(&wire.QueueDeclare{}), do(later(func(s *session) any { return queue(s.queue) })), says("channel 403 ACCESS_REFUSED - queue name 'amq.gen-*' contains reserved prefix 'amq.*' (50.10)")},

		// arguments
		{"TTL -1", nil, do(queue("", "x-message-ttl", int32(-1))), says(invalid + "'x-message-ttl'" + ofQueue + "{value_negative,-1} (50.10)")},
		{"TTL -1, named", nil, do(queue("q", "x-message-ttl", int32(-1))), says(invalid + "'x-message-ttl'" + ofQ + "{value_negative,-1} (50.10)")},
		{"TTL that is a string", nil, do(queue("", "x-message-ttl", "5")), says(invalid + "'x-message-ttl'" + ofQueue + `"expected integer, got longstr" (50.10)`)},
		{"TTL that is a fraction", nil, do(queue("", "x-message-ttl", float32(1.5))), says(invalid + "'x-message-ttl'" + ofQueue + `"expected integer, got float" (50.10)`)},
		{"TTL 0", nil, do(queue("", "x-message-ttl", int32(0))), says(anyQueue)},
		{"TTL beyond 32 bits", nil, do(queue("", "x-message-ttl", int64(4294967296))), says(anyQueue)},
		{"TTL of more than ten years", nil, do(queue("", "x-message-ttl", int64(315_360_000_001))), says(invalid + "'x-message-ttl'" + ofQueue + "{value_too_large,315360000001} (50.10)")},
		{"expiry 0", nil, do(queue("", "x-expires", int32(0))), says(invalid + "'x-expires'" + ofQueue + "{value_zero,0} (50.10)")},
		{"expiry -1", nil, do(queue("", "x-expires", int32(-1))), says(invalid + "'x-expires'" + ofQueue + "{value_negative,-1} (50.10)")},
		{"length -1", nil, do(queue("", "x-max-length", int32(-1))), says(invalid + "'x-max-length'" + ofQueue + "{value_negative,-1} (50.10)")},
		{"length that is a string", nil, do(queue("", "x-max-length", "a")), says(invalid + "'x-max-length'" + ofQueue + `"expected integer, got longstr" (50.10)`)},
		{"length 0", nil, do(queue("", "x-max-length", int32(0))), says(anyQueue)},
		{"bytes -1", nil, do(queue("", "x-max-length-bytes", int32(-1))), says(invalid + "'x-max-length-bytes'" + ofQueue + "{value_negative,-1} (50.10)")},
		{"priority 0", nil, do(queue("", "x-max-priority", int32(0))), says(anyQueue)},
		{"priority 255", nil, do(queue("", "x-max-priority", int32(255))), says(anyQueue)},
		{"priority 256", nil, do(queue("", "x-max-priority", int32(256))), says(invalid + "'x-max-priority'" + ofQueue + "{max_value_exceeded,256} (50.10)")},
		{"priority -1", nil, do(queue("", "x-max-priority", int32(-1))), says(invalid + "'x-max-priority'" + ofQueue + "{value_negative,-1} (50.10)")},
		{"each overflow", nil, do(queue("", "x-overflow", "drop-head"), queue("", "x-overflow", "reject-publish"), queue("", "x-overflow", "reject-publish-dlx")), says(anyQueue, anyQueue, anyQueue)},
		{"overflow foo", nil, do(queue("", "x-overflow", "foo")), says(invalid + "'x-overflow'" + ofQueue + "invalid_overflow (50.10)")},
		{"overflow that is a number", nil, do(queue("", "x-overflow", int32(1))), says(invalid + "'x-overflow'" + ofQueue + "{unacceptable_type,signedint} (50.10)")},
		{"dead letters to the default exchange", nil, do(queue("", "x-dead-letter-exchange", "")), says(anyQueue)},
		{"dead letters to one that is missing", nil, do(queue("", "x-dead-letter-exchange", "nope")), says(anyQueue)},
		{"dead-letter exchange that is a number", nil, do(queue("", "x-dead-letter-exchange", int32(5))), says("channel 406 PRECONDITION_FAILED - invalid type 'signedint' for arg 'x-dead-letter-exchange' in queue 'amq.gen-*' in vhost 'V' (50.10)")},
		{"dead-letter key that is a number", nil, do(queue("q", "x-dead-letter-exchange", "", "x-dead-letter-routing-key", int32(5))), says(invalid + "'x-dead-letter-routing-key'" + ofQ + "{unacceptable_type,signedint} (50.10)")},
		{"dead-letter key without exchange", nil, do(queue("", "x-dead-letter-routing-key", "k")), says(invalid + "'x-dead-letter-routing-key'" + ofQueue + "routing_key_but_no_dlx_defined (50.10)")},
		{"single active consumer", nil, do(queue("", "x-single-active-consumer", true)), says(anyQueue)},
		{"single active consumer that is a string", nil, do(queue("", "x-single-active-consumer", "yes")), says(invalid + "'x-single-active-consumer'" + ofQueue + "{unacceptable_type,longstr} (50.10)")},
		{"mode lazy", nil, do(queue("", "x-queue-mode", "lazy")), says(anyQueue)},
		{"mode foo", nil, do(queue("", "x-queue-mode", "foo")), says(invalid + "'x-queue-mode'" + ofQueue + `"unsupported queue mode 'foo'" (50.10)`)},
		{"mode that is a number", nil, do(queue("", "x-queue-mode", int32(1))), says(invalid + "'x-queue-mode'" + ofQueue + "{unacceptable_type,signedint} (50.10)")},
		{"type classic", nil, do(queue("", "x-queue-type", "classic")), says(anyQueue)},
		{"type foo", nil, do(queue("q", "x-queue-type", "foo")), says(invalid + "'x-queue-type'" + ofQ + `"unsupported queue type 'foo'" (50.10)`)},
		{"type foo, named by the server", nil, do(queue("", "x-queue-type", "foo")), says("connection 541 INTERNAL_ERROR (0.0)")},
		{"type that is a number", nil, do(queue("q", "x-queue-type", int32(1))), says(invalid + "'x-queue-type'" + ofQ + "{unacceptable_type,signedint} (50.10)")},
		{"version 2", nil, do(queue("", "x-queue-version", int32(2))), says(anyQueue)},
		{"version 3", nil, do(queue("q", "x-queue-version", int32(3))), says(invalid + "'x-queue-version'" + ofQ + `"unsupported queue version '3'" (50.10)`)},
		{"version that is a string", nil, do(queue("q", "x-queue-version", "2")), says(invalid + "'x-queue-version'" + ofQ + `"expected integer, got longstr" (50.10)`)},
		{"version that is nothing", nil, do(queue("q", "x-queue-version", nil)), says(invalid + "'x-queue-version'" + ofQ + `"expected integer, got void" (50.10)`)},
		{"an argument of quorum queues", nil, do(queue("q", "x-delivery-limit", int32(3))), says("channel 406 PRECONDITION_FAILED - invalid arg 'x-delivery-limit' for queue 'q' in vhost 'V' of queue type rabbit_classic_queue (50.10)")},
		{"an argument of streams", nil, do(queue("q", "x-max-age", "1D")), says("channel 406 PRECONDITION_FAILED - invalid arg 'x-max-age' for queue 'q' in vhost 'V' of queue type rabbit_classic_queue (50.10)")},
		{"unknown argument", nil, do(queue("", "x-unknown", "z")), says(anyQueue)},
		{"two bad arguments", nil, do(queue("q", "x-max-length", int32(-1), "x-expires", int32(-1))), says(invalid + "'x-expires'" + ofQ + "{value_negative,-1} (50.10)")},

		// exclusive
		{"exclusive: declare on another connection", do(exclusive("q")), do(elsewhere{exclusive("q")}), says(lockedQ + "(50.10)")},
		{"exclusive: declare shared on another connection", do(exclusive("q")), do(elsewhere{queue("q")}), says(lockedQ + "(50.10)")},
		{"exclusive: check on another connection", do(exclusive("q")), do(elsewhere{inspect("q")}), says(lockedQ + "(50.10)")},
		{"exclusive: consume on another connection", do(exclusive("q")), do(elsewhere{consume("q", "c")}), says(lockedQ + "(60.20)")},
		{"exclusive: get on another connection", do(exclusive("q")), do(elsewhere{get("q")}), says(lockedQ + "(60.70)")},
		{"exclusive: bind on another connection", do(exclusive("q")), do(elsewhere{bind("q", "amq.direct", "k")}), says(lockedQ + "(50.20)")},
		{"exclusive: unbind nothing on another connection", do(exclusive("q")), do(elsewhere{&wire.QueueUnbind{Queue: "q", Exchange: "amq.direct", RoutingKey: "k"}}), says("queue.unbind-ok")},
		{"exclusive: unbind on another connection", do(exclusive("q"), bind("q", "amq.direct", "k")), do(elsewhere{&wire.QueueUnbind{Queue: "q", Exchange: "amq.direct", RoutingKey: "k"}}), says(lockedQ + "(50.50)")},
		{"exclusive: purge on another connection", do(exclusive("q")), do(elsewhere{&wire.QueuePurge{Queue: "q"}}), says(lockedQ + "(50.30)")},
		{"exclusive: delete on another connection", do(exclusive("q")), do(elsewhere{&wire.QueueDelete{Queue: "q"}}), says(lockedQ + "(50.40)")},
		{"exclusive: publish on another connection", do(exclusive("q"), elsewhere{confirm}, elsewhere{publish("", "q", "1")}, elsewhere{awaited(1)}), do(inspect("q")), ok("1", "0")},
		{"exclusive: declare again shared", do(exclusive("q")), q, says(lockedQ + "(50.10)")},
		{"exclusive: durable", nil, do(&wire.QueueDeclare{Queue: "q", Exclusive: true, Durable: true}), ok("0", "0")},
		{"exclusive: durable means nothing", do(&wire.QueueDeclare{Queue: "q", Exclusive: true, Durable: true}), do(exclusive("q")), ok("0", "0")},
		{"exclusive: get on another channel", do(exclusive("q"), confirm, publish("", "q", "1"), awaited(1), on{2, &wire.ChannelOpen{}}), do(on{2, get("q")}), says(`2: basic.get-ok 1 "" "q" "1" 0 more`)},
		{"exclusive: gone with its connection", do(elsewhere{exclusive("q")}, elsewhere{&wire.ConnectionClose{ReplyCode: 200}}), do(inspect("q")), says(queueGone)},

		// auto-delete
		{"auto-delete goes with its last consumer", do(autoDelete("q"), consume("q", "c"), &wire.BasicCancel{ConsumerTag: "c"}), do(inspect("q")), says(queueGone)},
		{"auto-delete goes with its consumer's channel", do(autoDelete("q"), on{2, &wire.ChannelOpen{}}, on{2, consume("q", "c")}, on{2, &wire.ChannelClose{ReplyCode: 200}}), do(inspect("q")), says(queueGone)},
		{"auto-delete stays for another consumer", do(autoDelete("q"), consume("q", "c"), consume("q", "d"), &wire.BasicCancel{ConsumerTag: "c"}), do(inspect("q")), ok("0", "1")},
		{"auto-delete stays after a get", do(autoDelete("q"), get("q")), do(inspect("q")), ok("0", "0")},

		// delete, purge
		{"delete if unused, in use", do(queue("q"), consume("q", "c")), do(&wire.QueueDelete{Queue: "q", IfUnused: true}), says("channel 406 PRECONDITION_FAILED - queue 'q' in vhost 'V' in use (50.40)")},
		{"delete if empty, not empty", filled("1"), do(&wire.QueueDelete{Queue: "q", IfEmpty: true}), says("channel 406 PRECONDITION_FAILED - queue 'q' in vhost 'V' not empty (50.40)")},
		{"delete if empty, unsettled only", then(filled("1"), get("q")), do(&wire.QueueDelete{Queue: "q", IfEmpty: true}), says("queue.delete-ok 0")},
		{"delete counts", filled("1"), do(&wire.QueueDelete{Queue: "q"}), says("queue.delete-ok 1")},
		{"delete counts what is ready", then(filled("1", "2", "3"), get("q")), do(&wire.QueueDelete{Queue: "q"}), says("queue.delete-ok 2")},
		{"delete one that is missing", nil, do(&wire.QueueDelete{Queue: "nope"}), says("queue.delete-ok 0")},
		{"delete one that is missing, if unused", nil, do(&wire.QueueDelete{Queue: "nope", IfUnused: true}), says("queue.delete-ok 0")},
		{"purge one that is missing", nil, do(&wire.QueuePurge{Queue: "nope"}), says(noQueue + "(50.30)")},
		{"purge leaves what is unsettled", then(filled("1", "2"), get("q")), do(&wire.QueuePurge{Queue: "q"}, &wire.BasicNack{DeliveryTag: 1, Requeue: true}, get("q")), says("queue.purge-ok 1", `basic.get-ok 2 again "" "q" "1" 0 more`)},
		{"counts are of what is ready", then(filled("1", "2"), get("q")), do(inspect("q")), ok("1", "0")},

		// bind
		{"bind to one that is missing", q, do(bind("q", "nope", "")), says(noExchange + "(50.20)")},
		{"bind one that is missing", nil, do(bind("nope", "amq.direct", "")), says(noQueue + "(50.20)")},
		{"bind one that is missing to another", nil, do(bind("nope", "nope", "")), says(noExchange + "(50.20)")},
		{"bind to the default exchange", q, do(bind("q", "", "k")), says(onDefault + "(50.20)")},
		{"unbind from the default exchange", q, do(&wire.QueueUnbind{Queue: "q", RoutingKey: "q"}), says(onDefault + "(50.50)")},
		{"unbind what is not bound", q, do(&wire.QueueUnbind{Queue: "q", Exchange: "amq.direct"}), says("queue.unbind-ok")},
		{"unbind a queue that is missing", nil, do(&wire.QueueUnbind{Queue: "nope", Exchange: "amq.direct"}), says("queue.unbind-ok")},
		{"unbind from an exchange that is missing", q, do(&wire.QueueUnbind{Queue: "q", Exchange: "nope"}), says("queue.unbind-ok")},
		{"no queue and no key: the queue is the key", do(queue("q"), bind("", "amq.direct", ""), publish("amq.direct", "q", "1")), do(get("q")), says(`basic.get-ok 1 "amq.direct" "q" "1" 0 more`)},
		{"bind twice, unbind once", do(queue("q"), bind("q", "amq.direct", "k"), bind("q", "amq.direct", "k"), &wire.QueueUnbind{Queue: "q", Exchange: "amq.direct", RoutingKey: "k"}, publish("amq.direct", "k", "1")), do(get("q")), says("basic.get-empty")},
		{"unbind with other arguments", do(queue("q"), bind("q", "amq.direct", "k"), &wire.QueueUnbind{Queue: "q", Exchange: "amq.direct", RoutingKey: "k", Arguments: table("a", "b")}, publish("amq.direct", "k", "1")), do(get("q")), says(`basic.get-ok 1 "amq.direct" "k" "1" 0 more`)},
		{"x-match bogus", q, do(bind("q", "amq.headers", "", "x-match", "bogus")), says(`channel 406 PRECONDITION_FAILED - Invalid x-match field value <<"bogus">>; expected all, any, all-with-x, or any-with-x (50.20)`)},
		{"x-match that is a number", q, do(bind("q", "amq.headers", "", "x-match", int32(1))), says("channel 406 PRECONDITION_FAILED - Invalid x-match field type signedint (value 1); expected longstr (50.20)")},
		{"x-match that is a bool", q, do(bind("q", "amq.headers", "", "x-match", true)), says("channel 406 PRECONDITION_FAILED - Invalid x-match field type bool (value true); expected longstr (50.20)")},

		// what only other types of queues have
		{"quorum, named by the server", nil, do(&wire.QueueDeclare{Durable: true, Arguments: table("x-queue-type", "quorum")}), says("channel 406 PRECONDITION_FAILED - Cannot declare a server-named queue for type rabbit_quorum_queue (50.10)")},
		{"stream, not durable", nil, do(queue("q", "x-queue-type", "stream")), says("channel 406 PRECONDITION_FAILED - invalid property 'non-durable' for queue 'q' in vhost 'V' (50.10)")},
	})
}
