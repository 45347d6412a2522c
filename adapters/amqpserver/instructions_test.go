package amqpserver_test

import "github.com/gobindery/bindery/adapters/amqpserver/internal/wire"

// instructions are what clients do. New ones come at the end: scripts that are
// kept name them by their index.
var instructions = []func(s *script){
	// More often than others.
	(*script).publish, (*script).publish, (*script).publish, (*script).publish, (*script).publish, (*script).publish,
	(*script).get, (*script).get, (*script).consume, (*script).consume, (*script).settle, (*script).settle, (*script).settle,
	func(s *script) { s.do(s.channel(), &wire.BasicConsume{Queue: replies, NoAck: true}) },
	func(s *script) { s.do(s.channel(), &wire.BasicCancel{ConsumerTag: s.tag(), NoWait: s.yes()}) },
	func(s *script) { s.do(s.channel(), &wire.BasicRecover{Requeue: !s.rarely()}) },
	func(s *script) { s.do(s.channel(), &wire.BasicRecoverAsync{Requeue: !s.rarely()}) },
	func(s *script) {
		s.do(s.channel(), &wire.BasicQos{PrefetchSize: uint32(s.number(16) / 15), PrefetchCount: uint16(s.number(4)), Global: s.yes()})
	},
	func(s *script) {
		s.do(1, &wire.TxSelect{})
		if s.yes() {
			s.publish()
			s.do(1, [...]wire.Method{&wire.TxCommit{}, &wire.TxRollback{}}[s.number(2)])
		}
	},
	func(s *script) { s.do(2, &wire.ConfirmSelect{NoWait: s.yes()}) },
	func(s *script) {
		s.do(s.channel(), &wire.QueueDeclare{Queue: s.name(), Passive: !s.rarely(), Durable: s.rarely(), Exclusive: s.rarely(), AutoDelete: s.rarely(), NoWait: s.yes(), Arguments: s.arguments()})
	},
	func(s *script) {
		s.do(s.channel(), &wire.QueueDeclare{Exclusive: s.yes(), AutoDelete: s.yes(), Arguments: s.arguments()})
	},
	func(s *script) {
		s.do(s.channel(), &wire.QueueBind{Queue: s.name(), Exchange: s.exchange(), RoutingKey: s.key(), NoWait: s.yes(), Arguments: s.arguments()})
	},
	func(s *script) {
		s.do(s.channel(), &wire.QueueUnbind{Queue: s.name(), Exchange: s.exchange(), RoutingKey: s.key()})
	},
	func(s *script) { s.do(s.channel(), &wire.QueuePurge{Queue: s.name(), NoWait: s.yes()}) },
	func(s *script) {
		s.do(s.channel(), &wire.QueueDelete{Queue: s.name(), IfUnused: s.yes(), IfEmpty: s.yes(), NoWait: s.yes()})
	},
	func(s *script) {
		kind := [...]string{"topic", "headers", "direct", "fanout"}[s.number(4)]
		if s.rarely() {
			kind = [...]string{"", "else"}[s.number(2)]
		}
		s.do(s.channel(), &wire.ExchangeDeclare{Exchange: s.exchange(), Type: kind, Passive: !s.rarely(), Durable: s.rarely(), AutoDelete: s.rarely(), Internal: s.rarely(), NoWait: s.yes(), Arguments: s.arguments()})
	},
	func(s *script) {
		s.do(s.channel(), &wire.ExchangeDelete{Exchange: [...]string{"x", "y"}[s.number(2)], IfUnused: s.yes(), NoWait: s.yes()})
	},
	func(s *script) {
		s.do(s.channel(), &wire.ExchangeBind{Destination: s.exchange(), Source: s.exchange(), RoutingKey: s.key(), NoWait: s.yes(), Arguments: s.arguments()})
	},
	func(s *script) {
		s.do(s.channel(), &wire.ExchangeUnbind{Destination: s.exchange(), Source: s.exchange(), RoutingKey: s.key(), NoWait: s.yes()})
	},
	func(s *script) { s.send(frame(wire.FrameHeartbeat, 0, "")) },
	func(s *script) { s.do(s.channel(), &wire.ChannelFlow{Active: !s.rarely()}) },
	func(s *script) { s.do(s.channel(), &wire.AccessRequest{Realm: "/data"}) },
	func(s *script) { s.do(0, &wire.ConnectionUpdateSecret{NewSecret: "s"}) },
	func(s *script) { // and open it again
		channel := s.channel()
		s.do(channel, &wire.ChannelClose{ReplyCode: 200})
		s.do(channel, &wire.ChannelOpen{})
	},
	func(s *script) { s.client = 1 - s.client },
	func(s *script) { s.client = 1 - s.client },
	func(s *script) { s.client = 1 - s.client },
}

// spoils are what seldom is right, and what changes frames.
var spoils = []func(s *script){
	func(s *script) { s.do(s.channel(), &wire.ChannelOpen{}) },
	func(s *script) { s.do(s.channel(), &wire.ChannelClose{ReplyCode: 200}) },
	func(s *script) { s.do(s.channel(), &wire.ChannelCloseOk{}) },
	func(s *script) { s.do(0, &wire.ConnectionClose{ReplyCode: 200}) },
	func(s *script) { s.do(0, &wire.ConnectionCloseOk{}) },
	func(s *script) { s.do(s.channel(), &wire.TxSelect{}) },
	func(s *script) { s.do(s.channel(), &wire.ConfirmSelect{}) },
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
	func(s *script) { s.send(s.frames[s.pick()]) }, // once more
	func(s *script) { // change the order
		a, b := s.pick(), s.pick()
		s.frames[a], s.frames[b] = s.frames[b], s.frames[a]
	},
	func(s *script) { // cut it short
		at := s.pick()
		s.frames[at] = s.frames[at][:len(s.frames[at])*s.number(256)/256]
	},
	func(s *script) { s.send(s.anything()) },
	func(s *script) { s.send(frame(uint8(1+s.number(8)), s.channel(), s.anything())) },
}
