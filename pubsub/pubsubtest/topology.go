package pubsubtest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gobindery/bindery/pubsub"
)

var topologyCases = []Case{
	{"topology/lists", "Topology lists exchanges, queues and bindings as they were declared, or is unsupported", topologyLists},
	{"topology/follows", "Topology lists what is there after deletes and unbinds", topologyFollows},
}

// listed reads the topology, without what begins with amq. and is the broker's
// own. It is false where the adapter can't list, and says so.
func (c *conn) listed() (pubsub.Topology, bool) {
	w := c.w
	w.Helper()
	w.wait("the topology")
	t, err := c.Topology(w.ctx)
	_, lister := c.Adapter().(pubsub.Lister)
	if !lister || errors.Is(err, pubsub.ErrUnsupported) { // as without the management API
		w.fails(err, pubsub.ErrUnsupported, "read the topology where that can't be done")
		return t, false
	}
	w.ok(err)
	t.Exchanges = slices.DeleteFunc(t.Exchanges, func(e pubsub.Exchange) bool { return strings.HasPrefix(e.Name, "amq.") })
	return t, true
}

func topologyLists(w *world) {
	c := w.open()
	exchanges := []pubsub.Exchange{
		{Name: "1", Kind: pubsub.Fanout},
		{Name: "2", Kind: pubsub.Topic, Durable: true, AutoDelete: true, Alternate: "1"},
		{Name: "3", Kind: pubsub.Headers, Internal: true},
		{Name: "4", Kind: pubsub.Direct},
	}
	for _, e := range exchanges {
		c.exchange(e)
	}
	full := fullQueue()
	full.DeadLetter.Exchange = "1"
	queues := []pubsub.Queue{
		{Name: "a"},
		{Name: "b", Exclusive: true, MaxLength: ptr(0), MessageTTL: ms(0), DeadLetter: &pubsub.DeadLetter{}},
		full,
	}
	for _, q := range queues {
		c.queue(q)
	}
	bindings := []pubsub.Binding{
		{Exchange: "2", Queue: "a", Key: "*.a"},
		{Exchange: "2", Queue: "a", Key: "b.#"},
		{Exchange: "2", ToExchange: "3", Key: "#"},
		{Exchange: "3", Queue: "b", Arguments: pubsub.Table{"x-match": "any", "n": int64(5), "s": "x"}},
		{Exchange: "4", Queue: "full", Key: ""},
	}
	for _, b := range bindings {
		c.add(b)
	}
	c.publish("", "a", "1", "2", "3")
	c.consume("a", &pubsub.ConsumeOptions{Prefetch: 1}).gets("1")

	want := map[string]string{}
	for _, e := range exchanges {
		want["exchange "+e.Name] = describe(e)
	}
	for i, q := range queues {
		s := pubsub.QueueStatus{Queue: q}
		if i == 0 {
			s.Ready, s.Unacked, s.Consumers = 2, 1, 1
		}
		want["queue "+q.Name] = describe(s)
	}
	for _, b := range bindings {
		want[describe(b)] = "bound"
	}
	w.eventually("the topology to show everything", func() (any, bool) {
		t, ok := c.listed()
		if !ok {
			return "", true
		}
		got := map[string]string{}
		for _, e := range t.Exchanges {
			got["exchange "+e.Name] = describe(e)
		}
		for _, q := range t.Queues {
			got["queue "+q.Name] = describe(q)
		}
		for _, b := range t.Bindings {
			got[describe(b)] = "bound"
		}
		return difference(got, want), same(got, want) && sorted(w, t)
	})
}

// sorted reports a listing that is out of order.
func sorted(w *world, t pubsub.Topology) bool {
	exchanges := slices.IsSortedFunc(t.Exchanges, func(a, b pubsub.Exchange) int { return strings.Compare(a.Name, b.Name) })
	queues := slices.IsSortedFunc(t.Queues, func(a, b pubsub.QueueStatus) int { return strings.Compare(a.Name, b.Name) })
	from := slices.IsSortedFunc(t.Bindings, func(a, b pubsub.Binding) int { return strings.Compare(a.Exchange, b.Exchange) })
	if !exchanges || !queues || !from {
		w.Errorf("the topology is not sorted: %+v", t)
	}
	return true
}

// difference is what two maps don't share.
func difference(got, want map[string]string) string {
	s := ""
	for k, v := range got {
		if want[k] != v {
			s += fmt.Sprintf("\n  got  %s: %s", k, v)
		}
	}
	for k, v := range want {
		if got[k] != v {
			s += fmt.Sprintf("\n  want %s: %s", k, v)
		}
	}
	return s
}

// describe is an entity with what its pointers point to. An empty table of
// arguments is none.
func describe(v any) string {
	switch v := v.(type) {
	case pubsub.Exchange:
		return fmt.Sprintf("%s durable=%v auto-delete=%v internal=%v alternate=%q %s", v.Kind, v.Durable, v.AutoDelete, v.Internal, v.Alternate, describe(v.Arguments))
	case pubsub.QueueStatus:
		return fmt.Sprintf("%s ready=%d unacked=%d consumers=%d", describe(v.Queue), v.Ready, v.Unacked, v.Consumers)
	case pubsub.Queue:
		dead := "none"
		if d := v.DeadLetter; d != nil {
			dead = fmt.Sprintf("%q key %s", d.Exchange, deref(d.RoutingKey))
		}
		return fmt.Sprintf("durable=%v exclusive=%v auto-delete=%v ttl=%s expires=%v max-length=%s max-bytes=%s overflow=%q dead-letter=%s priority=%d single-active=%v %s",
			v.Durable, v.Exclusive, v.AutoDelete, deref(v.MessageTTL), v.Expires, deref(v.MaxLength), deref(v.MaxBytes), v.Overflow, dead, v.MaxPriority, v.SingleActiveConsumer, describe(v.Arguments))
	case pubsub.Binding:
		return fmt.Sprintf("binding of %q to queue %q, exchange %q, key %q %s", v.Exchange, v.Queue, v.ToExchange, v.Key, describe(v.Arguments))
	case pubsub.Table:
		s := "{"
		for _, k := range slices.Sorted(maps.Keys(v)) {
			s += fmt.Sprintf(" %s:%v", k, v[k])
		}
		return s + " }"
	}
	return fmt.Sprint(v)
}

func deref[T any](p *T) string {
	if p == nil {
		return "none"
	}
	return fmt.Sprint(*p)
}

func topologyFollows(w *world) {
	c := w.open()
	c.fanouts("keep", "drop")
	c.queue(pubsub.Queue{Name: "keep"})
	c.queue(pubsub.Queue{Name: "drop"})
	c.bind("keep", "keep", "")
	c.bind("keep", "keep", "unbound")
	c.bind("keep", "drop", "")
	c.bindExchange("keep", "drop", "")
	c.bindExchange("drop", "keep", "")
	c.remove(pubsub.Binding{Exchange: "keep", Queue: "keep", Key: "unbound"})
	w.ok(c.DeleteExchange(w.ctx, "drop", nil))
	_, err := c.DeleteQueue(w.ctx, "drop", nil)
	w.ok(err)
	w.eventually("the topology to show what is left", func() (any, bool) {
		t, ok := c.listed()
		if !ok {
			return "", true
		}
		left := len(t.Exchanges) == 1 && t.Exchanges[0].Name == "keep" &&
			len(t.Queues) == 1 && t.Queues[0].Name == "keep" &&
			len(t.Bindings) == 1 && describe(t.Bindings[0]) == describe(pubsub.Binding{Exchange: "keep", Queue: "keep"})
		return t, left
	})
}
