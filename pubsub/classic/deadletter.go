package classic

import (
	"slices"
	"strconv"
	"time"

	"github.com/gobindery/bindery/pubsub"
)

// Reason is why a queue gave a message up, as "x-death" says it.
// See https://www.rabbitmq.com/docs/dlx#effects.
type Reason string

// The reasons: a consumer rejected it, its time was over, or the queue was full.
const (
	Rejected Reason = "rejected"
	Expired  Reason = "expired"
	MaxLen   Reason = "maxlen"
)

// DeadLetter makes of a message that a queue gave up, at the time now, the one
// that goes to its dead-letter exchange. The old one does not change.
func DeadLetter(old *pubsub.Publication, queue string, to *pubsub.DeadLetter, why Reason, now time.Time) *pubsub.Publication {
	keys := []any{old.RoutingKey}
	if cc, ok := old.Headers["CC"].([]any); ok {
		keys = append(keys, cc...)
	}
	p := &pubsub.Publication{
		Envelope: pubsub.Envelope{Exchange: to.Exchange, RoutingKey: old.RoutingKey, Message: old.Message},
		MoreKeys: old.MoreKeys,
	}
	event := pubsub.Table{
		"count":        int64(1),
		"reason":       string(why),
		"queue":        queue,
		"time":         time.Unix(now.Unix(), 0).UTC(),
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
		p.RoutingKey = *to.RoutingKey
		p.MoreKeys = nil
		delete(headers, "CC")
	}
	p.Headers = headers
	p.Expiration = nil
	return p
}

// addDeath notes a death in the header "x-death": one entry for each queue and
// reason, the latest first, counted.
func addDeath(headers pubsub.Table, event pubsub.Table) {
	was, died := headers["x-death"]
	if !died {
		for _, name := range []string{"exchange", "queue", "reason"} {
			headers["x-first-death-"+name] = event[name]
		}
	}
	deaths, _ := was.([]any) // one that is no list is forgotten
	deaths = grouped(deaths)
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

// grouped makes one entry of those of the same queue and reason: once, RabbitMQ
// did not count.
func grouped(deaths []any) []any {
	type key struct{ queue, reason string }
	seen := make(map[key]pubsub.Table)
	groups := deaths[:0]
	for _, d := range deaths {
		entry, _ := d.(pubsub.Table)
		queue, named := entry["queue"].(string)
		reason, given := entry["reason"].(string)
		if !named || !given { // a foreign entry
			groups = append(groups, d)
			continue
		}
		first, again := seen[key{queue, reason}]
		if !again {
			first = entry
			seen[key{queue, reason}] = entry
			groups = append(groups, entry)
		}
		if _, counted := entry["count"]; !counted || again {
			count, _ := first["count"].(int64)
			first["count"] = count + 1
		}
	}
	return groups
}

// WentRound reports whether a message died in a queue before, and not by a
// reject since: then it would go round for ever, and a queue that gave it up for
// another reason than a reject drops it instead of sending it there.
// See https://www.rabbitmq.com/docs/dlx#safety.
func WentRound(headers pubsub.Table, queue string) bool {
	deaths, _ := headers["x-death"].([]any)
	for _, d := range deaths {
		d, ok := d.(pubsub.Table)
		if !ok || d["reason"] == string(Rejected) {
			return false // a person's doing, or a foreign entry
		}
		if d["queue"] == queue {
			return true
		}
	}
	return false
}
