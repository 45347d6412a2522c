package routing

import (
	"slices"
	"testing"

	"github.com/gobindery/bindery/pubsub"
)

func TestBindErrors(t *testing.T) {
	x := vhost(t, "h headers\nh -> q\nf fanout")
	bad := pubsub.Table{"x-match": "bogus"}
	for _, c := range []struct {
		b        pubsub.Binding
		sentinel error
		text     string
	}{
		{pubsub.Binding{Exchange: "nope", Queue: "q"}, pubsub.ErrNotFound, "no exchange 'nope'"},
		{pubsub.Binding{Exchange: "f", Queue: "nope"}, pubsub.ErrNotFound, "no queue 'nope'"},
		{pubsub.Binding{Exchange: "nope2", Queue: "nope"}, pubsub.ErrNotFound, "no exchange 'nope2'"},
		{pubsub.Binding{Exchange: "nope2", ToExchange: "nope"}, pubsub.ErrNotFound, "no exchange 'nope2'"},
		{pubsub.Binding{Exchange: "f", ToExchange: "nope"}, pubsub.ErrNotFound, "no exchange 'nope'"},
		{pubsub.Binding{Exchange: "", Queue: "nope"}, pubsub.ErrAccessRefused, "operation not permitted on the default exchange"},
		{pubsub.Binding{Exchange: "nope"}, pubsub.ErrAccessRefused, "operation not permitted on the default exchange"},
		{pubsub.Binding{Exchange: "f", Queue: "q", ToExchange: "f"}, pubsub.ErrInvalid, "a binding has one destination; set Queue or ToExchange, not both"},
		{pubsub.Binding{Exchange: "h", Queue: "nope", Arguments: bad}, pubsub.ErrNotFound, "no queue 'nope'"},
		{pubsub.Binding{Exchange: "h", Queue: "q", Arguments: bad}, pubsub.ErrPreconditionFailed, `Invalid x-match field value <<"bogus">>; expected all, any, all-with-x, or any-with-x`},
		{pubsub.Binding{Exchange: "h", ToExchange: "f", Arguments: bad}, pubsub.ErrPreconditionFailed, `Invalid x-match field value <<"bogus">>; expected all, any, all-with-x, or any-with-x`},
	} {
		_, err := x.Bind(c.b)
		expectErr(t, "bind "+c.b.String(), err, c.sentinel, c.text)
	}
	mustBind(t, x, pubsub.Binding{Exchange: "f", Queue: "q", Arguments: bad}) // only headers exchanges mind
	for _, b := range []pubsub.Binding{{Exchange: "nope", Queue: "q"}, {Exchange: "f", Queue: "nope"}, {Exchange: "f", ToExchange: "nope"}, {Exchange: "f", Queue: "q"}, {Exchange: "h", Queue: "q", Arguments: bad}} {
		if n, err := x.Unbind(b); n != x || err != nil {
			t.Errorf("unbind %v, which is missing: %v", b, err)
		}
	}
	_, err := x.Unbind(pubsub.Binding{Queue: "q"})
	expectErr(t, "unbind from the default exchange", err, pubsub.ErrAccessRefused, "operation not permitted on the default exchange")
}

// TestIdentity checks which bindings are one and the same. RabbitMQ 3.10.8 was
// asked.
func TestIdentity(t *testing.T) {
	base := vhost(t, "f fanout\ng fanout\nf -> q k")
	bound := pubsub.Binding{Exchange: "f", Queue: "q", Key: "k"}
	for i, args := range argumentsThatDiffer() {
		b := bound
		b.Arguments = args
		x := mustBind(t, base, b)
		if x == base {
			t.Errorf("arguments %#v are taken for none", args)
		}
		if y := mustBind(t, x, b); y != x {
			t.Errorf("arguments %#v: bound twice", args)
		}
		b.Arguments = args.Clone()
		if y := mustUnbind(t, x, b); len(slices.Collect(y.Bindings())) != 1 {
			t.Errorf("arguments %#v can't be unbound", args)
		}
		for j, other := range argumentsThatDiffer() {
			if b.Arguments = other; i != j && mustUnbind(t, x, b) != x {
				t.Errorf("arguments %#v are taken for %#v", args, other)
			}
		}
	}
	for _, b := range []pubsub.Binding{{Exchange: "f", Queue: "q"}, {Exchange: "g", Queue: "q", Key: "k"}, {Exchange: "f", ToExchange: "g", Key: "k"}} {
		if mustUnbind(t, base, b) != base {
			t.Errorf("%v is taken for %v", b, bound)
		}
	}
	bound.Arguments = pubsub.Table{}
	if n := len(slices.Collect(mustUnbind(t, base, bound).Bindings())); n != 0 {
		t.Error("empty arguments are not the same as none")
	}
	nested := bound
	nested.Arguments = pubsub.Table{"a": []any{[]byte("x")}}
	y := mustBind(t, base, nested)
	change := func(p pubsub.Binding) { p.Arguments["a"].([]any)[0].([]byte)[0] = 'y' }
	change(nested)
	for b := range y.Bindings() {
		if len(b.Arguments) > 0 {
			change(b)
		}
	}
	nested.Arguments = pubsub.Table{"a": []any{[]byte("x")}}
	if mustUnbind(t, y, nested) == y {
		t.Error("a change inside of a value reached the Table")
	}
	two := bound
	two.Arguments = pubsub.Table{"a": int32(1), "b": int32(2)}
	x := mustBind(t, base, two)
	two.Arguments["a"] = int32(7) // ours to change
	two = pubsub.Binding{Exchange: "f", Queue: "q", Key: "k", Arguments: pubsub.Table{"b": int32(2), "a": int32(1)}}
	if mustUnbind(t, x, two) == x {
		t.Error("a caller's change reached the Table, or the order of keys counts")
	}
	for b := range x.Bindings() {
		if b.Arguments != nil {
			b.Arguments["a"] = int32(8)
		}
	}
	if mustUnbind(t, x, two) == x {
		t.Error("a reader's change reached the Table")
	}
}
