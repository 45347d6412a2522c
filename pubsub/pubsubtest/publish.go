package pubsubtest

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/gobindery/bindery/pubsub"
)

var publishCases = []Case{
	{"publish/confirm", "once Publish returns, the message is in its queues", publishConfirm},
	{"publish/unroutable", "a message that no queue gets is dropped; mandatory: unroutable (312)", publishUnroutable},
	{"publish/mandatory", "mandatory and a queue that matches: no error, one copy", publishMandatory},
	{"publish/async outcomes", "of many publishes under way, each gets its own outcome", publishAsyncOutcomes},
	{"publish/async errors", "a publish that is refused with a channel error fails itself; others under way are taken, or their outcome is unknown", publishAsyncErrors},
	{"publish/order", "a queue keeps the order of a publisher's messages", publishOrder},
	{"publish/user id", "user-id must be the connection's user, else precondition failed (406)", publishUserID},
	{"publish/invalid", "keys over 255 bytes, unknown delivery modes, bad expirations and headers are invalid", publishInvalid},
	{"publish/buffer", "the publisher may reuse its buffer and headers once Publish or PublishAsync has returned", publishBuffer},
}

func publishConfirm(w *world) {
	c, other := w.open(), w.open()
	q, twin := c.queue(pubsub.Queue{Name: "q"}), c.queue(pubsub.Queue{Name: "twin"})
	c.bind("amq.fanout", q, "")
	c.bind("amq.fanout", twin, "")
	for _, body := range numbers(50) {
		c.publish("amq.fanout", "", body)
		w.equal("message at once after the confirm", string(other.get(q).Body), body)
		w.equal("ready in the other queue", other.ready(twin), 1)
		other.holds(twin, body)
	}
}

func publishUnroutable(w *world) {
	c := w.open()
	c.publish("amq.direct", "nobody", "x")
	c.publish("", "nobody", "x")
	for _, e := range []string{"", "amq.direct", "amq.topic", "amq.fanout", "amq.headers"} {
		w.fails(c.send(e, "nobody", text("x"), pubsub.Mandatory), pubsub.ErrUnroutable, "mandatory publish to exchange "+e)
	}
	q := c.queue(pubsub.Queue{Name: "nobody"})
	c.bind("amq.direct", q, "nobody")
	c.holds(q)
}

func publishMandatory(w *world) {
	c := w.open()
	q := c.temp()
	c.bind("amq.topic", q, "a.#")
	c.message("amq.topic", "a.b", text("1"), pubsub.Mandatory)
	c.message("", q, text("2"), pubsub.Mandatory)
	w.fails(c.send("amq.topic", "b", text("3"), pubsub.Mandatory), pubsub.ErrUnroutable, "publish with another key")
	c.holds(q, "1", "2")
}

func publishAsyncOutcomes(w *world) {
	c := w.open()
	q, full := c.temp(), c.queue(pubsub.Queue{Name: "full", MaxLength: ptr(0), Overflow: pubsub.RejectPublish})
	kinds := []struct {
		key       string
		mandatory bool
		want      error
	}{
		{q, false, nil},
		{"nobody", true, pubsub.ErrUnroutable},
		{q, true, nil},
		{"nobody", false, nil},
		{full, false, pubsub.ErrRefused},
		{full, true, pubsub.ErrRefused},
	}
	confirms := make([]pubsub.Confirmation, 30*len(kinds))
	var want []string
	for i := range confirms {
		k := kinds[i%len(kinds)]
		var o []pubsub.PublishOption
		if k.mandatory {
			o = append(o, pubsub.Mandatory)
		}
		body := fmt.Sprint(i)
		if k.key == q {
			want = append(want, body)
		}
		confirms[i] = c.PublishAsync(w.ctx, "", k.key, text(body), o...)
	}
	for i, conf := range confirms {
		w.wait("the outcome of publish %d", i)
		err := conf.Wait(w.ctx)
		k := kinds[i%len(kinds)]
		if !errors.Is(err, k.want) {
			w.Errorf("publish %d to %q: got the outcome %v; want %v", i, k.key, err, k.want)
		}
		w.equal("Err after Wait", conf.Err(), err)
		select {
		case <-conf.Done():
		default:
			w.Errorf("publish %d: Done is not closed after Wait", i)
		}
	}
	c.holds(q, want...)
}

