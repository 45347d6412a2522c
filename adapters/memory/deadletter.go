package memory

import (
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gobindery/bindery/pubsub"
)

// The reasons that "x-death" gives.
// See https://www.rabbitmq.com/docs/dlx#effects.
const (
	reasonRejected = "rejected"
	reasonExpired  = "expired"
	reasonMaxLen   = "maxlen"
)

// deadLetters are those of a vhost that are not sent yet. They are gathered in
// the order in which they died, under their queue's lock, and sent by one
// goroutine at a time when it holds none: so each queue's arrive in order, and
// queues may dead-letter to one another.
type deadLetters struct {
	sending sync.Mutex // held while they are sent; before queue.mu

	mu      sync.Mutex // after queue.mu
	waiting []deadLetter
	n       atomic.Int64 // of waiting and those being sent
}

type deadLetter struct {
	entry
	queue  *queue
	reason string
}

// giveUp is for a message that a queue gives up: it is dead-lettered if the
// queue does that. The caller holds the queue's lock, and calls sendDead when
// it has let it go.
func (q *queue) giveUp(e entry, reason string) {
	if q.settings.DeadLetter == nil {
		return
	}
	d := &q.vhost.dead
	d.n.Add(1)
	d.mu.Lock()
	d.waiting = append(d.waiting, deadLetter{e, q, reason})
	d.mu.Unlock()
}

// sendDead publishes dead letters, and what other queues give up for them, and
// so on: cycles end because a message does not go round without a reject. When
// it returns, those of its caller are in their queues.
func (v *vhost) sendDead() {
	d := &v.dead
	if d.n.Load() == 0 {
		return
	}
	d.sending.Lock()
	defer d.sending.Unlock()
	for {
		d.mu.Lock()
		letters := d.waiting
		d.waiting = nil
		d.mu.Unlock()
		if len(letters) == 0 {
			return
		}
		for i := range letters {
			v.sendOne(&letters[i])
		}
		d.n.Add(-int64(len(letters)))
	}
}

func (v *vhost) sendOne(d *deadLetter) {
	pub := d.publication()
	r := request(pub)
	r.Dead = true
	queues, err := v.table.Load().Route(&r, nil)
	if err != nil {
		return // no such exchange: the message is gone, as in RabbitMQ
	}
	for _, q := range queues {
		if d.reason == reasonRejected || !wentRound(pub.Headers, q.name) {
			q.enqueue(pub)
		}
	}
}

// publication makes the message that goes to the dead-letter exchange.
func (d *deadLetter) publication() *pubsub.Publication {
	to := d.queue.settings.DeadLetter
	old := d.pub
	keys := []any{old.RoutingKey}
	if cc, ok := old.Headers["CC"].([]any); ok {
		keys = append(keys, cc...)
	}
	pub := &pubsub.Publication{
		Envelope: pubsub.Envelope{Exchange: to.Exchange, RoutingKey: old.RoutingKey, Message: old.Message},
		MoreKeys: old.MoreKeys,
	}
	event := pubsub.Table{
		"count":        int64(1),
		"reason":       d.reason,
		"queue":        d.queue.name,
		"time":         time.Unix(d.queue.vhost.server.clock.Now().Unix(), 0).UTC(),
		"exchange":     old.Exchange,
		"routing-keys": keys,
	}
	if exp := old.Message.Expiration; exp != nil {
		event["original-expiration"] = strconv.FormatInt(exp.Milliseconds(), 10)
	}
	headers := old.Message.Headers.Clone()
	if headers == nil {
		headers = pubsub.Table{}
	}
	addDeath(headers, event)
	if to.RoutingKey != nil {
		pub.RoutingKey = *to.RoutingKey
		pub.MoreKeys = nil
		delete(headers, "CC")
	}
	pub.Headers = headers
	pub.Expiration = nil
	return pub
}

// addDeath notes a death in the header "x-death": one entry for each queue and
// reason, the latest first, counted.
func addDeath(headers pubsub.Table, event pubsub.Table) {
	deaths, _ := headers["x-death"].([]any)
	if len(deaths) == 0 {
		for _, name := range []string{"exchange", "queue", "reason"} {
			if _, ok := headers["x-first-death-"+name]; !ok {
				headers["x-first-death-"+name] = event[name]
			}
		}
	}
	for i, d := range deaths {
		d, ok := d.(pubsub.Table)
		if !ok || d["queue"] != event["queue"] || d["reason"] != event["reason"] {
			continue
		}
		count, _ := d["count"].(int64)
		d["count"] = count + 1
		event = d
		deaths = slices.Delete(deaths, i, i+1)
		break
	}
	headers["x-death"] = append([]any{event}, deaths...)
}

// wentRound reports whether a message died in a queue before, and not by a
// reject since: then it would go round for ever, and is dropped instead.
func wentRound(headers pubsub.Table, queueName string) bool {
	deaths, _ := headers["x-death"].([]any)
	for _, d := range deaths {
		d, ok := d.(pubsub.Table)
		if !ok || d["reason"] == reasonRejected {
			return false // a person's doing, or a foreign entry
		}
		if d["queue"] == queueName {
			return true
		}
	}
	return false
}
