package pubsubtest

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/gobindery/bindery/pubsub"
)

var headersCases = []Case{
	{"headers/matrix", "binding arguments against headers match as RabbitMQ matches them: all, any, the -with-x kinds, void, numbers by value", headersMatrix},
	{"headers/bad x-match", "an x-match that is none of the four, or no string: precondition failed (406)", headersBadMatch},
	{"headers/key ignored", "a headers exchange ignores keys", headersKeyIgnored},
	{"headers/unbind", "a headers binding is taken away by equal arguments, in any order", headersUnbind},
	{"headers/x-match elsewhere", "on another kind of exchange, x-match is an argument like others", headersMatchElsewhere},
}

// headersRow is one binding, and the headers that match it and those that
// don't, as observed on RabbitMQ 3.10.8.
type headersRow struct {
	arguments pubsub.Table
	match     []pubsub.Table
	differ    []pubsub.Table
}

type tables = []pubsub.Table

func headersRows() []headersRow {
	t5 := time.Unix(5, 0).UTC()
	one := func(v any) pubsub.Table { return pubsub.Table{"a": v} }
	a1b2 := pubsub.Table{"a": int32(1), "b": int32(2)}
	with := func(match string, t pubsub.Table) pubsub.Table {
		t = t.Clone()
		t["x-match"] = match
		return t
	}
	fooA := pubsub.Table{"x-foo": int32(1), "a": int32(1)}
	return []headersRow{
		{nil, tables{nil, {}, one(int32(1))}, nil},
		{a1b2, tables{a1b2, {"a": int32(1), "b": int32(2), "c": int32(3)}}, tables{one(int32(1)), {}, nil, {"A": int32(1), "B": int32(2)}}},
		{with("all", a1b2), tables{a1b2}, tables{one(int32(1)), {"a": int32(1), "b": int32(3)}}},
		{with("any", a1b2), tables{one(int32(1)), a1b2, {"a": int32(9), "b": int32(2)}}, tables{{"b": int32(3)}, {}, nil}},
		{with("any", pubsub.Table{}), nil, tables{{}, nil, one(int32(1)), {"x-match": "any"}}},
		{with("all", pubsub.Table{}), tables{{}, nil, one(int32(1))}, nil},
		{fooA, tables{one(int32(1)), fooA, {"a": int32(1), "x-foo": int32(2)}}, tables{{"x-foo": int32(1)}}},
		{with("all-with-x", fooA), tables{fooA}, tables{one(int32(1)), {"a": int32(1), "x-foo": int32(2)}}},
		{with("any-with-x", pubsub.Table{"x-foo": int32(1)}), tables{{"x-foo": int32(1)}}, tables{{}, nil}},
		{with("any", fooA), tables{one(int32(1))}, tables{{"x-foo": int32(1)}}},
		{one(nil), tables{one(int32(1)), one("str"), one(nil), one(false), one(pubsub.Table{})}, tables{{}, {"b": int32(1)}}},
		{with("any", pubsub.Table{"a": nil, "b": int32(2)}), tables{one(int32(7)), {"b": int32(2)}}, tables{{"b": int32(3)}, {}}},
		{one(""), tables{one(""), one([]byte{})}, tables{one("x"), {}, one(nil)}},
		{one(int32(1)), tables{
			one(int8(1)), one(int16(1)), one(int32(1)), one(int64(1)), one(uint8(1)), one(uint16(1)), one(uint32(1)), one(float64(1)), one(float32(1)), one(time.Unix(1, 0)),
		}, tables{one("1"), one(true), one(int32(2)), one(nil), one(float64(1.5))}},
		{one(int64(-1)), tables{one(int8(-1)), one(int32(-1)), one(float64(-1))}, tables{one(uint8(255)), one(int64(1))}},
		{one(uint32(1 << 31)), tables{one(int64(1 << 31)), one(uint32(1 << 31)), one(float64(1 << 31))}, tables{one(int32(-1 << 31))}},
		{one(true), tables{one(true)}, tables{one(false), one(int32(1)), one("true")}},
		{one(1.5), tables{one(1.5), one(float32(1.5))}, tables{one(int32(1)), one("1.5"), one(1.25)}},
		{one(t5), tables{one(t5), one(int64(5)), one(5.0)}, tables{one(time.Unix(6, 0)), one("5")}},
		{one("x"), tables{one("x"), one([]byte("x"))}, tables{one("X"), one("xy"), one(pubsub.Table{})}},
		{one([]byte("x")), tables{one("x"), one([]byte("x"))}, tables{one("y")}},
		{one(pubsub.Decimal{Scale: 2, Value: 314}), tables{one(pubsub.Decimal{Scale: 2, Value: 314})}, tables{one(3.14), one(pubsub.Decimal{Scale: 3, Value: 3140})}},
		{one(pubsub.Table{"k": int32(1)}), tables{one(pubsub.Table{"k": int32(1)})}, tables{one(pubsub.Table{"k": int32(2)}), one(pubsub.Table{}), one("k")}},
		{one([]any{int32(1), int32(2)}), tables{one([]any{int32(1), int32(2)})}, tables{one([]any{int32(2), int32(1)}), one([]any{int32(1)}), one(int32(1))}},
	}
}