func publishAsyncErrors(w *world) {
	c := w.open()
	q := c.temp()
	inner := c.exchange(pubsub.Exchange{Name: "inner", Kind: pubsub.Fanout, Internal: true})
	confirms := make([]pubsub.Confirmation, 60)
	for i := range confirms {
		e, key := "", q
		switch i % 20 {
		case 7:
			e, key = "nope", "k"
		case 14:
			e, key = inner, "k"
		}
		confirms[i] = c.PublishAsync(w.ctx, e, key, text(fmt.Sprint(i)))
	}
	taken := map[string]bool{}
	for i, conf := range confirms {
		w.wait("the outcome of publish %d", i)
		err := conf.Wait(w.ctx)
		var own error
		switch i % 20 {
		case 7:
			own = pubsub.ErrNotFound
		case 14:
			own = pubsub.ErrAccessRefused
		}
		if !errors.Is(err, own) && !errors.Is(err, pubsub.ErrUnconfirmed) {
			w.Errorf("publish %d: got the outcome %v; want %v, or unknown", i, err, own)
		}
		if err == nil {
			taken[fmt.Sprint(i)] = true
		}
	}
	c.publish("", q, "after")
	last := -1
	for _, body := range c.bodies(q) {
		delete(taken, body)
		n, err := strconv.Atoi(body)
		if err == nil && n <= last {
			w.Errorf("message %d came after %d", n, last)
		}
		last = n
	}
	if len(taken) > 0 {
		w.Errorf("messages that were confirmed and did not arrive: %v", taken)
	}
}

func publishOrder(w *world) {
	c := w.open()
	q := c.temp()
	c.bind("amq.topic", q, "#")
	const n = 1000
	var last pubsub.Confirmation
	for i, body := range numbers(n) {
		if i%2 == 0 {
			last = c.PublishAsync(w.ctx, "", q, text(body))
		} else {
			last = c.PublishAsync(w.ctx, "amq.topic", "k", pubsub.Message{Body: []byte(body), DeliveryMode: pubsub.Persistent})
		}
	}
	w.wait("the last of %d confirms", n)
	w.ok(last.Wait(w.ctx))
	c.becomes(q, n)
	c.holds(q, numbers(n)...)

	cons := c.consume(q, &pubsub.ConsumeOptions{AutoAck: true})
	for _, body := range numbers(n) {
		c.PublishAsync(w.ctx, "", q, text(body))
	}
	cons.gets(numbers(n)...)
}

func publishUserID(w *world) {
	c := w.open()
	q := c.temp()
	w.fails(c.send("", q, pubsub.Message{UserID: "somebody-else"}), pubsub.ErrPreconditionFailed, "publish as another user")
	w.fails(c.send("", "nobody", pubsub.Message{UserID: "somebody-else"}), pubsub.ErrPreconditionFailed, "publish as another user, to no queue")
	c.message("", q, pubsub.Message{Body: []byte("mine"), UserID: w.opts.User})
	ds := c.take(q)
	w.equal("messages", bodies(ds), []string{"mine"})
	w.equal("user id", ds[0].UserID, w.opts.User)
}

func publishInvalid(w *world) {
	c := w.open()
	q := c.temp()
	long := string(make([]byte, 256))
	for what, m := range map[string]pubsub.Message{
		"delivery mode 3":    {DeliveryMode: 3},
		"expiration -1":      {Expiration: ms(-1)},
		"a long message id":  {MessageID: long},
		"a header's channel": {Headers: pubsub.Table{"x": make(chan int)}},
		"a header's name":    {Headers: pubsub.Table{long: 1}},
		"a uint64 too large": {Headers: pubsub.Table{"x": ^uint64(0)}},
	} {
		w.fails(c.send("", q, m), pubsub.ErrInvalid, "publish with "+what)
	}
	w.fails(c.send("", long, text("x")), pubsub.ErrInvalid, "publish with a long key")
	w.fails(c.send(long, "", text("x")), pubsub.ErrInvalid, "publish with a long exchange")
	c.holds(q)
}

func publishBuffer(w *world) {
	c := w.open()
	q, twin := c.temp(), c.temp()
	c.bind("amq.fanout", q, "")
	c.bind("amq.fanout", twin, "")
	cons := c.consume(twin, nil)
	const n = 200
	buf := make([]byte, 0, 16)
	nested := []byte("-")
	headers := pubsub.Table{"t": pubsub.Table{}, "l": []any{nil}, "b": nested}
	for i := range n {
		buf = fmt.Appendf(buf[:0], "%d", i)
		headers["i"] = int64(i)
		headers["t"].(pubsub.Table)["i"] = int64(i)
		headers["l"].([]any)[0] = int64(i)
		nested[0] = byte(i)
		m := pubsub.Message{Body: buf, Headers: headers}
		if i%2 == 0 {
			c.PublishAsync(w.ctx, "amq.fanout", "", m)
		} else {
			c.message("amq.fanout", "", m)
		}
	}
	copy(buf, "overwritten!")
	clear(headers)
	c.becomes(q, n)
	for from, ds := range map[string][]pubsub.Delivery{"get": c.take(q), "consume": cons.some(n)} {
		w.equal("bodies by "+from, bodies(ds), numbers(n))
		for i, d := range ds {
			v := int64(i)
			want := pubsub.Table{"i": v, "t": pubsub.Table{"i": v}, "l": []any{v}, "b": []byte{byte(i)}}
			if !d.Headers.Equal(want) {
				w.Errorf("headers by %s of message %d: got %v; want %v", from, i, d.Headers, want)
			}
		}
	}
}
