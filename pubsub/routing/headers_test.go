package routing

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/gobindery/bindery/pubsub"
)

// tables of arguments of which no two are the same binding.
func argumentsThatDiffer() []pubsub.Table {
	var list []pubsub.Table
	for _, v := range []any{
		nil, true, false, int8(1), int16(1), int32(1), int64(1), uint8(1), uint16(1), uint32(1), float32(1), float64(1), 1.5, "1", []byte("1"), "",
		time.Unix(1, 0).UTC(), pubsub.Decimal{Scale: 1, Value: 10}, pubsub.Decimal{Value: 1}, []any{}, []any{int32(1)}, []any{int64(1)}, []any{int32(1), int32(1)},
		pubsub.Table{}, pubsub.Table{"k": int32(1)}, pubsub.Table{"k": int64(1)}, pubsub.Table{"j": int32(1)}, pubsub.Table{"k": nil}, math.NaN(), int32(2), int64(math.MaxInt64),
	} {
		list = append(list, pubsub.Table{"a": v})
	}
	return append(list, pubsub.Table{"b": int32(1)}, pubsub.Table{"a": int32(1), "b": int32(1)})
}

type table = pubsub.Table

// TestHeadersKinds lists bindings, messages, and whether they match, as
// RabbitMQ 3.10.8 answered.
func TestHeadersKinds(t *testing.T) {
	one, two := int32(1), int32(2)
	for _, c := range []struct {
		binding, message table
		want             bool
	}{
		{nil, nil, true},
		{nil, table{"a": one}, true},
		{table{"a": one, "b": two}, table{"a": one, "b": two}, true},
		{table{"a": one, "b": two}, table{"a": one}, false},
		{table{"a": one, "b": two}, table{"a": one, "b": two, "c": one}, true},
		{table{"x-match": "all", "a": one, "b": two}, table{"b": two, "a": one}, true},
		{table{"x-match": "all", "a": one, "b": two}, table{"a": one, "b": one}, false},
		{table{"x-match": "any", "a": one, "b": two}, table{"a": one}, true},
		{table{"x-match": "any", "a": one, "b": two}, table{"b": int32(3)}, false},
		{table{"x-match": "any", "a": one, "b": two}, table{"a": two, "b": two}, true},
		{table{"x-match": "any", "a": one, "b": two}, nil, false},
		{table{"x-match": "any"}, nil, false},
		{table{"x-match": "any"}, table{"a": one}, false},
		{table{"x-match": "all"}, nil, true},
		{table{"x-match": "all"}, table{"a": one}, true},
		{table{"x-foo": one, "a": one}, table{"a": one}, true},
		{table{"x-match": "all", "x-foo": one, "a": one}, table{"a": one}, true},
		{table{"x-": int32(7)}, nil, true},
		{table{"X-a": one}, table{"x-a": one}, false},
		{table{"x": one}, nil, false},
		{table{"x-match": "all-with-x", "x-foo": one, "a": one}, table{"a": one}, false},
		{table{"x-match": "all-with-x", "x-foo": one, "a": one}, table{"a": one, "x-foo": one}, true},
		{table{"x-match": "all-with-x", "x-foo": one, "a": one}, table{"a": one, "x-foo": two}, false},
		{table{"x-match": "all-with-x", "x-": one}, table{"x-": one}, true},
		{table{"x-match": "all-with-x"}, table{"x-match": "no", "a": one}, true},
		{table{"x-match": "any-with-x", "x-foo": one}, table{"x-foo": one}, true},
		{table{"x-match": "any-with-x", "x-foo": one}, nil, false},
		{table{"x-match": "any-with-x"}, table{"x-match": "any-with-x"}, false},
		{table{"x-match": "any", "x-foo": one, "a": one}, table{"x-foo": one}, false},
		{table{"a": nil}, table{"a": one}, true},
		{table{"a": nil}, table{"a": "text"}, true},
		{table{"a": nil}, nil, false},
		{table{"a": nil}, table{"a": nil}, true},
		{table{"a": nil}, table{"a": false}, true},
		{table{"x-match": "any", "a": nil, "b": two}, table{"a": int32(7)}, true},
		{table{"x-match": "any", "a": nil, "b": two}, nil, false},
		{table{"CC": nil}, table{"CC": []any{"k"}}, true},
		{table{"BCC": nil}, table{"BCC": []any{"k"}}, false},
	} {
		x := mustBind(t, New[string]().AddQueue("q", "q"), pubsub.Binding{Exchange: "amq.headers", Queue: "q", Arguments: c.binding})
		got, err := x.Route(&Request{Exchange: "amq.headers", Headers: c.message}, nil)
		if err != nil || (len(got) == 1) != c.want {
			t.Errorf("binding %v, message %v: got %v (%v), want %v", c.binding, c.message, got, err, c.want)
		}
	}
}

