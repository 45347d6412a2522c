package amqpserver_test

import (
	"github.com/gobindery/bindery/adapters/amqpserver/internal/wire"
	"github.com/gobindery/bindery/pubsub"
)

// script makes the frames of two clients' sessions from bytes: an instruction
// each, with those that follow as its arguments. At the end of the bytes all
// arguments are zero, so that any bytes are a script. Most of what it makes is
// right, as are the first frames, so that sessions last.
type script struct {
	rest   []byte
	client int // who sends the next frame, 0 or 1
	frames []string
	by     []int // who sends them
}

// newScript runs a script. Its first frames are those of preparations.
func newScript(b []byte) *script {
	s := &script{rest: b}
	for _, f := range preparations() {
		s.send(f)
	}
	s.client = 1
	for _, f := range preparations()[:opened] {
		s.send(f)
	}
	s.client = 0
	for len(s.rest) > 0 && len(s.frames) < 500 {
		if s.rarely() {
			spoils[s.number(len(spoils))](s)
		} else {
			instructions[s.number(len(instructions))](s)
		}
	}
	return s
}

func (s *script) send(frame string) {
	s.frames = append(s.frames, frame)
	s.by = append(s.by, s.client)
}

// opened is how many frames open a connection and two channels.
const opened = 6

// preparations go through the handshake, and make what sessions use.
func preparations() []string {
	return []string{
		header091,
		startOk("PLAIN", "\x00guest\x00guest", pubsub.Table{"capabilities": pubsub.Table{"consumer_cancel_notify": true}}),
		method(0, &wire.ConnectionTuneOk{ChannelMax: 2047, FrameMax: 4096, Heartbeat: 60}),
		method(0, &wire.ConnectionOpen{VirtualHost: "/"}),
		method(1, &wire.ChannelOpen{}),
		method(2, &wire.ChannelOpen{}),
		method(1, &wire.ExchangeDeclare{Exchange: "x", Type: "topic"}),
		method(1, &wire.ExchangeDeclare{Exchange: "y", Type: "headers", Arguments: pubsub.Table{"alternate-exchange": "x"}}),
		method(1, &wire.QueueDeclare{Queue: "a"}),
		method(1, &wire.QueueDeclare{Queue: "b", Arguments: pubsub.Table{"x-max-length": int32(2), "x-overflow": "reject-publish"}}),
		method(1, &wire.QueueDeclare{Queue: "c", Arguments: pubsub.Table{"x-max-priority": int32(5), "x-message-ttl": int32(1000), "x-dead-letter-exchange": "x"}}),
		method(1, &wire.QueueBind{Queue: "a", Exchange: "x", RoutingKey: "#"}),
		method(1, &wire.QueueBind{Queue: "b", Exchange: "y", Arguments: pubsub.Table{"x": int32(1)}}),
		method(1, &wire.QueueBind{Queue: "c", Exchange: "amq.fanout"}),
		publish(&wire.BasicPublish{RoutingKey: "a"}, []byte("1")),
		publish(&wire.BasicPublish{RoutingKey: "a"}, []byte("2")),
		publish(&wire.BasicPublish{RoutingKey: "a"}, []byte("3")),
		publish(&wire.BasicPublish{RoutingKey: "b"}, []byte("4")),
		method(2, &wire.BasicConsume{Queue: replies, NoAck: true}),
		string(wire.AppendContent(nil, 2, 4096, &wire.BasicPublish{RoutingKey: "a"}, &wire.Properties{Given: wire.GivenReplyTo, ReplyTo: replies}, nil)),
	}
}

// number takes a byte, as one of n.
func (s *script) number(n int) int {
	if len(s.rest) == 0 {
		return 0
	}
	b := s.rest[0]
	s.rest = s.rest[1:]
	return int(b) % n
}

// anything takes up to 63 bytes as they are.
func (s *script) anything() string {
	n := s.number(64)
	n = min(n, len(s.rest))
	b := s.rest[:n]
	s.rest = s.rest[n:]
	return string(b)
}

func (s *script) yes() bool { return s.number(2) == 1 }

// rarely is true once in a while.
func (s *script) rarely() bool { return s.number(64) == 63 }

func (s *script) channel() uint16 {
	if s.rarely() {
		return [...]uint16{0, 3, 2047}[s.number(3)]
	}
	return 1 + uint16(s.number(2))
}

func (s *script) name() string {
	if s.rarely() {
		return [...]string{"", replies, "amq.x", "none"}[s.number(4)]
	}
	return [...]string{"a", "b", "c"}[s.number(3)]
}

// replies is the queue of direct reply-to, and replyAddress stands for an
// address that the server gave a client. It is as long as one.
const (
	replies      = "amq.rabbitmq.reply-to"
	replyAddress = replies + ".xxxxxxxxxxxxxxxxxxxxxxxxxx"
)

