package nats

import (
	"testing"
	"time"

	"github.com/gobindery/bindery/pubsub"
)

// An auto-delete exchange that went along with a queue or an exchange stays away, also for
// connections that come when the record of that deletion is overwritten, once and again.
func TestWhatWentAlongStaysAway(t *testing.T) {
	t.Parallel()
	url := newVHost(t)
	e := newEnd(t, url)
	b, ctx := e.broker, soon(t)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	there := func(when string, want bool) {
		t.Helper()
		for who, c := range map[string]*Conn{"this connection": e.conn, "another": newEnd(t, url).conn} {
			if _, is := c.topology.table.Load().Exchange("x"); is != want {
				t.Errorf("%s: for %s x is there: %v", when, who, is)
			}
		}
	}
	declareX := func() {
		must(b.DeclareExchange(ctx, pubsub.Exchange{Name: "x", Kind: pubsub.Fanout, AutoDelete: true}))
	}
	queue := func() {
		_, err := b.DeclareQueue(ctx, pubsub.Queue{Name: "q"})
		must(err)
	}
	exchange := func() { must(b.DeclareExchange(ctx, pubsub.Exchange{Name: "e", Kind: pubsub.Fanout})) }

	declareX()
	queue()
	must(b.Bind(ctx, pubsub.Binding{Exchange: "x", Queue: "q"}))
	for range 2 {
		_, err := b.DeleteQueue(ctx, "q", nil)
		must(err)
		there("its queue was deleted", false)
		queue()
		there("the queue was declared again", false)
	}

	declareX()
	there("it was declared again", true)
	exchange()
	must(b.Bind(ctx, pubsub.Binding{Exchange: "x", ToExchange: "e"}))
	_, err := b.DeleteQueue(ctx, "q", nil) // whose record tells of the first x
	must(err)
	queue()
	there("the queue was declared once more", true)
	for range 2 {
		must(b.DeleteExchange(ctx, "e", nil))
		there("the exchange that it was bound to was deleted", false)
		exchange()
		there("that exchange was declared again", false)
	}
}

// What a record says of exchanges that went along is dropped once their records are swept.
func TestAlongIsForgotten(t *testing.T) {
	n := namesOf("v")
	v := newView(&n)
	apply := func(revision uint64, key string, r *record) {
		t.Helper()
		if err := v.apply(revision, key, r.encode(), time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	along := func() map[string]string {
		r := &record{Queue: &queueRecord{Name: "q", Incarnation: "2"}}
		v.keepAlong(queueKey("q"), r)
		return r.Along
	}
	apply(1, exchangeKey("x"), &record{Exchange: &exchangeRecord{Incarnation: "x1", Name: "x", Kind: "fanout", AutoDelete: true}})
	apply(2, queueKey("q"), &record{Queue: &queueRecord{Name: "q", Incarnation: "1"}})
	apply(3, queueKey("q"), &record{Queue: &queueRecord{Name: "q", Incarnation: "1"}, Gone: true, Along: map[string]string{"x": "x1"}})
	v.current()
	if got := along(); len(got) != 1 || got["x"] != "x1" {
		t.Errorf("what overwrites the record says %v of what went along", got)
	}
	apply(4, sweptKey, &record{Swept: &sweptRecord{Inert: 3}})
	if got := along(); len(got) != 0 {
		t.Errorf("the record of x is swept, and what overwrites that of the queue still says %v", got)
	}
}