// TestHeadersValues lists what a binding asks for, what a message has, and
// whether RabbitMQ 3.10.8 took them for equal.
func TestHeadersValues(t *testing.T) {
	big := int64(1<<53 + 1)
	sec := func(n int64) time.Time { return time.Unix(n, 0).UTC() }
	same := [][2]any{
		{float64(1 << 53), int64(1 << 53)}, {1.5, float32(1.5)}, {float64(1 << 62), int64(1 << 62)}, {0.0, int32(0)}, {math.Copysign(0, -1), int8(0)}, {-1.0, int16(-1)},
		{sec(5), int16(5)}, {sec(5), 5.0}, {sec(5), sec(5)}, {uint32(5), int8(5)}, {uint8(200), int64(200)}, {sec(-5), sec(-5)}, {uint16(7), float32(7)},
		{"a", []byte("a")}, {"", []byte{}}, {true, true}, {[]any{}, table{}}, {table{}, table{}}, {table{"k": int32(1)}, table{"k": int32(1)}}, {table{"k": nil}, table{"k": nil}},
		{[]any{int32(1), "x"}, []any{int32(1), "x"}}, {pubsub.Decimal{Scale: 2, Value: 314}, pubsub.Decimal{Scale: 2, Value: 314}}, {[]any{[]any{}}, []any{[]any{}}},
	}
	other := [][2]any{
		{big, float64(1 << 53)}, {float32(1.1), 1.1}, {int64(1<<62 + 1), float64(1 << 62)}, {int8(-1), uint8(255)}, {sec(-5), int64(-5)}, {1.0, "1"}, {int32(2), int32(1)},
		{int32(1), true}, {int32(0), false}, {"true", true}, {false, nil}, {int32(1), nil}, {"", nil}, {"", []any{}}, {"1", int32(1)}, {"a", "A"}, {true, false},
		{[]any{int32(1)}, []any{int64(1)}}, {[]any{1.5}, []any{float32(1.5)}}, {[]any{"a"}, []any{[]byte("a")}}, {table{"k": int32(1)}, table{"k": int64(1)}}, {table{"k": nil}, table{"k": int32(1)}},
		{[]any{int32(1), int32(2)}, []any{int32(2), int32(1)}}, {[]any{"abc"}, "abc"}, {[]any{[]any{}}, []any{table{}}}, {[]any{int32(1)}, table{"k": int32(1)}},
		{pubsub.Decimal{Value: 5}, int32(5)}, {pubsub.Decimal{Scale: 1, Value: 50}, pubsub.Decimal{Value: 5}}, {math.NaN(), math.NaN()}, {math.Inf(1), math.Inf(-1)}, {math.Inf(1), math.MaxFloat64},
	}
	check := func(a, b any, want bool) {
		t.Helper()
		x := mustBind(t, New[string]().AddQueue("q", "q"), pubsub.Binding{Exchange: "amq.match", Queue: "q", Arguments: table{"a": a}})
		if got, _ := x.Route(&Request{Exchange: "amq.match", Headers: table{"a": b}}, nil); (len(got) == 1) != want {
			t.Errorf("asked for %T %v, has %T %v: got %v, want %v", a, a, b, b, !want, want)
		}
	}
	for _, p := range same {
		check(p[0], p[1], true)
		check(p[1], p[0], true)
	}
	for _, p := range other {
		check(p[0], p[1], false)
		if p[1] != nil { // nil asks for any value
			check(p[1], p[0], false)
		}
	}
}

