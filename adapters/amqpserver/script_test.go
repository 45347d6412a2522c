package amqpserver_test

import (
	"github.com/gobindery/bindery/adapters/amqpserver/internal/wire"
	"github.com/gobindery/bindery/pubsub"
)

// script makes the frames of a client's session from bytes: an instruction
// each, with those that follow as its arguments. At the end of the bytes all
// arguments are zero, so that any bytes are a script.
type script struct {
	rest   []byte
	frames []string
}

// session returns what a client writes: a handshake and what the script asks
// for, both as far as the script does not spoil them.
func session(b []byte) []string {
	s := &script{rest: b, frames: []string{
		header091,
		startOk("PLAIN", "\x00guest\x00guest", pubsub.Table{"capabilities": pubsub.Table{"consumer_cancel_notify": true}}),
		method(0, &wire.ConnectionTuneOk{ChannelMax: 2047, FrameMax: 4096, Heartbeat: 60}),
		method(0, &wire.ConnectionOpen{VirtualHost: "/"}),
		method(1, &wire.ChannelOpen{}),
	}}
	for len(s.rest) > 0 && len(s.frames) < 500 {
		instructions[s.number(len(instructions))](s)
	}
	return s.frames
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

func (s *script) channel() uint16 {
	// Mostly the one that is open.
	return [...]uint16{1, 1, 1, 2, 2, 3, 0, 2047}[s.number(8)]
}

func (s *script) name() string {
	return [...]string{"", "a", "b", "c", "amq.rabbitmq.reply-to", "amq.x", "none"}[s.number(7)]
}

func (s *script) exchange() string {
	return [...]string{"", "x", "y", "amq.direct", "amq.fanout", "amq.topic", "amq.headers", "none"}[s.number(8)]
}

func (s *script) key() string {
	return [...]string{"", "a", "b", "a.b", "#", "*.b", "a.*.#"}[s.number(7)]
}

func (s *script) tag() uint64 {
	return [...]uint64{0, 1, 2, 3, 4, 5, 1 << 63, 1<<64 - 1}[s.number(8)]
}

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
	var t pubsub.Table
	for range s.number(4) {
		if t == nil {
			t = pubsub.Table{}
		}
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
		p.Given, p.DeliveryMode = wire.GivenDeliveryMode, uint8(s.number(4))
	case 2:
		p.Given, p.Expiration = wire.GivenExpiration, [...]string{"0", "1", "60000", "-1", "x"}[s.number(5)]
	case 3:
		p.Given, p.ReplyTo = wire.GivenReplyTo, s.name()
	case 4:
		p.Given, p.Headers = wire.GivenHeaders, pubsub.Table{[...]string{"CC", "BCC", "x", "x-death"}[s.number(4)]: s.value()}
	case 5:
		p.Given, p.Priority = wire.GivenPriority, uint8(s.number(256))
	case 6:
		p.Given, p.UserID = wire.GivenUserID, [...]string{"guest", "else", ""}[s.number(3)]
	case 7:
		p.Given = uint16(s.number(256)) << 8
	}
	return p
}

func (s *script) do(channel uint16, m wire.Method) {
	s.frames = append(s.frames, method(channel, m))
}

// publish is one frame for each part, so that any of them can be spoilt.
func (s *script) publish() {
	channel := s.channel()
	m := &wire.BasicPublish{Exchange: s.exchange(), RoutingKey: s.key(), Mandatory: s.yes(), Immediate: s.number(8) == 7}
	body := make([]byte, [...]int{0, 1, 10, 4088, 5000}[s.number(5)])
	content := string(wire.AppendContent(nil, channel, 4096, m, s.properties(), body))
	for len(content) > 0 {
		n := wire.FrameOverhead + int(content[5])<<8 + int(content[6])
		s.frames = append(s.frames, content[:n])
		content = content[n:]
	}
}

// pick takes the index of a frame, one of the last mostly.
func (s *script) pick() int {
	n := s.number(256)
	if n < 128 {
		return max(0, len(s.frames)-1-n%4)
	}
	return n % len(s.frames)
}

