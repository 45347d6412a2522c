package routing

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/gobindery/bindery/pubsub"
)

// oracle is a vhost in the most naive form: lists that are searched from end
// to end, and patterns matched by trying everything. It shares no code with
// the package.
type oracle struct {
	exchanges []pubsub.Exchange
	queues    map[string]int
	bindings  []pubsub.Binding
}

func newOracle() *oracle {
	o := &oracle{queues: map[string]int{}}
	for _, n := range []string{"direct", "fanout", "topic", "headers"} {
		o.exchanges = append(o.exchanges, pubsub.Exchange{Name: "amq." + n, Kind: pubsub.Kind(n), Durable: true})
	}
	o.exchanges = append(o.exchanges, pubsub.Exchange{Name: "amq.match", Kind: pubsub.Headers, Durable: true})
	return o
}

func (o *oracle) exchange(name string) *pubsub.Exchange {
	for i := range o.exchanges {
		if o.exchanges[i].Name == name {
			return &o.exchanges[i]
		}
	}
	return nil
}

func (o *oracle) declare(e pubsub.Exchange) error {
	x := o.exchange(e.Name)
	switch {
	case e.Name == "":
		return pubsub.ErrAccessRefused
	case x == nil && strings.HasPrefix(e.Name, "amq."):
		return pubsub.ErrAccessRefused
	case x == nil:
		o.exchanges = append(o.exchanges, e)
		return nil
	case x.Kind != e.Kind || x.Durable != e.Durable || x.AutoDelete != e.AutoDelete || x.Internal != e.Internal || x.Alternate != e.Alternate:
		return pubsub.ErrPreconditionFailed
	}
	return nil
}

func (o *oracle) delete(name string, ifUnused bool) error {
	if name == "" || strings.HasPrefix(name, "amq.") {
		return pubsub.ErrAccessRefused
	}
	if o.exchange(name) == nil {
		return nil
	}
	if ifUnused && slices.ContainsFunc(o.bindings, func(b pubsub.Binding) bool { return b.Exchange == name }) {
		return pubsub.ErrPreconditionFailed
	}
	o.drop(name)
	return nil
}

func (o *oracle) drop(name string) {
	o.exchanges = slices.DeleteFunc(o.exchanges, func(e pubsub.Exchange) bool { return e.Name == name })
	o.bindings = slices.DeleteFunc(o.bindings, func(b pubsub.Binding) bool { return b.Exchange == name })
	o.dropBindings(func(b pubsub.Binding) bool { return b.ToExchange == name })
}

// dropBindings takes bindings away, and auto-delete exchanges that have lost
// their last one.
func (o *oracle) dropBindings(which func(pubsub.Binding) bool) {
	var lost []string
	o.bindings = slices.DeleteFunc(o.bindings, func(b pubsub.Binding) bool {
		if which(b) {
			lost = append(lost, b.Exchange)
			return true
		}
		return false
	})
	for _, name := range lost {
		x := o.exchange(name)
		if x != nil && x.AutoDelete && !slices.ContainsFunc(o.bindings, func(b pubsub.Binding) bool { return b.Exchange == name }) {
			o.drop(name)
		}
	}
}

func (o *oracle) removeQueue(name string) {
	delete(o.queues, name)
	o.dropBindings(func(b pubsub.Binding) bool { return b.Queue == name })
}

func (o *oracle) bind(b pubsub.Binding) error {
	if b.Exchange == "" {
		return pubsub.ErrAccessRefused
	}
	x := o.exchange(b.Exchange)
	if x == nil {
		return pubsub.ErrNotFound
	}
	if _, ok := o.queues[b.Queue]; b.ToExchange == "" && !ok {
		return pubsub.ErrNotFound
	}
	if b.ToExchange != "" && o.exchange(b.ToExchange) == nil {
		return pubsub.ErrNotFound
	}
	if m, ok := b.Arguments["x-match"]; ok && x.Kind == pubsub.Headers {
		if !slices.Contains([]any{"all", "any", "all-with-x", "any-with-x"}, m) {
			return pubsub.ErrPreconditionFailed
		}
	}
	if !slices.ContainsFunc(o.bindings, func(c pubsub.Binding) bool { return sameBinding(b, c) }) {
		o.bindings = append(o.bindings, b)
	}
	return nil
}

func (o *oracle) unbind(b pubsub.Binding) error {
	if b.Exchange == "" {
		return pubsub.ErrAccessRefused
	}
	o.dropBindings(func(c pubsub.Binding) bool { return sameBinding(b, c) })
	return nil
}

func sameBinding(a, b pubsub.Binding) bool {
	return a.Exchange == b.Exchange && a.Queue == b.Queue && a.ToExchange == b.ToExchange && a.Key == b.Key &&
		(len(a.Arguments) == 0 && len(b.Arguments) == 0 || reflect.DeepEqual(a.Arguments, b.Arguments))
}