// TestBadMatch lists values of x-match and what RabbitMQ 3.10.8 said to them.
func TestBadMatch(t *testing.T) {
	for _, c := range []struct {
		v    any
		want string
	}{
		{"bogus", `value <<"bogus">>; expected all, any, all-with-x, or any-with-x`},
		{"", `value <<>>; expected all, any, all-with-x, or any-with-x`},
		{"ALL", `value <<"ALL">>; expected all, any, all-with-x, or any-with-x`},
		{`a"b`, `value <<"a\"b">>; expected all, any, all-with-x, or any-with-x`},
		{"a\nb\x01", `value <<97,10,98,1>>; expected all, any, all-with-x, or any-with-x`},
		{[]byte("all"), `type binary (value <<"all">>); expected longstr`},
		{true, `type bool (value true); expected longstr`},
		{int8(1), `type byte (value 1); expected longstr`},
		{uint8(1), `type unsignedbyte (value 1); expected longstr`},
		{int16(1), `type short (value 1); expected longstr`},
		{uint16(1), `type unsignedshort (value 1); expected longstr`},
		{int32(1), `type signedint (value 1); expected longstr`},
		{uint32(1), `type unsignedint (value 1); expected longstr`},
		{int64(1), `type long (value 1); expected longstr`},
		{float32(1.5), `type float (value 1.5); expected longstr`},
		{100.0, `type double (value 100.0); expected longstr`},
		{1e100, `type double (value 1.0e100); expected longstr`},
		{1e-7, `type double (value 1.0e-7); expected longstr`},
		{123456789012345680.0, `type double (value 1.2345678901234568e17); expected longstr`},
		{nil, `type void (value undefined); expected longstr`},
		{time.Unix(5, 0), `type timestamp (value 5); expected longstr`},
		{pubsub.Decimal{Scale: 2, Value: 314}, `type decimal (value {2,314}); expected longstr`},
		{[]any{"a", int32(1)}, `type array (value [{longstr,<<"a">>},{signedint,1}]); expected longstr`},
		{[]any{}, `type array (value []); expected longstr`},
		{table{"k": int32(1)}, `type table (value [{<<"k">>,signedint,1}]); expected longstr`},
	} {
		_, err := New[string]().AddQueue("q", "q").Bind(pubsub.Binding{Exchange: "amq.headers", Queue: "q", Arguments: table{"x-match": c.v}})
		expectErr(t, fmt.Sprintf("x-match %#v", c.v), err, pubsub.ErrPreconditionFailed, "Invalid x-match field "+c.want)
	}
}

// FuzzHeaders makes bindings and a message from bytes and compares what they
// match, and what is left when some are taken away, with the oracle.
func FuzzHeaders(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15})
	f.Add([]byte{255, 3, 9, 27, 81, 1, 1, 1, 2, 2, 2, 40, 41, 42, 43, 44, 7, 7, 7, 7})
	values := []any{nil, true, false, int8(1), int32(1), int64(1), uint8(1), float32(1), 1.0, 1.5, float32(1.5), "1", []byte("1"), "", []byte{}, time.Unix(1, 0).UTC(),
		pubsub.Decimal{Scale: 1, Value: 10}, []any{}, table{}, []any{int32(1)}, []any{int64(1)}, table{"k": int32(1)}, table{"k": "1"}, int64(-1), -1.0, int32(0)}
	names := []string{"a", "b", "x-a", "x-b", "BCC"}
	f.Fuzz(func(t *testing.T, data []byte) {
		next := func(n int) int {
			if len(data) == 0 {
				return 0
			}
			b := data[0]
			data = data[1:]
			return int(b) % n
		}
		some := func(most int) table {
			h := table{}
			for range next(most + 1) {
				h[names[next(len(names))]] = values[next(len(values))]
			}
			return h
		}
		x := New[string]()
		o := newOracle()
		message := some(5)
		for i := range 1 + next(12) {
			q := fmt.Sprint(i % 5)
			x, o.queues[q] = x.AddQueue(q, q), i%5
			b := pubsub.Binding{Exchange: "amq.match", Queue: q, Arguments: some(4)}
			if k := next(6); k > 0 {
				b.Arguments["x-match"] = []any{"all", "any", "all-with-x", "any-with-x", "none"}[k-1]
			}
			n, err := x.Bind(b)
			if want := o.bind(b); sentinel(err) != want {
				t.Fatalf("bind %v: %v, want %v", b, err, want)
			}
			if err == nil {
				x = n
			}
		}
		delete(message, "BCC") // the oracle knows nothing of it
		for {
			var got []int
			found, err := x.Route(&Request{Exchange: "amq.match", Headers: message}, nil)
			for _, q := range found {
				got = append(got, int(q[0]-'0'))
			}
			slices.Sort(got)
			want, _ := o.route(&Request{Exchange: "amq.match", Headers: message})
			if err != nil || !slices.Equal(got, want) {
				t.Fatalf("message %v: got %v (%v), want %v; bindings %v", message, got, err, want, o.bindings)
			}
			if len(o.bindings) == 0 {
				return
			}
			b := o.bindings[next(len(o.bindings))]
			o.unbind(b)
			if x, err = x.Unbind(b); err != nil {
				t.Fatal(err)
			}
		}
	})
}
