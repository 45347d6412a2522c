package routing

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gobindery/bindery/pubsub"
)

func TestPredeclared(t *testing.T) {
	var got []string
	for e := range New[string]().Exchanges() {
		if !e.Durable || e.AutoDelete || e.Internal {
			t.Errorf("%+v is not durable, or more", e)
		}
		got = append(got, e.Name+" "+string(e.Kind))
	}
	want := []string{"amq.direct direct", "amq.fanout fanout", "amq.headers headers", "amq.match headers", "amq.topic topic"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestDeclareExchange(t *testing.T) {
	x := vhost(t, "e direct\nae direct alternate=x")
	for _, e := range []pubsub.Exchange{
		{Name: "e", Kind: pubsub.Direct},
		{Name: "e", Kind: pubsub.Direct, Arguments: pubsub.Table{"unknown": true}},
		{Name: "ae", Kind: pubsub.Direct, Alternate: "x"},
		{Name: "amq.direct", Kind: pubsub.Direct, Durable: true},
	} {
		if n := mustDeclare(t, x, e); n != x {
			t.Errorf("declaring %+v again made another Table", e)
		}
	}
	for _, c := range []struct {
		e        pubsub.Exchange
		sentinel error
		text     string
	}{
		{pubsub.Exchange{Name: "e", Kind: pubsub.Fanout}, pubsub.ErrPreconditionFailed, "inequivalent arg 'type' for exchange 'e': received 'fanout' but current is 'direct'"},
		{pubsub.Exchange{Name: "e", Kind: pubsub.Direct, Durable: true}, pubsub.ErrPreconditionFailed, "inequivalent arg 'durable' for exchange 'e': received 'true' but current is 'false'"},
		{pubsub.Exchange{Name: "e", Kind: pubsub.Direct, AutoDelete: true, Internal: true}, pubsub.ErrPreconditionFailed, "inequivalent arg 'auto_delete' for exchange 'e': received 'true' but current is 'false'"},
		{pubsub.Exchange{Name: "e", Kind: pubsub.Direct, Internal: true}, pubsub.ErrPreconditionFailed, "inequivalent arg 'internal' for exchange 'e': received 'true' but current is 'false'"},
		{pubsub.Exchange{Name: "e", Kind: pubsub.Direct, Alternate: "x"}, pubsub.ErrPreconditionFailed, "inequivalent arg 'alternate-exchange' for exchange 'e': received the value 'x' of type 'longstr' but current is none"},
		{pubsub.Exchange{Name: "ae", Kind: pubsub.Direct}, pubsub.ErrPreconditionFailed, "inequivalent arg 'alternate-exchange' for exchange 'ae': received none but current is the value 'x' of type 'longstr'"},
		{pubsub.Exchange{Name: "ae", Kind: pubsub.Direct, Alternate: "y"}, pubsub.ErrPreconditionFailed, "inequivalent arg 'alternate-exchange' for exchange 'ae': received 'y' but current is 'x'"},
		{pubsub.Exchange{Name: "amq.direct", Kind: pubsub.Direct}, pubsub.ErrPreconditionFailed, "inequivalent arg 'durable' for exchange 'amq.direct': received 'false' but current is 'true'"},
		{pubsub.Exchange{Name: "amq.foo", Kind: pubsub.Direct}, pubsub.ErrAccessRefused, "exchange name 'amq.foo' contains reserved prefix 'amq.*'"},
		{pubsub.Exchange{Kind: pubsub.Direct}, pubsub.ErrAccessRefused, "operation not permitted on the default exchange"},
		{pubsub.Exchange{Name: "e", Kind: "bogus"}, pubsub.ErrInvalid, "unknown exchange type 'bogus'"},
		{pubsub.Exchange{Name: "e"}, pubsub.ErrInvalid, "invalid exchange type ''"},
	} {
		_, err := x.DeclareExchange(c.e)
		expectErr(t, fmt.Sprintf("declare %+v", c.e), err, c.sentinel, c.text)
	}
	if _, ok := x.Exchange("amq.foo"); ok {
		t.Error("an exchange that was refused is there")
	}
}

func TestDeleteExchange(t *testing.T) {
	x := vhost(t, `
		e fanout
		d fanout
		e -> d
		d -> q`)
	for _, c := range []struct {
		name     string
		ifUnused bool
		sentinel error
		text     string
	}{
		{"", false, pubsub.ErrAccessRefused, "operation not permitted on the default exchange"},
		{"amq.direct", false, pubsub.ErrAccessRefused, "deletion of system exchange 'amq.direct' not allowed"},
		{"amq.foo", true, pubsub.ErrAccessRefused, "deletion of system exchange 'amq.foo' not allowed"},
		{"e", true, pubsub.ErrPreconditionFailed, "exchange 'e' in use"},
	} {
		_, err := x.DeleteExchange(c.name, c.ifUnused)
		expectErr(t, "delete "+c.name, err, c.sentinel, c.text)
	}
	if n, err := x.DeleteExchange("missing", true); n != x || err != nil {
		t.Errorf("deleting a missing exchange: %v", err)
	}
	expect(t, x, &Request{Exchange: "e"}, "q")
	x = mustUnbind(t, x, pubsub.Binding{Exchange: "d", Queue: "q"})
	x, err := x.DeleteExchange("d", true) // bindings to it don't count
	if err != nil {
		t.Fatal(err)
	}
	for b := range x.Bindings() {
		t.Errorf("binding left: %v", b)
	}
	expect(t, x, &Request{Exchange: "e"})
	if x, err = x.DeleteExchange("e", true); err != nil || exchangeNames(x) != "" {
		t.Errorf("exchanges left: %q (%v)", exchangeNames(x), err)
	}
}

// TestAutoDelete lists topologies, one change each, and which exchanges are
// left. RabbitMQ 3.10.8 was asked.
func TestAutoDelete(t *testing.T) {
	for _, c := range []struct{ name, lines, change, want string }{
		{"last binding", "a fanout auto-delete\na -> q", "unbind a -> q", ""},
		{"another binding is left", "a fanout auto-delete\na -> q k\na -> q l", "unbind a -> q k", "a"},
		{"never bound", "a fanout auto-delete\nb fanout\nb -> q", "unbind a -> q", "a b"},
		{"not auto-delete", "a fanout\na -> q", "unbind a -> q", "a"},
		{"the queue goes", "a fanout auto-delete\na -> q", "queue q", ""},
		{"as destination it doesn't count", "a fanout auto-delete\nb fanout\nb -> a", "unbind b -> a", "a b"},
		{"cascade", "a fanout auto-delete\nb fanout auto-delete\na -> b\nb -> q", "queue q", ""},
		{"the destination goes", "a fanout auto-delete\nb fanout\na -> b", "exchange b", ""},
		{"the destination stays", "a fanout auto-delete\nb fanout auto-delete\na -> b", "unbind a -> b", "b"},
		{"self-binding", "a fanout auto-delete\na -> a", "unbind a -> a", ""},
		{"a cycle holds itself", "a fanout auto-delete\nb fanout auto-delete\na -> b\nb -> a\nb -> q", "queue q", "a b"},
		{"a cycle is broken", "a fanout auto-delete\nb fanout auto-delete\na -> b\nb -> a", "exchange b", ""},
		{"the source goes", "a fanout\nb fanout\nc fanout auto-delete\na -> b\nb -> c", "exchange b", "a c"},
		{"cascade from both ends", "a fanout auto-delete\nb fanout\nc fanout auto-delete\na -> b\nb -> c", "exchange b", "c"},
		{"topic", "a topic auto-delete\na -> q #\na -> r a.#", "queue q", "a"},
		{"headers", "a headers auto-delete\na -> q", "queue q", ""},
		{"direct", "a direct auto-delete\na -> q k\na -> q l", "queue q", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := vhost(t, c.lines)
			what, arg, _ := strings.Cut(c.change, " ")
			switch what {
			case "unbind":
				x = mustUnbind(t, x, arrow(x, arg))
			case "queue":
				x = x.RemoveQueue(arg)
			case "exchange":
				n, err := x.DeleteExchange(arg, false)
				if err != nil {
					t.Fatal(err)
				}
				x = n
			}
			if got := exchangeNames(x); got != c.want {
				t.Errorf("left: %q, want %q", got, c.want)
			}
		})
	}
}

func TestQueueHandle(t *testing.T) {
	x := vhost(t, "t topic\nt -> q a.*\nt -> q #\nt -> r #\nh headers")
	x = mustBind(t, x, pubsub.Binding{Exchange: "h", Queue: "q", Arguments: pubsub.Table{"a": int32(1)}})
	if x.AddQueue("q", "q") != x {
		t.Error("adding a queue again made another Table")
	}
	n := x.AddQueue("q", "other")
	if q, ok := n.Queue("q"); !ok || q != "other" {
		t.Errorf("handle %q, %v", q, ok)
	}
	r := &Request{Exchange: "t", Key: "a.b"}
	expect(t, n, r, "other", "r")
	expect(t, n, &Request{Exchange: "h", Headers: pubsub.Table{"a": int8(1)}}, "other")
	expect(t, x, r, "q", "r")
	if a, b := slices.Collect(x.Bindings()), slices.Collect(n.Bindings()); fmt.Sprint(a) != fmt.Sprint(b) {
		t.Errorf("bindings %v became %v", a, b)
	}
	n = n.RemoveQueue("q")
	expect(t, n, r, "r")
	if _, ok := n.Queue("q"); ok || n.RemoveQueue("q") != n {
		t.Error("a removed queue is there")
	}
}

// TestQueueHandleGroups replaces a queue that an exchange has several bindings
// to, before and after others come and go.
func TestQueueHandleGroups(t *testing.T) {
	x := vhost(t, "f fanout\nf -> a 1\nf -> a 2\nf -> b\nf -> c")
	r := &Request{Exchange: "f"}
	expect(t, x, r, "a", "b", "c")
	x = x.AddQueue("a", "A")
	expect(t, x, r, "A", "b", "c")
	x = x.RemoveQueue("b")
	expect(t, vhostMore(t, x, "f -> z"), r, "A", "c", "z")
	x = x.AddQueue("a", "AA").RemoveQueue("c")
	expect(t, vhostMore(t, x, "f -> y").RemoveQueue("y"), r, "AA")
	expect(t, x, r, "AA")
}

// TestQueueHandleHeaders replaces a queue whose binding is found by another of
// its arguments afterwards. The old Table must still find it by the first.
func TestQueueHandleHeaders(t *testing.T) {
	x := New[string]().AddQueue("q", "q")
	b := pubsub.Binding{Exchange: "amq.headers", Queue: "q", Arguments: pubsub.Table{"a": int32(1), "b": int32(2)}}
	x = mustBind(t, x, b)
	for _, name := range []string{"r", "s"} {
		x = mustBind(t, x.AddQueue(name, name), pubsub.Binding{Exchange: "amq.headers", Queue: name, Arguments: pubsub.Table{"a": int32(1)}})
	}
	y := x.AddQueue("q", "other")
	r := &Request{Exchange: "amq.headers", Headers: pubsub.Table{"a": int32(1), "b": int32(2)}}
	for _, v := range []struct {
		table *Table[string]
		q     string
	}{{x, "q"}, {y, "other"}} {
		expect(t, v.table, r, v.q, "r", "s")
		expect(t, mustUnbind(t, v.table, b), r, "r", "s")
	}
}
