package pubsubtest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gobindery/bindery/pubsub"
)

// grave declares a queue that gets the dead letters of a fanout exchange "dlx".
func (c *conn) grave() string {
	c.w.Helper()
	c.fanouts("dlx")
	q := c.queue(pubsub.Queue{Name: "grave"})
	c.bind("dlx", q, "")
	return q
}

// toGrave is where queues send their dead letters in these cases.
func toGrave() *pubsub.DeadLetter { return &pubsub.DeadLetter{Exchange: "dlx"} }

// death is one entry of a message's x-death.
type death struct {
	count      int64
	reason     string
	queue      string
	exchange   string
	keys       []string
	expiration string // original-expiration, if any
}

// table is the entry as it stands in the headers, except for its time.
func (d death) table() pubsub.Table {
	keys := make([]any, len(d.keys))
	for i, k := range d.keys {
		keys[i] = k
	}
	t := pubsub.Table{"count": d.count, "reason": d.reason, "queue": d.queue, "exchange": d.exchange, "routing-keys": keys}
	if d.expiration != "" {
		t["original-expiration"] = d.expiration
	}
	return t
}

// history reports headers that are not exactly others and the history of these
// deaths. The last death stands first in it, and here; the rest in any order:
// RabbitMQ 3.10 turns it around with each death. The first death was first.
func (w *world) history(d pubsub.Delivery, others pubsub.Table, first death, deaths ...death) {
	w.Helper()
	got := d.Headers.Clone()
	list, ok := got["x-death"].([]any)
	if !ok {
		w.Errorf("dead letter %q: x-death is %T(%v); want a list", clip(d.Body), got["x-death"], got["x-death"])
		return
	}
	for _, e := range list {
		entry, _ := e.(pubsub.Table)
		when, ok := entry["time"].(time.Time)
		if !ok || time.Since(when).Abs() > time.Minute {
			w.Errorf("dead letter %q: the time in x-death is %v; want the time of death", clip(d.Body), entry["time"])
		}
		delete(entry, "time")
	}
	want := others.Clone()
	if want == nil {
		want = pubsub.Table{}
	}
	var entries []any
	for _, d := range deaths {
		entries = append(entries, d.table())
	}
	sortDeaths(list)
	sortDeaths(entries)
	want["x-death"] = entries
	want["x-first-death-reason"] = first.reason
	want["x-first-death-queue"] = first.queue
	want["x-first-death-exchange"] = first.exchange
	if !got.Equal(want) {
		w.Errorf("dead letter %q: got the headers %s; want %s", clip(d.Body), typed(got), typed(want))
	}
}

// sortDeaths sorts all entries but the first in one order.
func sortDeaths(list []any) {
	slices.SortFunc(list[min(1, len(list)):], func(a, b any) int {
		return strings.Compare(fmt.Sprint(a), fmt.Sprint(b))
	})
}

// letter waits for one dead letter.
func (c *conn) letter(queue string) pubsub.Delivery {
	c.w.Helper()
	c.becomes(queue, 1)
	return c.take(queue)[0]
}
