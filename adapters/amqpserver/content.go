package amqpserver

import "github.com/gobindery/bindery/adapters/amqpserver/internal/wire"

// maxBody is RabbitMQ's default limit of a message's size, in bytes.
// See https://www.rabbitmq.com/docs/configure#config-items, max_message_size.
const maxBody = 128 << 20

// maxBody is how large a message may be, in bytes: one that is larger than
// MemoryLimit could wait for the memory that it takes itself.
func (s *Server) maxBody() uint64 {
	if s.MemoryLimit > 0 {
		return uint64(min(s.MemoryLimit, maxBody))
	}
	return maxBody
}

// content is a publish whose header and body are on their way.
type content struct {
	method *wire.BasicPublish
	header *wire.Header // nil until it has come
	body   []byte       // as much as has come
}

// contentFrame takes in the next frame of a content, and publishes the message
// with the last one. See the AMQP 0-9-1 specification, section 2.3.5.2.
func (ch *channel) contentFrame(f wire.Frame) error {
	ct := ch.content
	if ct.header == nil {
		if f.Type != wire.FrameHeader {
			return wire.Errorf(wire.UnexpectedFrame, "expected content header for class 60, got non content header frame instead").Of(ct.method)
		}
		h, err := wire.DecodeHeader(f.Payload, ct.method)
		if err != nil {
			return err
		}
		ct.header = &h
		if most := ch.c.server.maxBody(); h.Size > most {
			// RabbitMQ reads it first. What it reads would be thrown away.
			ch.content = nil
			return wire.Errorf(wire.PreconditionFailed, "message size %d is larger than configured max size %d", h.Size, most).Of(ct.method)
		}
	} else {
		if f.Type != wire.FrameBody || uint64(len(ct.body)+len(f.Payload)) > ct.header.Size {
			return wire.Errorf(wire.UnexpectedFrame, "expected content body, got non content body frame instead").Of(ct.method)
		}
		if ct.body == nil && uint64(len(f.Payload)) == ct.header.Size {
			// All of it: the adapter copies it before the next frame is read.
			ch.content = nil
			return ch.publish(ct.method, &ct.header.Properties, f.Payload)
		}
		ct.body = append(ct.body, f.Payload...)
	}
	if uint64(len(ct.body)) < ct.header.Size {
		return nil
	}
	ch.content = nil
	return ch.publish(ct.method, &ct.header.Properties, ct.body)
}
