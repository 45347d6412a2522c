package amqpserver

import (
	"bytes"
	"crypto/rand"
	"strings"
	"sync"

	"github.com/gobindery/bindery/adapters/amqpserver/internal/wire"
)

// replyQueue is the pseudo queue of direct reply-to: a client consumes it and
// names it as reply-to, and the replies come straight to its channel. They go
// through no queue of the adapter's, and so reach clients of this server only.
// See https://www.rabbitmq.com/docs/direct-reply-to.
const replyQueue = "amq.rabbitmq.reply-to"

// replies knows the channels that wait for direct replies, by their address.
type replies struct {
	mu       sync.Mutex // after channel.mu
	channels map[string]*channel
}

func (r *replies) add(address string, ch *channel) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.channels == nil {
		r.channels = make(map[string]*channel)
	}
	r.channels[address] = ch
}

func (r *replies) remove(address string) {
	r.mu.Lock()
	delete(r.channels, address)
	r.mu.Unlock()
}

func (r *replies) find(address, vhost string) *channel {
	r.mu.Lock()
	defer r.mu.Unlock()
	if ch := r.channels[address]; ch != nil && ch.c.vhost == vhost {
		return ch
	}
	return nil
}

// replyConsumer is a channel's consumer of direct replies.
type replyConsumer struct{ tag, address string }

// consumeReplies makes the channel get direct replies.
func (ch *channel) consumeReplies(m *wire.BasicConsume, tag string) error {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	switch {
	case ch.closed:
		return nil
	case !m.NoAck:
		return wire.Errorf(wire.PreconditionFailed, "reply consumer cannot acknowledge")
	case ch.replies != nil:
		return wire.Errorf(wire.PreconditionFailed, "reply consumer already set")
	}
	ch.replies = &replyConsumer{tag, replyQueue + "." + rand.Text()}
	ch.c.counters.consumers.Add(1)
	if !m.NoWait {
		ch.c.send(ch.id, &wire.BasicConsumeOk{ConsumerTag: tag})
	}
	ch.c.server.replies.add(ch.replies.address, ch)
	return nil
}

// endRepliesLocked ends the consumer of direct replies, if there is one.
func (ch *channel) endRepliesLocked() {
	if ch.replies != nil {
		ch.c.server.replies.remove(ch.replies.address)
		ch.c.counters.consumers.Add(-1)
		ch.replies = nil
	}
}

// replyTo puts the channel's address where a publish names the pseudo queue.
func (ch *channel) replyTo(p *wire.Properties) error {
	if p.ReplyTo != replyQueue {
		return nil
	}
	ch.mu.Lock()
	defer ch.mu.Unlock()
	if ch.replies == nil {
		return wire.Errorf(wire.PreconditionFailed, "fast reply consumer does not exist")
	}
	p.ReplyTo = ch.replies.address
	return nil
}

func isReplyAddress(key string) bool { return strings.HasPrefix(key, replyQueue+".") }

// reply sends a message straight to the channel that waits for it, if it does.
func (ch *channel) reply(key string, p *wire.Properties, body []byte) {
	if to := ch.c.server.replies.find(key, ch.c.vhost); to != nil {
		to.takeReply(key, p, body)
	}
}

// takeReply queues a reply. One that comes while too much is queued is lost,
// rather than hold up whoever sends it: nobody acknowledges replies. As in
// RabbitMQ it has the tag of the next delivery, and takes none.
func (ch *channel) takeReply(key string, p *wire.Properties, body []byte) {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	if ch.closed || ch.replies == nil || ch.replies.address != key || ch.c.out.full() {
		return // it may have ended after it was found
	}
	m := wire.BasicDeliver{ConsumerTag: ch.replies.tag, DeliveryTag: ch.unacked.next(), RoutingKey: key}
	if len(body) >= piece {
		body = bytes.Clone(body) // it is in the space of the sender's frames
	}
	ch.c.counters.delivered.Add(1)
	ch.c.sendContent(ch.id, &m, p, body)
}
