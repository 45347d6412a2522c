package pubsubtest

import "github.com/gobindery/bindery/pubsub"

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
