package wire

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/gobindery/bindery/pubsub"
	amqp "github.com/rabbitmq/amqp091-go"
)

// arguments are those of a call of amqp091-go.
type arguments struct {
	a, b, c string
	f, g, h bool
	n       uint64
	table   pubsub.Table // not nil: amqp091-go writes an empty one then
}

func (x arguments) args() amqp.Table { return toClient(x.table) }

// calls are those of amqp091-go that write a method, and what it has to be.
// Where the client waits for it, a second method is the answer, and the call
// fails if it is not received as it was sent.
var calls = []func(p *peer, x arguments) (call func() error, want, answer Method){
	func(p *peer, x arguments) (func() error, Method, Method) {
		return func() error { return p.ch.ExchangeDeclare(x.a, x.b, x.f, x.g, x.h, true, x.args()) },
			&ExchangeDeclare{Exchange: x.a, Type: x.b, Durable: x.f, AutoDelete: x.g, Internal: x.h, NoWait: true, Arguments: x.table}, nil
	},
	func(p *peer, x arguments) (func() error, Method, Method) {
		return func() error { return p.ch.ExchangeDeclarePassive(x.a, x.b, x.f, x.g, x.h, false, x.args()) },
			&ExchangeDeclare{Exchange: x.a, Type: x.b, Passive: true, Durable: x.f, AutoDelete: x.g, Internal: x.h, Arguments: x.table}, &ExchangeDeclareOk{}
	},
	func(p *peer, x arguments) (func() error, Method, Method) {
		return func() error { return p.ch.ExchangeDelete(x.a, x.f, true) },
			&ExchangeDelete{Exchange: x.a, IfUnused: x.f, NoWait: true}, nil
	},
	func(p *peer, x arguments) (func() error, Method, Method) {
		return func() error { return p.ch.ExchangeBind(x.a, x.b, x.c, true, x.args()) },
			&ExchangeBind{Destination: x.a, RoutingKey: x.b, Source: x.c, NoWait: true, Arguments: x.table}, nil
	},
	func(p *peer, x arguments) (func() error, Method, Method) {
		return func() error { return p.ch.ExchangeUnbind(x.a, x.b, x.c, false, x.args()) },
			&ExchangeUnbind{Destination: x.a, RoutingKey: x.b, Source: x.c, Arguments: x.table}, &ExchangeUnbindOk{}
	},
	func(p *peer, x arguments) (func() error, Method, Method) {
		ok := &QueueDeclareOk{Queue: x.b, MessageCount: uint32(x.n), ConsumerCount: uint32(x.n >> 32)}
		return func() error {
			q, err := p.ch.QueueDeclare(x.a, x.f, x.g, x.h, false, x.args())
			return received(q, amqp.Queue{Name: x.b, Messages: int(ok.MessageCount), Consumers: int(ok.ConsumerCount)}, err)
		}, &QueueDeclare{Queue: x.a, Durable: x.f, AutoDelete: x.g, Exclusive: x.h, Arguments: x.table}, ok
	},
	func(p *peer, x arguments) (func() error, Method, Method) {
		return func() error { return p.ch.QueueBind(x.a, x.b, x.c, true, x.args()) },
			&QueueBind{Queue: x.a, RoutingKey: x.b, Exchange: x.c, NoWait: true, Arguments: x.table}, nil
	},
	func(p *peer, x arguments) (func() error, Method, Method) {
		return func() error { return p.ch.QueueUnbind(x.a, x.b, x.c, x.args()) },
			&QueueUnbind{Queue: x.a, RoutingKey: x.b, Exchange: x.c, Arguments: x.table}, &QueueUnbindOk{}
	},
	func(p *peer, x arguments) (func() error, Method, Method) {
		return func() error {
			n, err := p.ch.QueuePurge(x.a, false)
			return received(n, int(uint32(x.n)), err)
		}, &QueuePurge{Queue: x.a}, &QueuePurgeOk{MessageCount: uint32(x.n)}
	},
	func(p *peer, x arguments) (func() error, Method, Method) {
		return func() error {
			n, err := p.ch.QueueDelete(x.a, x.f, x.g, false)
			return received(n, int(uint32(x.n)), err)
		}, &QueueDelete{Queue: x.a, IfUnused: x.f, IfEmpty: x.g}, &QueueDeleteOk{MessageCount: uint32(x.n)}
	},
	func(p *peer, x arguments) (func() error, Method, Method) {
		return func() error { return p.ch.Qos(int(uint16(x.n)), int(uint32(x.n>>32)), x.f) },
			&BasicQos{PrefetchCount: uint16(x.n), PrefetchSize: uint32(x.n >> 32), Global: x.f}, &BasicQosOk{}
	},
	func(p *peer, x arguments) (func() error, Method, Method) {
		tag := short("another" + x.b)
		return func() error {
			_, err := p.ch.Consume(x.a, tag, x.f, x.g, x.h, true, x.args())
			return err
		}, &BasicConsume{Queue: x.a, ConsumerTag: tag, NoAck: x.f, Exclusive: x.g, NoLocal: x.h, NoWait: true, Arguments: x.table}, nil
	},
	func(p *peer, x arguments) (func() error, Method, Method) {
		tag := short("another" + x.b)
		return func() error { return p.ch.Cancel(tag, true) }, &BasicCancel{ConsumerTag: tag, NoWait: true}, nil
	},
	func(p *peer, x arguments) (func() error, Method, Method) {
		return func() error {
			_, ok, err := p.ch.Get(x.a, x.f)
			return received(ok, false, err)
		}, &BasicGet{Queue: x.a, NoAck: x.f}, &BasicGetEmpty{}
	},
	func(p *peer, x arguments) (func() error, Method, Method) {
		return func() error { return p.ch.Ack(x.n, x.f) }, &BasicAck{DeliveryTag: x.n, Multiple: x.f}, nil
	},
	func(p *peer, x arguments) (func() error, Method, Method) {
		return func() error { return p.ch.Nack(x.n, x.f, x.g) }, &BasicNack{DeliveryTag: x.n, Multiple: x.f, Requeue: x.g}, nil
	},
	func(p *peer, x arguments) (func() error, Method, Method) {
		return func() error { return p.ch.Reject(x.n, x.f) }, &BasicReject{DeliveryTag: x.n, Requeue: x.f}, nil
	},
	func(p *peer, x arguments) (func() error, Method, Method) {
		return func() error { return p.ch.Flow(x.f) }, &ChannelFlow{Active: x.f}, &ChannelFlowOk{Active: x.f}
	},
	func(p *peer, x arguments) (func() error, Method, Method) {
		return func() error { return p.client.UpdateSecret(x.a, x.b) }, &ConnectionUpdateSecret{NewSecret: x.a, Reason: x.b}, &ConnectionUpdateSecretOk{}
	},
}