// route returns the queues' handles, sorted.
func (o *oracle) route(r *Request) ([]int, error) {
	keys := append([]string{r.Key}, r.MoreKeys...)
	var out []int
	if r.Exchange == "" {
		for _, k := range keys {
			if q, ok := o.queues[k]; ok {
				out = append(out, q)
			}
		}
	} else {
		x := o.exchange(r.Exchange)
		if x == nil {
			return nil, pubsub.ErrNotFound
		}
		if x.Internal && !r.Dead {
			return nil, pubsub.ErrAccessRefused
		}
		out = o.from(x, keys, r.Headers, map[string]bool{})
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

func (o *oracle) from(x *pubsub.Exchange, keys []string, headers pubsub.Table, been map[string]bool) (out []int) {
	if x == nil || been[x.Name] {
		return nil
	}
	been[x.Name] = true
	found := false
	for _, b := range o.bindings {
		if b.Exchange != x.Name || !bindingMatches(x.Kind, b, keys, headers) {
			continue
		}
		found = true
		if b.ToExchange != "" {
			out = append(out, o.from(o.exchange(b.ToExchange), keys, headers, been)...)
		} else {
			out = append(out, o.queues[b.Queue])
		}
	}
	if !found && x.Alternate != "" {
		out = append(out, o.from(o.exchange(x.Alternate), keys, headers, been)...)
	}
	return out
}

func bindingMatches(kind pubsub.Kind, b pubsub.Binding, keys []string, headers pubsub.Table) bool {
	switch kind {
	case pubsub.Fanout:
		return true
	case pubsub.Headers:
		return naiveHeaders(b.Arguments, headers)
	case pubsub.Direct:
		return slices.Contains(keys, b.Key)
	}
	return slices.ContainsFunc(keys, func(key string) bool { return naiveTopic(b.Key, key) })
}

// naiveTopic tries every way in which a pattern can match. What it found out
// about the ends of both it keeps, or long ones would never end.
func naiveTopic(pattern, key string) bool {
	words := func(s string) []string {
		if s == "" {
			return nil
		}
		return strings.Split(s, ".")
	}
	known := map[[2]int]bool{}
	var match func(p, k []string) bool
	match = func(p, k []string) (ok bool) {
		at := [2]int{len(p), len(k)}
		if ok, is := known[at]; is {
			return ok
		}
		defer func() { known[at] = ok }()
		if len(p) == 0 {
			return len(k) == 0
		}
		if p[0] == "#" {
			return match(p[1:], k) || len(k) > 0 && match(p, k[1:])
		}
		return len(k) > 0 && (p[0] == "*" || p[0] == k[0]) && match(p[1:], k[1:])
	}
	return match(words(pattern), words(key))
}

// naiveHeaders compares by writing values down as Erlang would see them.
func naiveHeaders(args, headers pubsub.Table) bool {
	kind, _ := args["x-match"].(string)
	matched, missed := 0, 0
	for name, want := range args {
		if name == "x-match" || strings.HasPrefix(name, "x-") && !strings.HasSuffix(kind, "-with-x") {
			continue
		}
		have, ok := headers[name]
		if ok && (want == nil || erlangTerm(want, true) == erlangTerm(have, true)) {
			matched++
		} else {
			missed++
		}
	}
	if strings.HasPrefix(kind, "any") {
		return matched > 0
	}
	return missed == 0
}

// erlangTerm is a value as RabbitMQ's decoder makes it: without its type at
// the top, with it inside lists and tables.
func erlangTerm(v any, top bool) string {
	typ, val := "", ""
	switch v := v.(type) {
	case nil:
		typ, val = "void", "undefined"
	case bool:
		typ, val = "bool", fmt.Sprint(v)
	case string:
		typ, val = "longstr", fmt.Sprintf("<<%q>>", v)
	case []byte:
		typ, val = "binary", fmt.Sprintf("<<%q>>", v)
	case pubsub.Decimal:
		typ, val = "decimal", fmt.Sprintf("{%d,%d}", v.Scale, v.Value)
	case time.Time:
		typ, val = "timestamp", fmt.Sprint(v.Unix())
	case float32:
		typ, val = "float", fmt.Sprintf("%g", v)
	case float64:
		typ, val = "double", fmt.Sprintf("%g", v)
	case []any:
		var l []string
		for _, e := range v {
			l = append(l, erlangTerm(e, false))
		}
		typ, val = "array", "["+strings.Join(l, ",")+"]"
	case pubsub.Table:
		var l []string
		for k, e := range v {
			l = append(l, fmt.Sprintf("{<<%q>>,%s}", k, erlangTerm(e, false)))
		}
		slices.Sort(l)
		typ, val = "table", "["+strings.Join(l, ",")+"]"
	default:
		typ, val = fmt.Sprintf("%T", v), fmt.Sprint(v)
	}
	if top {
		return val
	}
	return "{" + typ + "," + val + "}"
}

// sentinel is the part of an error that the oracle has too.
func sentinel(err error) error {
	for _, s := range []error{pubsub.ErrNotFound, pubsub.ErrAccessRefused, pubsub.ErrPreconditionFailed, pubsub.ErrInvalid} {
		if errors.Is(err, s) {
			return s
		}
	}
	return err
}
