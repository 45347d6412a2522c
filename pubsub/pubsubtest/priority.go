package pubsubtest

import "github.com/gobindery/bindery/pubsub"

var priorityCases = []Case{
	{"priority/order", "higher priorities come first; within one, first in, first out; none is 0", priorityOrder},
	{"priority/capped", "a priority over the queue's maximum counts as that", priorityCapped},
	{"priority/requeue", "a requeued message goes back to its place within its priority", priorityRequeue},
	{"priority/none", "a queue without priorities ignores them", priorityNone},
	{"priority/consumer", "a consumer that makes room gets the highest priority next", priorityConsumer},
	{"priority/max-length", "a full queue with priorities drops the highest first, which is its head", priorityMaxLength},
}

// ranked publishes bodies whose first byte is the priority, as a digit.
func (c *conn) ranked(queue string, bodies ...string) {
	c.w.Helper()
	for _, body := range bodies {
		c.message("", queue, pubsub.Message{Body: []byte(body), Priority: body[0] - '0'})
	}
}

func priorityOrder(w *world) {
	c := w.open()
	q := c.queue(pubsub.Queue{MaxPriority: 5})
	c.publish("", q, "none")
	c.ranked(q, "0", "3", "5", "1", "5 again", "0 again", "3 again")
	c.holds(q, "5", "5 again", "3", "3 again", "1", "none", "0", "0 again")
}

func priorityCapped(w *world) {
	c := w.open()
	q := c.queue(pubsub.Queue{MaxPriority: 5})
	c.ranked(q, "4", "9", "5", "7", "6")
	ds := c.take(q)
	w.equal("messages", bodies(ds), []string{"9", "5", "7", "6", "4"})
	w.equal("priority as it was sent", ds[0].Priority, uint8(9))
}

func priorityRequeue(w *world) {
	c := w.open()
	q := c.queue(pubsub.Queue{MaxPriority: 5})
	c.ranked(q, "5a", "5b", "3a", "3b", "1a")
	ds := []pubsub.Delivery{c.get(q), c.get(q), c.get(q)}
	c.ranked(q, "5c", "3c")
	w.requeue(ds[2], ds[1])
	c.becomes(q, 6)
	w.equal("queue", flagged(c.take(q)), []string{"5b+", "5c", "3a+", "3b", "3c", "1a"})
}

func priorityNone(w *world) {
	c := w.open()
	q := c.temp()
	c.ranked(q, "1", "9", "0")
	c.holds(q, "1", "9", "0")
}

func priorityConsumer(w *world) {
	c := w.open()
	q := c.queue(pubsub.Queue{MaxPriority: 5})
	c.ranked(q, "1", "2")
	cons := c.consume(q, &pubsub.ConsumeOptions{Prefetch: 1})
	ds := cons.gets("2")
	c.ranked(q, "5", "4")
	w.ack(ds...)
	ds = cons.gets("5")
	w.requeue(ds...)
	w.ack(cons.gets("5+")...)
	w.ack(cons.gets("4")...)
	w.ack(cons.gets("1")...)
}

func priorityMaxLength(w *world) {
	c := w.open()
	q := c.queue(pubsub.Queue{MaxPriority: 5, MaxLength: ptr(2)})
	c.ranked(q, "1", "5", "3")
	c.holds(q, "3", "1")
}