// instructions come first that make a session, and then those that spoil it.
// New ones come at the end: scripts that are kept name them by their index.
var instructions = []func(s *script){
	func(s *script) { s.do(s.channel(), &wire.ChannelOpen{}) },
	func(s *script) {
		s.do(s.channel(), &wire.QueueDeclare{Queue: s.name(), Passive: s.number(8) == 7, Durable: s.yes(), Exclusive: s.yes(), AutoDelete: s.yes(), NoWait: s.yes(), Arguments: s.arguments()})
	},
	func(s *script) {
		kind := [...]string{"direct", "fanout", "topic", "headers", "", "else"}[s.number(6)]
		s.do(s.channel(), &wire.ExchangeDeclare{Exchange: s.exchange(), Type: kind, Passive: s.number(8) == 7, Durable: s.yes(), AutoDelete: s.yes(), Internal: s.yes(), NoWait: s.yes(), Arguments: s.arguments()})
	},
	func(s *script) {
		s.do(s.channel(), &wire.QueueBind{Queue: s.name(), Exchange: s.exchange(), RoutingKey: s.key(), NoWait: s.yes(), Arguments: s.arguments()})
	},
	(*script).publish,
	func(s *script) {
		s.do(s.channel(), &wire.BasicConsume{Queue: s.name(), ConsumerTag: s.key(), NoAck: s.yes(), Exclusive: s.number(4) == 3, NoWait: s.yes(), Arguments: s.arguments()})
	},
	func(s *script) { s.do(s.channel(), &wire.BasicGet{Queue: s.name(), NoAck: s.yes()}) },
	func(s *script) { s.do(s.channel(), &wire.BasicAck{DeliveryTag: s.tag(), Multiple: s.yes()}) },
	func(s *script) {
		s.do(s.channel(), &wire.BasicNack{DeliveryTag: s.tag(), Multiple: s.yes(), Requeue: s.yes()})
	},
	func(s *script) { s.do(s.channel(), &wire.BasicReject{DeliveryTag: s.tag(), Requeue: s.yes()}) },
	func(s *script) { s.do(s.channel(), &wire.TxSelect{}) },
	func(s *script) { s.do(s.channel(), &wire.TxCommit{}) },
	func(s *script) { s.do(s.channel(), &wire.TxRollback{}) },
	func(s *script) { s.do(s.channel(), &wire.ConfirmSelect{NoWait: s.yes()}) },
	func(s *script) {
		s.do(s.channel(), &wire.BasicQos{PrefetchSize: uint32(s.number(16) / 15), PrefetchCount: uint16(s.number(4)), Global: s.yes()})
	},
	func(s *script) { s.do(s.channel(), &wire.BasicCancel{ConsumerTag: s.key(), NoWait: s.yes()}) },
	func(s *script) { s.do(s.channel(), &wire.BasicRecover{Requeue: s.number(8) > 0}) },
	func(s *script) { s.do(s.channel(), &wire.BasicRecoverAsync{Requeue: s.number(8) > 0}) },
	func(s *script) { s.do(s.channel(), &wire.ChannelClose{ReplyCode: 200}) },
	func(s *script) { s.do(s.channel(), &wire.ChannelCloseOk{}) },
	func(s *script) { s.do(s.channel(), &wire.ChannelFlow{Active: s.number(8) > 0}) },
	func(s *script) { s.do(0, &wire.ConnectionClose{ReplyCode: 200}) },
	func(s *script) { s.do(0, &wire.ConnectionCloseOk{}) },
	func(s *script) { s.do(0, &wire.ConnectionUpdateSecret{NewSecret: "s"}) },
	func(s *script) { s.frames = append(s.frames, frame(wire.FrameHeartbeat, 0, "")) },
	func(s *script) { s.do(s.channel(), &wire.QueuePurge{Queue: s.name(), NoWait: s.yes()}) },
	func(s *script) {
		s.do(s.channel(), &wire.QueueDelete{Queue: s.name(), IfUnused: s.yes(), IfEmpty: s.yes(), NoWait: s.yes()})
	},
	func(s *script) {
		s.do(s.channel(), &wire.QueueUnbind{Queue: s.name(), Exchange: s.exchange(), RoutingKey: s.key()})
	},
	func(s *script) {
		s.do(s.channel(), &wire.ExchangeDelete{Exchange: s.exchange(), IfUnused: s.yes(), NoWait: s.yes()})
	},
	func(s *script) {
		s.do(s.channel(), &wire.ExchangeBind{Destination: s.exchange(), Source: s.exchange(), RoutingKey: s.key(), NoWait: s.yes(), Arguments: s.arguments()})
	},
	func(s *script) {
		s.do(s.channel(), &wire.ExchangeUnbind{Destination: s.exchange(), Source: s.exchange(), RoutingKey: s.key(), NoWait: s.yes()})
	},
	func(s *script) { s.do(s.channel(), &wire.AccessRequest{Realm: "/data"}) },

	func(s *script) { // change a byte
		at := s.pick()
		f := []byte(s.frames[at])
		if len(f) > 0 {
			f[s.number(256)%len(f)] ^= byte(s.number(256))
		}
		s.frames[at] = string(f)
	},
	func(s *script) { // drop a frame
		at := s.pick()
		s.frames[at] = ""
	},
	func(s *script) { s.frames = append(s.frames, s.frames[s.pick()]) }, // send it again
	func(s *script) { // change the order
		a, b := s.pick(), s.pick()
		s.frames[a], s.frames[b] = s.frames[b], s.frames[a]
	},
	func(s *script) { // cut it short
		at := s.pick()
		s.frames[at] = s.frames[at][:len(s.frames[at])*s.number(256)/256]
	},
	func(s *script) { s.frames = append(s.frames, s.anything()) },
	func(s *script) { s.frames = append(s.frames, frame(uint8(1+s.number(8)), s.channel(), s.anything())) },
}
