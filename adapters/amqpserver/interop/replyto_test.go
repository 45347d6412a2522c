package interop

import (
	"testing"

	"github.com/gobindery/bindery/adapters/amqpserver/internal/wire"
)

// What users of direct reply-to are answered.
// See https://www.rabbitmq.com/docs/direct-reply-to.
func TestReplyToAnswers(t *testing.T) {
	const pseudo = "amq.rabbitmq.reply-to"
	consumeReplies := &wire.BasicConsume{Queue: pseudo, ConsumerTag: "c", NoAck: true}
	request := publish("", "q", "request")
	request.Properties = wire.Properties{Given: wire.GivenReplyTo, ReplyTo: pseudo}
	// A client waits for replies; the address is known from the request.
	asked := do(consumeReplies, queue("q"), request, get("q"), on{2, &wire.ChannelOpen{}})
	toAddress := func(step func(address string) any) later {
		return func(s *session) any { return on{2, step(s.replyTo)} }
	}
	reply := toAddress(func(a string) any { return publish("", a, "reply") })
	check := toAddress(func(a string) any { return inspect(a) })
	cancel := &wire.BasicCancel{ConsumerTag: "c"}
	answers(t, []answer{
		{"a reply", asked, do(reply), says(`basic.deliver c 2 "" "amq.rabbitmq.reply-to.*" "reply"`)},
		{"replies take no delivery tag", then(asked, publish("", "q", "1")), do(reply, awaited(1), reply, awaited(1), get("q")), says(`basic.deliver c 2 "" "amq.rabbitmq.reply-to.*" "reply"`, `basic.deliver c 2 "" "amq.rabbitmq.reply-to.*" "reply"`, `basic.get-ok 2 "" "q" "1" 0 more`)},
		{"a mandatory reply comes back, too", asked, do(later(func(s *session) any { return elsewhere{mandatory("", s.replyTo, "reply")} }), elsewhere{awaited(1)}, awaited(1)),
			says(`basic.return 312 NO_ROUTE "" "amq.rabbitmq.reply-to.*" "reply"`, `basic.deliver c 2 "" "amq.rabbitmq.reply-to.*" "reply"`)},
		{"a reply to who has gone", then(asked, cancel), do(toAddress(func(a string) any { return mandatory("", a, "reply") })), says(`2: basic.return 312 NO_ROUTE "" "amq.rabbitmq.reply-to.*" "reply"`)},
		{"with acks", nil, do(consume(pseudo, "c")), says("channel 406 PRECONDITION_FAILED - reply consumer cannot acknowledge (60.20)")},
		{"a second consumer", do(consumeReplies), do(&wire.BasicConsume{Queue: pseudo, ConsumerTag: "d", NoAck: true}), says("channel 406 PRECONDITION_FAILED - reply consumer already set (60.20)")},
		{"a second consumer, with acks", do(consumeReplies), do(consume(pseudo, "d")), says("channel 406 PRECONDITION_FAILED - reply consumer cannot acknowledge (60.20)")},
		{"the tag of another consumer", do(queue("q"), consume("q", "c")), do(consumeReplies), says("connection 530 NOT_ALLOWED - attempt to reuse consumer tag 'c' (60.20)")},
		{"its tag for another consumer", do(queue("q"), consumeReplies), do(consume("q", "c")), says("basic.consume-ok c")},
		{"a second consumer after cancel", do(consumeReplies, cancel), do(consumeReplies), says("basic.consume-ok c")},
		{"the tag twice", do(consumeReplies), do(consumeReplies), says("channel 406 PRECONDITION_FAILED - reply consumer already set (60.20)")},
		{"a request without a consumer", do(queue("q")), do(request, awaited(1)), says("channel 406 PRECONDITION_FAILED - fast reply consumer does not exist (60.40)")},
		{"check the pseudo queue", nil, do(inspect(pseudo)), says("queue.declare-ok amq.rabbitmq.reply-to 0 1")},
		{"declare the pseudo queue", nil, do(queue(pseudo)), says("queue.declare-ok amq.rabbitmq.reply-to 0 1")},
		{"the pseudo queue is the last one", do(queue(pseudo)), do(&wire.QueuePurge{}), says("channel 404 NOT_FOUND - no queue 'amq.rabbitmq.reply-to' in vhost 'V' (50.30)")},
		{"get from the pseudo queue", nil, do(get(pseudo)), says("channel 404 NOT_FOUND - no queue 'amq.rabbitmq.reply-to' in vhost 'V' (60.70)")},
		{"bind the pseudo queue", nil, do(bind(pseudo, "amq.direct", "k")), says("channel 404 NOT_FOUND - no queue 'amq.rabbitmq.reply-to' in vhost 'V' (50.20)")},
		{"check an address", asked, do(check), says("2: queue.declare-ok amq.rabbitmq.reply-to.* 0 1")},
		{"check an address of who has gone", then(asked, cancel), do(check), says("2: channel 404 NOT_FOUND - no queue 'amq.rabbitmq.reply-to.*' in vhost 'V' (50.10)")},
		{"check what is no address", nil, do(inspect(pseudo + ".x")), says("channel 404 NOT_FOUND - no queue 'amq.rabbitmq.reply-to.*' in vhost 'V' (50.10)")},
		{"declare what is no address", nil, do(queue(pseudo + ".x")), says("channel 404 NOT_FOUND - no queue 'amq.rabbitmq.reply-to.*' in vhost 'V' (50.10)")},
	})
}
