package amqpserver

import (
	"bytes"
	"errors"
	"maps"

	"github.com/gobindery/bindery/adapters/amqpserver/internal/wire"
	"github.com/gobindery/bindery/pubsub"
)

// publish sends a message to the adapter. Its outcome comes later, or before
// this returns.
func (ch *channel) publish(m *wire.BasicPublish, p *wire.Properties, body []byte) error {
	ch.c.counters.published.Add(1)
	if m.Immediate {
		return wire.Errorf(wire.NotImplemented, "immediate=true").Of(m)
	}
	msg, err := message(p, body)
	if err != nil {
		return ch.replyError(m, err)
	}
	if p.Given&wire.GivenUserID != 0 && p.UserID == "" {
		return wire.Errorf(wire.PreconditionFailed, "user_id property set to '' but authenticated user was '%s'", ch.c.user).Of(m)
	}
	keys, err := senderSelected(p.Headers)
	if err != nil {
		return ch.replyError(m, err)
	}
	if err := ch.replyTo(p); err != nil {
		return ch.replyError(m, err)
	}
	msg.ReplyTo = p.ReplyTo
	seq := ch.nextConfirm()
	inTx := ch.tx != nil
	if m.Mandatory || inTx {
		body = bytes.Clone(body) // the frame's own space is used again
		msg.Body = body
	}
	pub := &pubsub.Publication{
		Envelope:  pubsub.Envelope{Message: msg, Exchange: m.Exchange, RoutingKey: m.RoutingKey},
		MoreKeys:  keys,
		Mandatory: m.Mandatory,
	}
	p = withoutBCC(p)
	send := func(then func(error)) {
		pub.Confirmed = func(err error) {
			if inTx && errors.Is(err, pubsub.ErrNotFound) {
				// The exchange was there at the publish. Now it is as one that nobody is bound to.
				err = nil
				if m.Mandatory {
					err = pubsub.ErrUnroutable
				}
			}
			ch.outcome(m, p, body, seq, err)
			then(err)
		}
		if m.Exchange == "" && isReplyAddress(m.RoutingKey) {
			ch.reply(m.RoutingKey, p, body)
			var err error
			if m.Mandatory { // no queue got it
				err = pubsub.ErrUnroutable
			}
			pub.Confirm(err)
			return
		}
		ch.c.adapter.Publish(ch.c.ctx, pub)
	}
	if inTx {
		if m.Exchange != "" {
			if err := ch.c.adapter.CheckExchange(ch.c.ctx, m.Exchange); err != nil {
				return ch.replyError(m, err)
			}
		}
		ch.tx.publishes = append(ch.tx.publishes, send)
		return nil
	}
	send(func(error) {})
	if ch.waitConfirms() {
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
		ch.mu.Lock()
		ch.flushLocked()
		if !ch.closed {
			r := &wire.BasicReturn{ReplyCode: wire.NoRoute, ReplyText: "NO_ROUTE", Exchange: m.Exchange, RoutingKey: m.RoutingKey}
			ch.c.counters.returned.Add(1)
			ch.c.sendContent(ch.id, r, p, body)
		}
		ch.mu.Unlock()
	case errors.Is(err, pubsub.ErrRefused), errors.Is(err, pubsub.ErrUnconfirmed), errors.Is(err, pubsub.ErrUnavailable), errors.Is(err, pubsub.ErrClosed):
		ch.refused(seq)
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
	ch.taken(seq)
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

// withoutBCC is what who gets a message may see of its properties.
func withoutBCC(p *wire.Properties) *wire.Properties {
	if _, ok := p.Headers["BCC"]; !ok {
		return p
	}
	seen := *p
	seen.Headers = maps.Clone(p.Headers)
	delete(seen.Headers, "BCC")
	return &seen
}