func headersMatrix(w *world) {
	c := w.open()
	e := c.exchange(pubsub.Exchange{Name: "e", Kind: pubsub.Headers})
	for i, row := range headersRows() {
		q := c.temp()
		b := pubsub.Binding{Exchange: e, Queue: q, Arguments: row.arguments}
		c.add(b)
		for _, want := range []bool{true, false} {
			list := row.differ
			if want {
				list = row.match
			}
			for _, h := range list {
				c.message(e, "", pubsub.Message{Headers: h})
				if got := len(c.take(q)) == 1; got != want {
					w.Errorf("row %d: arguments %s and headers %s: matches is %v; want %v", i, typed(row.arguments), typed(h), got, want)
				}
			}
		}
		c.remove(b)
	}
}

// typed shows a table with its values' types.
func typed(t pubsub.Table) string {
	s := "{"
	for _, k := range slices.Sorted(maps.Keys(t)) {
		s += fmt.Sprintf(" %s:%T(%v)", k, t[k], t[k])
	}
	return s + " }"
}

func headersBadMatch(w *world) {
	c := w.open()
	q := c.temp()
	for _, v := range []any{"bogus", "", "ALL", int32(1), nil, true} {
		err := c.Bind(w.ctx, pubsub.Binding{Exchange: "amq.headers", Queue: q, Arguments: pubsub.Table{"x-match": v, "a": int32(1)}})
		w.fails(err, pubsub.ErrPreconditionFailed, fmt.Sprintf("bind with x-match %T(%v)", v, v))
		w.fails(c.send("amq.headers", "", pubsub.Message{Headers: pubsub.Table{"a": int32(1)}}, pubsub.Mandatory), pubsub.ErrUnroutable, "publish after a bind that failed")
	}
}

func headersKeyIgnored(w *world) {
	c := w.open()
	q := c.temp()
	c.add(pubsub.Binding{Exchange: "amq.match", Queue: q, Key: "some key", Arguments: pubsub.Table{"a": "x"}})
	for _, k := range []string{"", "some key", "other"} {
		c.message("amq.match", k, pubsub.Message{Body: []byte(k), Headers: pubsub.Table{"a": "x"}}, pubsub.Mandatory)
	}
	c.holds(q, "", "some key", "other")
}

func headersUnbind(w *world) {
	c := w.open()
	q := c.temp()
	m := pubsub.Message{Headers: pubsub.Table{"a": int32(1), "b": "x"}}
	bind := func(t pubsub.Table) pubsub.Binding {
		return pubsub.Binding{Exchange: "amq.headers", Queue: q, Arguments: t}
	}
	c.add(bind(pubsub.Table{"a": int32(1), "b": "x", "x-match": "any"}))
	c.remove(bind(pubsub.Table{"a": int64(1), "b": "x", "x-match": "any"}))
	c.remove(bind(pubsub.Table{"a": int32(1), "b": "x"}))
	c.remove(bind(nil))
	c.message("amq.headers", "", m, pubsub.Mandatory)
	w.equal("copies", len(c.take(q)), 1)
	c.remove(bind(pubsub.Table{"x-match": "any", "b": "x", "a": int32(1)}))
	w.fails(c.send("amq.headers", "", m, pubsub.Mandatory), pubsub.ErrUnroutable, "publish after the unbind")
}

func headersMatchElsewhere(w *world) {
	c := w.open()
	q := c.temp()
	c.add(pubsub.Binding{Exchange: "amq.direct", Queue: q, Key: "k", Arguments: pubsub.Table{"x-match": "bogus", "a": int32(1)}})
	c.message("amq.direct", "k", text("x"), pubsub.Mandatory)
	c.holds(q, "x")
}
