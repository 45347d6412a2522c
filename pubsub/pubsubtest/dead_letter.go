package pubsubtest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gobindery/bindery/pubsub"
)

var deadLetterCases = []Case{
	{"dead-letter/rejected", "a rejected message is dead-lettered with its history: x-death, x-first-death-*", deadRejected},
	{"dead-letter/expired message", "an expired message is dead-lettered; its expiration is removed and is in the history", deadExpired},
	{"dead-letter/expired queue TTL", "a message that expired by the queue's TTL is dead-lettered", deadQueueTTL},
	{"dead-letter/maxlen", "a message dropped from a full queue is dead-lettered", deadMaxLength},
	{"dead-letter/reject-publish", "reject-publish doesn't dead-letter", deadRejectPublish},
	{"dead-letter/reject-publish-dlx", "reject-publish-dlx refuses and dead-letters", deadRejectPublishDLX},
	{"dead-letter/key", "the dead-letter key replaces the message's own", deadKey},
	{"dead-letter/CC", "without a dead-letter key, the keys of CC and BCC route dead letters too; the history doesn't name BCC's", deadCC},
	{"dead-letter/CC stripped", "with a dead-letter key, CC and BCC are stripped; the history names the keys", deadCCStripped},
	{"dead-letter/default exchange", "the default exchange can be the dead-letter exchange", deadDefaultExchange},
	{"dead-letter/missing", "a missing dead-letter exchange drops; it counts once it is declared", deadMissing},
	{"dead-letter/internal", "an internal exchange can be the dead-letter exchange", deadInternal},
	{"dead-letter/properties", "a dead letter keeps its other properties", deadProperties},
	{"dead-letter/not otherwise", "ack, requeue, purge and delete don't dead-letter", deadNotOtherwise},
}

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

func deadRejected(w *world) {
	c := w.open()
	grave := c.grave()
	q := c.queue(pubsub.Queue{DeadLetter: toGrave()})
	c.bind("amq.direct", q, "k")
	c.message("amq.direct", "k", pubsub.Message{Body: []byte("x"), Headers: pubsub.Table{"h": int32(1)}})
	w.reject(c.get(q))
	d := c.letter(grave)
	w.equal("body", string(d.Body), "x")
	w.equal("exchange", d.Exchange, "dlx")
	w.equal("key", d.RoutingKey, "k")
	w.equal("redelivered", d.Redelivered, false)
	died := death{1, "rejected", q, "amq.direct", []string{"k"}, ""}
	w.history(d, pubsub.Table{"h": int32(1)}, died, died)

	// By a consumer, from the default exchange, without headers.
	cons := c.consume(q, nil)
	c.publish("", q, "y")
	w.reject(cons.gets("y")...)
	died = death{1, "rejected", q, "", []string{q}, ""}
	w.history(c.letter(grave), nil, died, died)
}

func deadExpired(w *world) {
	c := w.open()
	grave := c.grave()
	q := c.queue(pubsub.Queue{DeadLetter: toGrave()})
	c.message("", q, pubsub.Message{Body: []byte("x"), Expiration: ms(20)})
	d := c.letter(grave)
	if d.Expiration != nil {
		w.Errorf("the dead letter has the expiration %v; want none", *d.Expiration)
	}
	died := death{1, "expired", q, "", []string{q}, "20"}
	w.history(d, nil, died, died)
}

func deadQueueTTL(w *world) {
	c := w.open()
	grave := c.grave()
	q := c.queue(pubsub.Queue{DeadLetter: toGrave(), MessageTTL: ms(20)})
	c.publish("", q, "x")
	died := death{1, "expired", q, "", []string{q}, ""}
	w.history(c.letter(grave), nil, died, died)
	// The message's own expiration is removed all the same.
	c.message("", q, pubsub.Message{Expiration: ms(3_600_000)})
	d := c.letter(grave)
	if d.Expiration != nil {
		w.Errorf("the dead letter has the expiration %v; want none", *d.Expiration)
	}
	died.expiration = "3600000"
	w.history(d, nil, died, died)
}

func deadMaxLength(w *world) {
	c := w.open()
	grave := c.grave()
	q := c.queue(pubsub.Queue{DeadLetter: toGrave(), MaxLength: ptr(2)})
	c.publish("", q, numbers(5)...)
	c.becomes(grave, 3)
	ds := c.take(grave)
	w.equal("dead letters", bodies(ds), []string{"0", "1", "2"})
	died := death{1, "maxlen", q, "", []string{q}, ""}
	for _, d := range ds {
		w.history(d, nil, died, died)
	}
	c.holds(q, "3", "4")
}

func deadRejectPublish(w *world) {
	c := w.open()
	grave := c.grave()
	q := c.queue(pubsub.Queue{DeadLetter: toGrave(), MaxLength: ptr(1), Overflow: pubsub.RejectPublish})
	c.publish("", q, "0")
	w.fails(c.send("", q, text("1")), pubsub.ErrRefused, "publish to a full queue")
	w.reject(c.get(q))
	w.equal("dead letter", string(c.letter(grave).Body), "0")
}

func deadRejectPublishDLX(w *world) {
	c := w.open()
	grave := c.grave()
	q := c.queue(pubsub.Queue{DeadLetter: toGrave(), MaxLength: ptr(1), Overflow: pubsub.RejectPublishDLX})
	c.publish("", q, "0")
	w.fails(c.send("", q, text("1")), pubsub.ErrRefused, "publish to a full queue")
	d := c.letter(grave)
	w.equal("dead letter", string(d.Body), "1")
	died := death{1, "maxlen", q, "", []string{q}, ""}
	w.history(d, nil, died, died)
	c.holds(q, "0")
}