func (s *script) exchange() string {
	if s.rarely() {
		return [...]string{"z", "amq.rabbitmq.trace", "none"}[s.number(3)]
	}
	return [...]string{"x", "y", "amq.direct", "amq.fanout", "amq.headers"}[s.number(5)]
}

func (s *script) key() string {
	return [...]string{"a", "b", "c", replyAddress, "", "a.b", "#", "*.b"}[s.number(8)]
}

// tag is a consumer's.
func (s *script) tag() string { return [...]string{"t", "u", "v", ""}[s.number(4)] }

// delivery is a delivery's tag. Mostly one that stands for a delivery that the
// client has, by its place among them.
func (s *script) delivery() uint64 {
	if s.rarely() {
		return [...]uint64{0, 1, 2, 1 << 63, 1<<64 - 1}[s.number(5)]
	}
	return heldTag + uint64(s.number(8))
}

const heldTag = 'h'<<56 | 'e'<<48 | 'l'<<40 | 'd'<<32 | 't'<<24 | 'a'<<16 | 'g'<<8

func (s *script) value() any {
	switch s.number(8) {
	case 0:
		return int32(s.number(256))
	case 1:
		return int64(-1)
	case 2:
		return []any{"a", "b", nil}
	case 3:
		return pubsub.Table{"x": true}
	case 4:
		return nil
	case 5:
		return "all"
	case 6:
		return true
	}
	return s.exchange()
}

func (s *script) arguments() pubsub.Table {
	if !s.rarely() {
		return nil
	}
	t := pubsub.Table{}
	for range s.number(4) {
		t[[...]string{
			"x-max-length", "x-max-length-bytes", "x-message-ttl", "x-expires", "x-overflow", "x-dead-letter-exchange", "x-dead-letter-routing-key",
			"x-max-priority", "x-single-active-consumer", "x-queue-type", "x-queue-mode", "alternate-exchange", "x-match", "x-priority", "other",
		}[s.number(15)]] = s.value()
	}
	return t
}

func (s *script) properties() *wire.Properties {
	p := &wire.Properties{}
	switch s.number(8) {
	case 1:
		p.Given, p.DeliveryMode = wire.GivenDeliveryMode, 1+uint8(s.number(3))
	case 2:
		p.Given, p.Expiration = wire.GivenExpiration, [...]string{"0", "1", "60000", "x"}[s.number(4)]
	case 3:
		p.Given, p.ReplyTo = wire.GivenReplyTo, replies
	case 4:
		p.Given, p.Headers = wire.GivenHeaders, pubsub.Table{[...]string{"x", "CC", "BCC", "x-death"}[s.number(4)]: s.value()}
	case 5:
		p.Given, p.Priority = wire.GivenPriority, uint8(s.number(256))
	case 6:
		p.Given, p.UserID = wire.GivenUserID, [...]string{"guest", "guest", "", "else"}[s.number(4)]
	case 7:
		p.Given = uint16(s.number(256)) << 8 & (wire.GivenContentType | wire.GivenContentEncoding | wire.GivenCorrelationID | wire.GivenTimestamp)
	}
	return p
}

func (s *script) do(channel uint16, m wire.Method) {
	s.send(method(channel, m))
}

// publish is one frame for each part, so that any of them can be spoilt.
func (s *script) publish() {
	channel := s.channel()
	m := &wire.BasicPublish{Exchange: [...]string{"", s.exchange()}[s.number(2)], RoutingKey: s.key(), Mandatory: s.yes(), Immediate: s.rarely()}
	body := make([]byte, [...]int{0, 1, 10, 4088, 5000}[s.number(5)])
	if s.rarely() {
		body = make([]byte, 70_000) // one that is not copied
	}
	content := string(wire.AppendContent(nil, channel, 4096, m, s.properties(), body))
	for len(content) > 0 {
		n := wire.FrameOverhead + int(content[5])<<8 + int(content[6])
		s.send(content[:n])
		content = content[n:]
	}
}

func (s *script) get() { s.do(s.channel(), &wire.BasicGet{Queue: s.name(), NoAck: s.yes()}) }

func (s *script) consume() {
	s.do(s.channel(), &wire.BasicConsume{Queue: s.name(), ConsumerTag: s.tag(), NoAck: s.yes(), Exclusive: s.rarely(), NoWait: s.yes(), Arguments: s.arguments()})
}

func (s *script) settle() {
	channel, tag, multiple := s.channel(), s.delivery(), s.yes()
	switch s.number(4) {
	case 0:
		s.do(channel, &wire.BasicReject{DeliveryTag: tag, Requeue: s.yes()})
	case 1:
		s.do(channel, &wire.BasicNack{DeliveryTag: tag, Multiple: multiple, Requeue: s.yes()})
	default:
		s.do(channel, &wire.BasicAck{DeliveryTag: tag, Multiple: multiple})
	}
}

// pick takes the index of a frame, one of the last mostly.
func (s *script) pick() int {
	if s.rarely() {
		return s.number(256) % len(s.frames)
	}
	return len(s.frames) - 1 - s.number(4)
}
