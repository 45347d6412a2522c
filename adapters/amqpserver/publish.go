package amqpserver

import (
	"errors"
	"strings"

	"github.com/gobindery/bindery/adapters/amqpserver/internal/wire"
	"github.com/gobindery/bindery/pubsub"
)

// publish sends a message to the adapter. Its outcome comes later, or before
// this returns.
func (ch *channel) publish(m *wire.BasicPublish, p *wire.Properties, body []byte) error {
	if m.Immediate {
		return wire.Errorf(wire.NotImplemented, "immediate=true").Of(m)
	}
	msg, err := message(p, body)
	if err != nil {
		return ch.replyError(m, err)
	}
	keys, err := senderSelected(p.Headers)
	if err != nil {
		return ch.replyError(m, err)
	}
	if strings.HasPrefix(p.ReplyTo, replyQueue) {
		return wire.Errorf(wire.NotImplemented, "direct reply-to (%s)", replyQueue).Of(m)
	}
	seq := ch.confirms.next()
	pub := &pubsub.Publication{
		Envelope:  pubsub.Envelope{Message: msg, Exchange: m.Exchange, RoutingKey: m.RoutingKey},
		MoreKeys:  keys,
		Mandatory: m.Mandatory,
	}
	var returned []byte
	if m.Mandatory {
		returned = append(returned, body...) // the frame's own space is used again
	}
	pub.Confirmed = func(err error) { ch.outcome(m, p, returned, seq, err) }
	ch.c.adapter.Publish(ch.c.ctx, pub)
	if ch.confirms.wait() {
		ch.c.unsent = append(ch.c.unsent, ch)
	}
	return nil
}

// outcome tells the client what became of a publish: a message that comes
// back first, and then that it was taken; a refusal; or the channel's end.
// Safe for concurrent use.
func (ch *channel) outcome(m *wire.BasicPublish, p *wire.Properties, body []byte, seq uint64, err error) {
	switch {
	case errors.Is(err, pubsub.ErrUnroutable):
		ch.flushConfirms()
		ch.mu.Lock()
		if !ch.closed {
			r := &wire.BasicReturn{ReplyCode: wire.NoRoute, ReplyText: "NO_ROUTE", Exchange: m.Exchange, RoutingKey: m.RoutingKey}
			ch.c.sendContent(ch.id, r, p, body)
		}
		ch.mu.Unlock()
	case errors.Is(err, pubsub.ErrRefused), errors.Is(err, pubsub.ErrUnconfirmed), errors.Is(err, pubsub.ErrUnavailable), errors.Is(err, pubsub.ErrClosed):
		ch.confirms.refused(ch, seq)
		return
	case err != nil:
		e, _ := errors.AsType[*wire.Error](ch.replyError(m, err))
		if e.Soft() {
			ch.fail(e)
		} else {
			ch.c.fail(e)
		}
		return
	}
	ch.confirms.taken(ch, seq)
}

// senderSelected returns the keys in the headers CC and BCC.
// See https://www.rabbitmq.com/docs/sender-selected.
func senderSelected(headers pubsub.Table) (keys []string, err error) {
	for _, name := range [...]string{"CC", "BCC"} {
		v, ok := headers[name]
		if !ok {
			continue
		}
		list, ok := v.([]any)
		if !ok {
			return nil, wire.Errorf(wire.PreconditionFailed, "invalid message: {unacceptable_type_in_header,%q,%s}", name, typeName(v))
		}
		for _, k := range list {
			if s, ok := k.(string); ok {
				keys = append(keys, s)
			}
		}
	}
	return keys, nil
}

// replyQueue is the pseudo queue of direct reply-to.
// See https://www.rabbitmq.com/docs/direct-reply-to.
const replyQueue = "amq.rabbitmq.reply-to"
