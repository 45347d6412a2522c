package interop

import (
	"testing"

	"github.com/gobindery/bindery/adapters/amqpserver/internal/wire"
)

// What frames are answered that come where they don't belong.
func TestFrameAnswers(t *testing.T) {
	const (
		header = octets("\x02\x00\x05\x00\x00\x00\x0e\x00\x3c\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xce") // of an empty message, on channel 5
		body   = octets("\x03\x00\x05\x00\x00\x00\x01a\xce")
	)
	noMethod := says("connection 505 UNEXPECTED_FRAME - expected method frame, got non method frame instead (0.0)")
	open := do(on{5, &wire.ChannelOpen{}})
	answers(t, []answer{
		{"a header on an unopened channel", nil, do(header), noMethod},
		{"a body on an unopened channel", nil, do(body), noMethod},
		{"a header without a publish", open, do(header), noMethod},
		{"a body without a publish", open, do(body), noMethod},
		{"a method on an unopened channel", nil, do(on{5, inspect("q")}), says("connection 504 CHANNEL_ERROR - expected 'channel.open' (50.10)")},
		{"a channel's number again", then(open, on{5, &wire.ChannelClose{ReplyCode: 200}}), do(on{5, &wire.ChannelOpen{}}), says("5: channel.open-ok")},
		{"after a channel's error all is passed over", nil, do(publish("nope", "", ""), publish("nope", "", ""), &wire.BasicAck{DeliveryTag: 9}, awaited(1)),
			says(noExchange + "(60.40)")},
		{"without waiting", nil, do(&wire.QueueDeclare{Queue: "amq.no", NoWait: true}, awaited(1)), says("channel 403 ACCESS_REFUSED - queue name 'amq.no' contains reserved prefix 'amq.*' (50.10)")},
	})
}
