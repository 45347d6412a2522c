package pubsubtest

import (
	"fmt"

	"github.com/gobindery/bindery/pubsub"
)

var deadLetterChainCases = []Case{
	{"dead-letter/again", "the count grows when a message dies again in the same queue for the same reason", deadAgain},
	{"dead-letter/chain", "the last death stands first in the history, which has each queue and reason once; x-first-death-* stay the first's", deadChain},
	{"dead-letter/ttl cycle", "a cycle of expiry alone drops the message", deadTTLCycle},
	{"dead-letter/reject cycle", "a cycle with a reject in it goes on", deadRejectCycle},
	{"dead-letter/retry", "a message waits in a queue with a TTL and comes back, as a delayed retry", deadRetry},
	{"dead-letter/order", "dead letters keep their queue's order", deadOrder},
	{"dead-letter/fan-out", "a dead letter leaves the copies in other queues as they were", deadFanOut},
}

// through is a dead-letter by the default exchange to a queue.
func through(queue string) *pubsub.DeadLetter { return &pubsub.DeadLetter{RoutingKey: &queue} }

func deadAgain(w *world) {
	c := w.open()
	q := c.queue(pubsub.Queue{Name: "q", DeadLetter: through("q")})
	c.publish("", q, "x")
	for i := range 4 {
		c.becomes(q, 1)
		d := c.get(q)
		if i > 0 {
			died := death{int64(i), "rejected", q, "", []string{q}, ""}
			w.history(d, nil, died, died)
		}
		w.reject(d)
	}
	w.history(c.letter(q), nil, death{4, "rejected", q, "", nil, ""}, death{4, "rejected", q, "", []string{q}, ""})
}

func deadChain(w *world) {
	c := w.open()
	c.queue(pubsub.Queue{Name: "1", DeadLetter: through("2")})
	c.queue(pubsub.Queue{Name: "2", DeadLetter: through("3")})
	c.queue(pubsub.Queue{Name: "3", DeadLetter: through("1"), MaxLength: ptr(0)})
	c.bind("amq.fanout", "1", "")
	c.publish("amq.fanout", "k", "x")
	w.reject(c.get("1"))
	c.becomes("2", 1)
	w.reject(c.get("2"))
	// From 3 it goes on at once, and is in 1 again.
	c.becomes("1", 1)
	d := c.get("1")
	one := death{1, "rejected", "1", "amq.fanout", []string{"k"}, ""}
	two := death{1, "rejected", "2", "", []string{"2"}, ""}
	three := death{1, "maxlen", "3", "", []string{"3"}, ""}
	w.history(d, nil, one, three, two, one)
	// Dying where it died before moves that entry to the front; the entry
	// keeps the exchange and keys of its first time.
	w.reject(d)
	one.count = 2
	w.history(c.letter("2"), nil, one, one, three, two)
}

func deadTTLCycle(w *world) {
	c := w.open()
	letters := c.exchange(pubsub.Exchange{Name: "letters", Kind: pubsub.Direct})
	sent := c.queue(pubsub.Queue{Name: "sent"}) // gets a copy of each dead letter
	dies := func(queue, next string) {
		c.queue(pubsub.Queue{Name: queue, MessageTTL: ms(20), DeadLetter: &pubsub.DeadLetter{Exchange: letters, RoutingKey: &next}})
		c.bind(letters, queue, queue)
		c.bind(letters, sent, queue)
	}
	dies("1", "2")
	dies("2", "1")
	dies("self", "self")
	c.publish("", "1", "x")
	c.publish("", "self", "x")
	c.becomes(sent, 3) // from 1, from 2, from self
	// It does not go on after that, for as long as a message takes that waits for ten turns.
	done := c.queue(pubsub.Queue{Name: "done"})
	c.queue(pubsub.Queue{Name: "clock", MessageTTL: ms(200), DeadLetter: through(done)})
	c.publish("", "clock", "x")
	c.becomes(done, 1)
	w.equal("how many dead letters there are", c.ready(sent), 3)
	w.equal("how many messages are left in the circle", c.ready("1")+c.ready("2")+c.ready("self"), 0)
}

func deadRejectCycle(w *world) {
	c := w.open()
	c.queue(pubsub.Queue{Name: "work", DeadLetter: through("wait")})
	c.queue(pubsub.Queue{Name: "wait", DeadLetter: through("work"), MessageTTL: ms(10)})
	c.publish("", "work", "x")
	for range 3 {
		c.becomes("work", 1)
		w.reject(c.get("work"))
	}
	d := c.letter("work")
	rejected := death{3, "rejected", "work", "", []string{"work"}, ""}
	expired := death{3, "expired", "wait", "", []string{"wait"}, ""}
	w.history(d, nil, rejected, expired, rejected)
}

func deadRetry(w *world) {
	c := w.open()
	work := c.queue(pubsub.Queue{Name: "work"})
	wait := c.queue(pubsub.Queue{Name: "wait", DeadLetter: &pubsub.DeadLetter{Exchange: "retry"}})
	c.exchange(pubsub.Exchange{Name: "retry", Kind: pubsub.Topic})
	c.bind("retry", work, "*")
	cons := c.consume(work, nil)
	for i := range 3 {
		m := text(fmt.Sprint(i))
		m.Expiration = ms(10 * i)
		c.message("", wait, m)
	}
	for range 3 {
		d := cons.next()
		w.equal("exchange", d.Exchange, "retry")
		w.equal("key", d.RoutingKey, "wait")
		w.ack(d)
	}
}

func deadOrder(w *world) {
	c := w.open()
	grave := c.grave()
	q := c.queue(pubsub.Queue{DeadLetter: toGrave(), MessageTTL: ms(50)})
	const n = 100
	for _, body := range numbers(n) {
		c.PublishAsync(w.ctx, "", q, text(body))
	}
	c.becomes(grave, n)
	c.holds(grave, numbers(n)...)
}

func deadFanOut(w *world) {
	c := w.open()
	grave := c.grave()
	q, twin := c.queue(pubsub.Queue{DeadLetter: toGrave()}), c.temp()
	c.bind("amq.fanout", q, "")
	c.bind("amq.fanout", twin, "")
	m := w.fullMessage()
	c.message("amq.fanout", "k", m)
	held := c.get(twin)
	w.reject(c.get(q))
	c.letter(grave)
	w.sameMessage("the copy that another receiver holds", held, m)
	w.requeue(held)
	c.becomes(twin, 1)
	w.sameMessage("the copy that it gets again", c.get(twin), m)
}
