package amqpserver

import (
	"crypto/rand"
	"strings"
	"sync"

	"github.com/gobindery/bindery/adapters/amqpserver/internal/wire"
	"github.com/gobindery/bindery/pubsub"
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

// consumeReplies makes the channel get direct replies.
func (ch *channel) consumeReplies(m *wire.BasicConsume, tag string) error {
	if !m.NoAck {
		return wire.Errorf(wire.PreconditionFailed, "reply consumer cannot acknowledge")
	}
	if ch.replyAddress != "" {
		return wire.Errorf(wire.PreconditionFailed, "reply consumer already set")
	}
	ch.mu.Lock()
	defer ch.mu.Unlock()
	if ch.closed {
		return nil
	}
	ch.replyAddress, ch.replyTag = replyQueue+"."+rand.Text(), tag
	ch.consumers[tag] = &consumer{tag: tag, noAck: true}
	ch.c.counters.consumers.Add(1)
	if !m.NoWait {
		ch.c.send(ch.id, &wire.BasicConsumeOk{ConsumerTag: tag})
	}
	ch.c.server.replies.add(ch.replyAddress, ch)
	return nil
}

// endReplies is for when their consumer ends. The reader calls it, or who
// waits for it.
func (ch *channel) endReplies() {
	if ch.replyAddress != "" {
		ch.c.server.replies.remove(ch.replyAddress)
		ch.replyAddress = ""
	}
}

// replyTo puts the channel's address where a publish names the pseudo queue.
func (ch *channel) replyTo(p *wire.Properties) error {
	if p.ReplyTo != replyQueue {
		return nil
	}
	if ch.replyAddress == "" {
		return wire.Errorf(wire.PreconditionFailed, "fast reply consumer does not exist")
	}
	p.ReplyTo = ch.replyAddress
	return nil
}

func isReplyAddress(key string) bool { return strings.HasPrefix(key, replyQueue+".") }

// reply sends a message straight to the channel that waits for it.
func (ch *channel) reply(key string, p *wire.Properties, body []byte) error {
	to := ch.c.server.replies.find(key, ch.c.vhost)
	if to == nil || !to.takeReply(key, p, body) {
		return pubsub.ErrUnroutable
	}
	return nil
}

// takeReply queues a reply. One that comes while too much is queued is lost,
// rather than hold up whoever sends it: nobody acknowledges replies.
func (ch *channel) takeReply(key string, p *wire.Properties, body []byte) bool {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	if ch.closed || ch.consumers[ch.replyTag] == nil {
		return false
	}
	if ch.c.out.full() {
		return true
	}
	m := wire.BasicDeliver{ConsumerTag: ch.replyTag, DeliveryTag: ch.unacked.add(held{}), RoutingKey: key}
	ch.c.sendContent(ch.id, &m, p, body)
	ch.c.counters.delivered.Add(1)
	return true
}
