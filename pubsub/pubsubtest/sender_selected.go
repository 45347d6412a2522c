package pubsubtest

import "github.com/gobindery/bindery/pubsub"

var senderSelectedCases = []Case{
	{"sender-selected/CC and BCC", "the headers CC and BCC route to further keys; BCC is removed; the key stays the first", ccRoutes},
	{"sender-selected/one copy", "a queue that several keys reach gets one copy", ccOneCopy},
	{"sender-selected/mandatory", "a queue that only CC or BCC reaches makes a message routable", ccMandatory},
	{"sender-selected/no list", "CC or BCC that is no list: precondition failed (406)", ccNoList},
}

func ccRoutes(w *world) {
	c := w.open()
	queues := map[string]string{}
	for _, k := range []string{"k1", "k2", "k3", "k4"} {
		queues[k] = c.temp()
		c.bind("amq.direct", queues[k], k)
	}
	c.message("amq.direct", "k1", pubsub.Message{Headers: pubsub.Table{"CC": []any{"k2"}, "BCC": []any{"k3"}, "z": int32(1)}})
	want := pubsub.Table{"CC": []any{"k2"}, "z": int32(1)}
	for _, k := range []string{"k1", "k2", "k3"} {
		ds := c.take(queues[k])
		if len(ds) != 1 {
			w.Errorf("queue of %s: got %d copies; want 1", k, len(ds))
			continue
		}
		w.equal("key", ds[0].RoutingKey, "k1")
		if !ds[0].Headers.Equal(want) {
			w.Errorf("queue of %s: got the headers %v; want %v", k, ds[0].Headers, want)
		}
	}
	c.holds(queues["k4"])
	// The default exchange takes them too.
	c.message("", "nobody", pubsub.Message{Body: []byte("x"), Headers: pubsub.Table{"CC": []any{queues["k4"]}}})
	c.holds(queues["k4"], "x")
}

func ccOneCopy(w *world) {
	c := w.open()
	q := c.temp()
	c.bind("amq.direct", q, "k1")
	c.bind("amq.direct", q, "k2")
	c.bind("amq.topic", q, "#")
	h := pubsub.Table{"CC": []any{"k1", "k2", "k2"}, "BCC": []any{"k1"}}
	c.message("amq.direct", "k1", pubsub.Message{Body: []byte("1"), Headers: h})
	c.message("amq.topic", "k1", pubsub.Message{Body: []byte("2"), Headers: h})
	c.holds(q, "1", "2")
}

func ccMandatory(w *world) {
	c := w.open()
	q := c.temp()
	for _, name := range []string{"CC", "BCC"} {
		c.message("", "nobody", pubsub.Message{Body: []byte(name), Headers: pubsub.Table{name: []any{q}}}, pubsub.Mandatory)
	}
	c.holds(q, "CC", "BCC")
	w.fails(c.send("", "nobody", pubsub.Message{Headers: pubsub.Table{"CC": []any{"nobody either"}}}, pubsub.Mandatory), pubsub.ErrUnroutable, "publish to nobody")
}

func ccNoList(w *world) {
	c := w.open()
	q := c.temp()
	for _, name := range []string{"CC", "BCC"} {
		w.fails(c.send("", q, pubsub.Message{Headers: pubsub.Table{name: "k2"}}), pubsub.ErrPreconditionFailed, "publish with a string as "+name)
	}
	c.holds(q)
}
