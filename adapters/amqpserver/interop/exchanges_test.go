package interop

import (
	"testing"

	"github.com/gobindery/bindery/adapters/amqpserver/internal/wire"
)

const (
	declared        = "exchange.declare-ok"
	onDefault       = "channel 403 ACCESS_REFUSED - operation not permitted on the default exchange "
	noExchange      = "channel 404 NOT_FOUND - no exchange 'nope' in vhost 'V' "
	inequivalentArg = "channel 406 PRECONDITION_FAILED - inequivalent arg "
)

// What class exchange is answered. See https://www.rabbitmq.com/docs/exchanges.
func TestExchangeAnswers(t *testing.T) {
	passive := func(name, kind string) *wire.ExchangeDeclare {
		return &wire.ExchangeDeclare{Exchange: name, Type: kind, Passive: true}
	}
	autoDelete := func(name string) *wire.ExchangeDeclare {
		return &wire.ExchangeDeclare{Exchange: name, Type: "fanout", AutoDelete: true}
	}
	alternate := func(name string, to any) *wire.ExchangeDeclare {
		return &wire.ExchangeDeclare{Exchange: name, Type: "direct", Arguments: table("alternate-exchange", to)}
	}
	direct := do(exchange("e", "direct"))
	answers(t, []answer{
		// declare
		{"declare each type", nil, do(exchange("a", "direct"), exchange("b", "fanout"), exchange("c", "topic"), exchange("d", "headers")),
			says(declared, declared, declared, declared)},
		{"declare again", direct, direct, says(declared)},
		{"declare again with another type", direct, do(exchange("e", "fanout")),
			says(inequivalentArg + "'type' for exchange 'e' in vhost 'V': received 'fanout' but current is 'direct' (40.10)")},
		{"declare again one with a quote in its name", do(exchange("a'b", "fanout")), do(exchange("a'b", "direct")),
			says(inequivalentArg + "'type' for exchange 'a'b' in vhost 'V': received 'direct' but current is 'fanout' (40.10)")},
		{"declare again durable", direct, do(&wire.ExchangeDeclare{Exchange: "e", Type: "direct", Durable: true}),
			says(inequivalentArg + "'durable' for exchange 'e' in vhost 'V': received 'true' but current is 'false' (40.10)")},
		{"declare again auto-delete", direct, do(&wire.ExchangeDeclare{Exchange: "e", Type: "direct", AutoDelete: true}),
			says(inequivalentArg + "'auto_delete' for exchange 'e' in vhost 'V': received 'true' but current is 'false' (40.10)")},
		{"declare again internal", direct, do(&wire.ExchangeDeclare{Exchange: "e", Type: "direct", Internal: true}),
			says(inequivalentArg + "'internal' for exchange 'e' in vhost 'V': received 'true' but current is 'false' (40.10)")},
		{"declare again with an unknown argument", direct, do(&wire.ExchangeDeclare{Exchange: "e", Type: "direct", Arguments: table("x-foo", "a")}), says(declared)},
		{"declare again with an alternate exchange", direct, do(alternate("e", "x")),
			says(inequivalentArg + "'alternate-exchange' for exchange 'e' in vhost 'V': received the value 'x' of type 'longstr' but current is none (40.10)")},
		{"declare again without the alternate exchange", do(alternate("e", "x")), direct,
			says(inequivalentArg + "'alternate-exchange' for exchange 'e' in vhost 'V': received none but current is the value 'x' of type 'longstr' (40.10)")},
		{"declare again with another alternate exchange", do(alternate("e", "x")), do(alternate("e", "y")),
			says(inequivalentArg + "'alternate-exchange' for exchange 'e' in vhost 'V': received 'y' but current is 'x' (40.10)")},
		{"declare again with the same alternate exchange", do(alternate("e", "x")), do(alternate("e", "x")), says(declared)},
		{"alternate exchange that is a number", nil, do(alternate("e", int32(5))),
			says("channel 406 PRECONDITION_FAILED - invalid type 'signedint' for arg 'alternate-exchange' in exchange 'e' in vhost 'V' (40.10)")},
		{"alternate exchange that is a list", nil, do(alternate("e", []any{"a"})),
			says("channel 406 PRECONDITION_FAILED - invalid type 'array' for arg 'alternate-exchange' in exchange 'e' in vhost 'V' (40.10)")},
		{"declare with an unknown type", nil, do(exchange("e", "bogus")), says("connection 503 COMMAND_INVALID - unknown exchange type 'bogus' (40.10)")},
		{"declare with the type of a plugin", nil, do(exchange("e", "x-consistent-hash")), says("connection 503 COMMAND_INVALID - unknown exchange type 'x-consistent-hash' (40.10)")},
		{"declare with an empty type", nil, do(exchange("e", "")), says("connection 503 COMMAND_INVALID - invalid exchange type '' (40.10)")},
		{"declare an unknown type without a name", nil, do(exchange("", "bogus")), says("connection 503 COMMAND_INVALID - unknown exchange type 'bogus' (40.10)")},
		{"declare a reserved name", nil, do(exchange("amq.foo", "direct")), says("channel 403 ACCESS_REFUSED - exchange name 'amq.foo' contains reserved prefix 'amq.*' (40.10)")},
		{"declare amq.direct as it is", nil, do(&wire.ExchangeDeclare{Exchange: "amq.direct", Type: "direct", Durable: true}), says(declared)},
		{"declare amq.direct as it is not", nil, do(exchange("amq.direct", "direct")),
			says(inequivalentArg + "'durable' for exchange 'amq.direct' in vhost 'V': received 'false' but current is 'true' (40.10)")},
		{"declare the default exchange", nil, do(exchange("", "direct")), says(onDefault + "(40.10)")},
		{"declare a name with line breaks", do(exchange("a\r\nb", "direct")), do(passive("ab", "")), says(declared)},
		{"declare without waiting", nil, do(&wire.ExchangeDeclare{Exchange: "e", Type: "direct", NoWait: true}, passive("e", "")), says(declared)},

		// declare, passively
		{"check with another type", direct, do(passive("e", "topic")), says(declared)},
		{"check with an unknown type", direct, do(passive("e", "bogus")), says(declared)},
		{"check without a type", direct, do(passive("e", "")), says(declared)},
		{"check one that is missing", nil, do(passive("nope", "direct")), says(noExchange + "(40.10)")},
		{"check a reserved name", nil, do(passive("amq.foo", "direct")), says("channel 404 NOT_FOUND - no exchange 'amq.foo' in vhost 'V' (40.10)")},
		{"check the default exchange", nil, do(passive("", "direct")), says(onDefault + "(40.10)")},
		{"predeclared", nil, do(passive("amq.direct", ""), passive("amq.fanout", ""), passive("amq.topic", ""), passive("amq.headers", ""), passive("amq.match", "")),
			says(declared, declared, declared, declared, declared)},
		{"the exchange for tracing", nil, do(passive("amq.rabbitmq.trace", "")), says(declared)},
		{"not predeclared", nil, do(passive("amq.rabbitmq.log", "")), says("channel 404 NOT_FOUND - no exchange 'amq.rabbitmq.log' in vhost 'V' (40.10)")},

		// delete
		{"delete the default exchange", nil, do(&wire.ExchangeDelete{}), says(onDefault + "(40.20)")},
		{"delete amq.direct", nil, do(&wire.ExchangeDelete{Exchange: "amq.direct"}), says("channel 403 ACCESS_REFUSED - deletion of system exchange 'amq.direct' in vhost 'V' not allowed (40.20)")},
		{"delete a reserved name", nil, do(&wire.ExchangeDelete{Exchange: "amq.foo"}), says("channel 403 ACCESS_REFUSED - deletion of system exchange 'amq.foo' in vhost 'V' not allowed (40.20)")},
		{"delete one that is missing", nil, do(&wire.ExchangeDelete{Exchange: "nope"}), says("exchange.delete-ok")},
		{"delete one that is missing, if unused", nil, do(&wire.ExchangeDelete{Exchange: "nope", IfUnused: true}), says("exchange.delete-ok")},
		{"delete if unused, in use", do(exchange("e", "direct"), queue("q"), bind("q", "e", "k")), do(&wire.ExchangeDelete{Exchange: "e", IfUnused: true}),
			says("channel 406 PRECONDITION_FAILED - exchange 'e' in vhost 'V' in use (40.20)")},
		{"delete if unused, bound only to another", do(exchange("e", "direct"), exchange("f", "direct"), &wire.ExchangeBind{Source: "f", Destination: "e"}),
			do(&wire.ExchangeDelete{Exchange: "e", IfUnused: true}), says("exchange.delete-ok")},
		{"delete takes the bindings", do(exchange("e", "fanout"), queue("q"), bind("q", "e", ""), &wire.ExchangeDelete{Exchange: "e"}, exchange("e", "fanout"), confirm),
			do(mandatory("e", "", "1"), awaited(2)), says(`basic.return 312 NO_ROUTE "e" "" "1"`, "basic.ack 1")},

		// auto-delete
		{"auto-delete goes with the last binding", do(autoDelete("e"), queue("q"), bind("q", "e", ""), &wire.QueueUnbind{Queue: "q", Exchange: "e"}),
			do(passive("e", "")), says("channel 404 NOT_FOUND - no exchange 'e' in vhost 'V' (40.10)")},
		{"auto-delete goes with the last queue", do(autoDelete("e"), queue("q"), bind("q", "e", ""), &wire.QueueDelete{Queue: "q"}),
			do(passive("e", "")), says("channel 404 NOT_FOUND - no exchange 'e' in vhost 'V' (40.10)")},
		{"auto-delete stays while nothing was bound", do(autoDelete("e")), do(passive("e", "")), says(declared)},
		{"auto-delete stays when it is bound no more to another", do(autoDelete("e"), exchange("f", "direct"), &wire.ExchangeBind{Source: "f", Destination: "e"}, &wire.ExchangeUnbind{Source: "f", Destination: "e"}),
			do(passive("e", "")), says(declared)},

		// bind, unbind
		{"bind one that is missing to another", direct, do(&wire.ExchangeBind{Source: "nope", Destination: "e"}), says(noExchange + "(40.30)")},
		{"bind to one that is missing", direct, do(&wire.ExchangeBind{Source: "e", Destination: "nope"}), says(noExchange + "(40.30)")},
		{"bind the default exchange", direct, do(&wire.ExchangeBind{Destination: "e"}), says(onDefault + "(40.30)")},
		{"bind to the default exchange", direct, do(&wire.ExchangeBind{Source: "e"}), says(onDefault + "(40.30)")},
		{"unbind one that is missing", direct, do(&wire.ExchangeUnbind{Source: "nope", Destination: "e"}), says("exchange.unbind-ok")},
		{"unbind the default exchange", direct, do(&wire.ExchangeUnbind{Destination: "e"}), says(onDefault + "(40.40)")},
		{"an internal one is reached from another", do(exchange("e", "fanout"), &wire.ExchangeDeclare{Exchange: "i", Type: "fanout", Internal: true},
			&wire.ExchangeBind{Source: "e", Destination: "i"}, queue("q"), bind("q", "i", ""), publish("e", "k", "1")), do(get("q")), says(`basic.get-ok 1 "e" "k" "1" 0 more`)},
		{"a cycle, and one bound to itself", do(exchange("e", "fanout"), exchange("f", "fanout"), &wire.ExchangeBind{Source: "e", Destination: "f"}, &wire.ExchangeBind{Source: "f", Destination: "e"},
			&wire.ExchangeBind{Source: "e", Destination: "e"}, queue("q"), bind("q", "e", ""), bind("q", "f", ""), publish("e", "k", "1")), do(get("q")), says(`basic.get-ok 1 "e" "k" "1" 0 more`)},

		// publish
		{"publish to one that is missing", nil, do(publish("nope", "k", "1"), inspect("nothing")), says(noExchange + "(60.40)")},
		{"publish to one that is missing, with confirms", do(confirm), do(publish("nope", "k", "1"), awaited(1)), says(noExchange + "(60.40)")},
		{"publish to an internal one", do(&wire.ExchangeDeclare{Exchange: "e", Type: "direct", Internal: true}), do(publish("e", "k", "1"), awaited(1)),
			says("channel 403 ACCESS_REFUSED - cannot publish to internal exchange 'e' in vhost 'V' (60.40)")},
		{"the alternate exchange gets what nobody wants", do(exchange("f", "fanout"), alternate("e", "f"), queue("q"), bind("q", "f", ""), confirm, mandatory("e", "k", "1"), awaited(1)),
			do(get("q")), says(`basic.get-ok 1 "e" "k" "1" 0 more`)},
		{"the alternate exchange is missing", do(alternate("e", "nope"), confirm), do(mandatory("e", "k", "1"), awaited(2)), says(`basic.return 312 NO_ROUTE "e" "k" "1"`, "basic.ack 1")},
		{"alternate exchanges in a cycle", do(alternate("e", "f"), alternate("f", "e"), confirm), do(mandatory("e", "k", "1"), awaited(2)), says(`basic.return 312 NO_ROUTE "e" "k" "1"`, "basic.ack 1")},
	})
}
