package memory

import (
	"slices"
	"strconv"
	"time"

	"github.com/gobindery/bindery/pubsub"
	"github.com/gobindery/bindery/pubsub/routing"
)

// The reasons that "x-death" gives.
// See https://www.rabbitmq.com/docs/dlx#effects.
const (
	reasonRejected = "rejected"
	reasonExpired  = "expired"
	reasonMaxLen   = "maxlen"
)

// deadLetters gathers, under one queue's lock, what that gives up. They are
// sent when no queue is locked.
type deadLetters []deadLetter

type deadLetter struct {
	entry
	queue  *queue
	reason string
}

// add takes a message that a queue gives up, if the queue dead-letters.
func (d *deadLetters) add(q *queue, e entry, reason string) {
	if q.settings.DeadLetter != nil {
		*d = append(*d, deadLetter{e, q, reason})
	}
}

// send publishes dead letters, and what other queues give up for them, and so
// on: cycles end because a message does not go round without a reject.
func (v *vhost) send(dead *deadLetters) {
	for len(*dead) > 0 {
		d := (*dead)[0]
		*dead = (*dead)[1:]
		pub, more := d.publication()
		r := routing.Request{Exchange: pub.Exchange, Key: pub.RoutingKey, Headers: pub.Message.Headers, Dead: true}
		if more != nil {
			r.MoreKeys = *more
		}
		queues, err := v.table.Load().Route(&r, nil)
		if err != nil {
			continue // no such exchange: the message is gone, as in RabbitMQ
		}
		for _, q := range queues {
			if d.reason != reasonRejected && wentRound(pub.Message.Headers, q.name) {
				continue
			}
			q.enqueue(pub, more, dead)
		}
	}
}

// publication makes the message that goes to the dead-letter exchange.
func (d *deadLetter) publication() (*pubsub.Publication, *[]string) {
	to := d.queue.settings.DeadLetter
	old := d.pub
	keys := []any{old.RoutingKey}
	for _, k := range headerKeys(old.Message.Headers) {
		keys = append(keys, k)
	}
	pub := &pubsub.Publication{Exchange: to.Exchange, RoutingKey: old.RoutingKey, Message: old.Message}
	more := d.more
	event := pubsub.Table{
		"count":        int64(1),
		"reason":       d.reason,
		"queue":        d.queue.name,
		"time":         time.Unix(time.Now().Unix(), 0).UTC(),
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
		more = nil
		delete(headers, "CC")
	}
	pub.Message.Headers = headers
	pub.Message.Expiration = nil
	return pub, more
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