// received compares what a call returned with what was answered.
func received(got, want any, err error) error {
	if err == nil && !reflect.DeepEqual(got, want) {
		return fmt.Errorf("the client received %+v, sent was %+v", got, want)
	}
	return err
}

// A method that amqp091-go writes is read as it is, and it reads the answer.
func FuzzMethodOracle(f *testing.F) {
	table := appendTable(nil, allKinds())[4:]
	for i := range calls {
		f.Add(uint8(i), uint8(i*7), "first", "second", "third", uint64(i), table)
		f.Add(uint8(i), ^uint8(i*7), "", "é", "\x00", ^uint64(i), []byte{})
	}
	peers := newPeers(f)
	f.Fuzz(func(t *testing.T, call, flags uint8, a, b, c string, n uint64, entries []byte) {
		table, err := DecodeTable(entries)
		if err != nil {
			return
		}
		p := peers.get(t)
		defer peers.put(t)
		theirs, want, answer := calls[int(call)%len(calls)](p, arguments{
			a: short(a), b: short(b), c: short(c), f: flags&1 != 0, g: flags&2 != 0, h: flags&4 != 0, n: n, table: table,
		})
		p.while(t, theirs, func() {
			m, _, _ := p.read(t)
			if !reflect.DeepEqual(m, want) {
				t.Errorf("amqp091-go sent %#v, and here it is %#v", want, m)
			}
			channel := uint16(1)
			if class, _ := want.ID(); class == 10 {
				channel = 0
			}
			if answer != nil {
				p.write(t, AppendMethod(nil, channel, answer))
			}
		})
		if consume, ok := want.(*BasicConsume); ok { // or the tag is taken the next time
			p.while(t, func() error { return p.ch.Cancel(consume.ConsumerTag, true) }, func() { p.read(t) })
		}
	})
}