func deadKey(w *world) {
	c := w.open()
	q := c.queue(pubsub.Queue{DeadLetter: &pubsub.DeadLetter{Exchange: "amq.direct", RoutingKey: ptr("dead")}})
	dead, own := c.temp(), c.temp()
	c.bind("amq.direct", dead, "dead")
	c.bind("amq.direct", own, q)
	c.publish("", q, "x")
	w.reject(c.get(q))
	d := c.letter(dead)
	w.equal("exchange", d.Exchange, "amq.direct")
	w.equal("key", d.RoutingKey, "dead")
	died := death{1, "rejected", q, "", []string{q}, ""}
	w.history(d, nil, died, died)
	c.holds(own)

	// An empty key is a key.
	q = c.queue(pubsub.Queue{DeadLetter: &pubsub.DeadLetter{Exchange: "amq.direct", RoutingKey: ptr("")}})
	c.bind("amq.direct", dead, "")
	c.publish("", q, "y")
	w.reject(c.get(q))
	w.equal("key", c.letter(dead).RoutingKey, "")
}

func deadCC(w *world) {
	c := w.open()
	q := c.queue(pubsub.Queue{DeadLetter: &pubsub.DeadLetter{Exchange: "amq.direct"}})
	first, cc, bcc := c.temp(), c.temp(), c.temp()
	c.bind("amq.direct", first, q)
	c.bind("amq.direct", cc, "cc")
	c.bind("amq.direct", bcc, "bcc")
	c.message("", q, pubsub.Message{Body: []byte("x"), Headers: pubsub.Table{"CC": []any{"cc"}, "BCC": []any{"bcc"}}})
	w.reject(c.get(q))
	died := death{1, "rejected", q, "", []string{q, "cc"}, ""}
	for _, name := range []string{first, cc, bcc} {
		d := c.letter(name)
		w.equal("key", d.RoutingKey, q)
		w.history(d, pubsub.Table{"CC": []any{"cc"}}, died, died)
	}
}

func deadCCStripped(w *world) {
	c := w.open()
	q := c.queue(pubsub.Queue{DeadLetter: &pubsub.DeadLetter{Exchange: "amq.direct", RoutingKey: ptr("dead")}})
	dead, cc := c.temp(), c.temp()
	c.bind("amq.direct", dead, "dead")
	c.bind("amq.direct", cc, "cc")
	c.message("", q, pubsub.Message{Headers: pubsub.Table{"CC": []any{"cc"}, "BCC": []any{"bcc"}, "h": "v"}})
	w.reject(c.get(q))
	died := death{1, "rejected", q, "", []string{q, "cc"}, ""}
	w.history(c.letter(dead), pubsub.Table{"h": "v"}, died, died)
	c.holds(cc)
}

func deadDefaultExchange(w *world) {
	c := w.open()
	dead := c.queue(pubsub.Queue{Name: "dead"})
	q := c.queue(pubsub.Queue{DeadLetter: &pubsub.DeadLetter{RoutingKey: &dead}})
	c.bind("amq.fanout", q, "")
	c.publish("amq.fanout", "k", "x")
	w.reject(c.get(q))
	d := c.letter(dead)
	w.equal("exchange", d.Exchange, "")
	w.equal("key", d.RoutingKey, "dead")
	died := death{1, "rejected", q, "amq.fanout", []string{"k"}, ""}
	w.history(d, nil, died, died)
}

func deadMissing(w *world) {
	c := w.open()
	q := c.queue(pubsub.Queue{DeadLetter: toGrave()})
	c.publish("", q, "0", "1")
	cons := c.consume(q, &pubsub.ConsumeOptions{Prefetch: 1})
	w.reject(cons.gets("0")...)
	ds := cons.gets("1") // so 0 is dropped
	grave := c.grave()
	w.reject(ds...)
	w.equal("dead letter", string(c.letter(grave).Body), "1")
}

func deadInternal(w *world) {
	c := w.open()
	c.exchange(pubsub.Exchange{Name: "dlx", Kind: pubsub.Fanout, Internal: true})
	dead := c.temp()
	c.bind("dlx", dead, "")
	q := c.queue(pubsub.Queue{DeadLetter: toGrave()})
	c.publish("", q, "x")
	w.reject(c.get(q))
	w.equal("dead letter", string(c.letter(dead).Body), "x")
}

func deadProperties(w *world) {
	c := w.open()
	grave := c.grave()
	q := c.queue(pubsub.Queue{DeadLetter: toGrave()})
	m := w.fullMessage()
	c.message("", q, m)
	w.reject(c.get(q))
	d := c.letter(grave)
	died := death{1, "rejected", q, "", []string{q}, "3600000"}
	w.history(d, m.Headers, died, died)
	m.Expiration = nil
	m.Headers = d.Headers
	w.sameMessage("dead letter", d, m)
}

func deadNotOtherwise(w *world) {
	c := w.open()
	grave := c.grave()
	q := c.queue(pubsub.Queue{Name: "q", DeadLetter: toGrave()})
	c.publish("", q, numbers(4)...)
	w.ack(c.get(q))
	w.requeue(c.get(q))
	c.becomes(q, 3)
	_, err := c.PurgeQueue(w.ctx, q)
	w.ok(err)
	c.publish("", q, "deleted")
	_, err = c.DeleteQueue(w.ctx, q, nil)
	w.ok(err)
	q = c.queue(pubsub.Queue{DeadLetter: toGrave()})
	c.publish("", q, "marker")
	w.reject(c.get(q))
	w.equal("dead letter", string(c.letter(grave).Body), "marker")
}
