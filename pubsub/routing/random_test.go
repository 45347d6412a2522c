package routing

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gobindery/bindery/pubsub"
)

var seedFlag = flag.Uint64("seed", 0, "run TestRandom with this seed only")

// TestRandom runs random histories on a Table and on the oracle, and compares
// every answer, with its explanation. Now and then it goes back to an old Table, which must not have
// changed.
func TestRandom(t *testing.T) {
	seeds := []uint64{1, 2, 3}
	if *seedFlag != 0 {
		seeds = []uint64{*seedFlag}
	} else {
		for range 60 {
			seeds = append(seeds, rand.Uint64())
		}
	}
	for _, seed := range seeds {
		if !randomHistory(t, seed) {
			t.Fatalf("run it again: go test -run 'TestRandom$' -seed %d", seed)
		}
	}
}

// old is a Table that must go on answering as it did.
type old struct {
	table    *Table[int]
	requests []*Request
	answers  [][]int
}

func randomHistory(t *testing.T, seed uint64) bool {
	rnd := rand.New(rand.NewPCG(seed, 0))
	pick := func(list []string) string { return list[rnd.IntN(len(list))] }
	var queues, names []string
	for i := range 1 + rnd.IntN(40) {
		queues = append(queues, fmt.Sprintf("q%d", i))
	}
	for i := range 1 + rnd.IntN(12) {
		names = append(names, fmt.Sprintf("x%d", i))
	}
	names = append(names, "amq.topic", "amq.direct", "amq.match", "", "amq.none", "missing")
	words := []string{"a", "b", "c", "", "a#", "*a"}
	word := func() string { return pick(words) }
	pattern := func() string {
		var p []string
		for range rnd.IntN(6) {
			switch rnd.IntN(4) {
			case 0:
				p = append(p, "*")
			case 1:
				p = append(p, "#")
			default:
				p = append(p, word())
			}
		}
		return strings.Join(p, ".")
	}
	key := func() string {
		var p []string
		for range rnd.IntN(6) {
			p = append(p, word())
		}
		return strings.Join(p, ".")
	}
	values := []any{nil, true, false, int8(1), int32(1), int64(1), 1.0, float32(1.5), 1.5, "1", []byte("1"), "", time.Unix(1, 0).UTC(), pubsub.Decimal{Scale: 1, Value: 10},
		[]any{int32(1)}, []any{int64(1)}, []any{}, pubsub.Table{}, pubsub.Table{"k": int32(1)}, pubsub.Table{"k": 1.0}}
	table := func(kinds bool) pubsub.Table {
		if rnd.IntN(2) == 0 {
			return nil
		}
		a := pubsub.Table{}
		for range rnd.IntN(4) {
			a[pick([]string{"a", "b", "c", "x-a", "x-b"})] = values[rnd.IntN(len(values))]
		}
		if kinds && rnd.IntN(2) == 0 {
			a["x-match"] = []any{"all", "any", "all-with-x", "any-with-x", "none", int32(1)}[rnd.IntN(6)]
		}
		return a
	}
	someBinding := func() pubsub.Binding {
		b := pubsub.Binding{Exchange: pick(names), Key: pattern(), Arguments: table(true)}
		if rnd.IntN(3) == 0 {
			b.ToExchange = pick(names)
		}
		if b.ToExchange == "" {
			b.Queue = pick(queues)
		}
		return b
	}
	request := func() *Request {
		r := &Request{Exchange: pick(names), Key: key(), Headers: table(false), Dead: rnd.IntN(4) == 0}
		for range max(0, rnd.IntN(6)-3) {
			r.MoreKeys = append(r.MoreKeys, key())
		}
		if r.Exchange == "" && rnd.IntN(2) == 0 {
			r.Key = pick(queues)
		}
		return r
	}

	o, now := newOracle(), New[int]()
	var olds []old
	var into []int
	fail := func(step int, format string, args ...any) bool {
		t.Helper()
		t.Errorf("seed %d, step %d: %s", seed, step, fmt.Sprintf(format, args...))
		return false
	}
	same := func(step int, what string, next *Table[int], err, want error) bool {
		t.Helper()
		if sentinel(err) != want {
			return fail(step, "%s: error %v, want %v", what, err, want)
		}
		if err == nil {
			now = next
		}
		return true
	}
	for step := range 400 {
		var ok bool
		switch n := rnd.IntN(100); {
		case n < 12:
			name := pick(queues)
			if _, is := o.queues[name]; !is || rnd.IntN(8) == 0 {
				handle := step
				o.queues[name] = handle
				now = now.AddQueue(name, handle)
			}
			ok = true
		case n < 16:
			name := pick(queues)
			o.removeQueue(name)
			now = now.RemoveQueue(name)
			ok = true
		case n < 30:
			e := pubsub.Exchange{Name: pick(names), Kind: pubsub.Kinds()[rnd.IntN(4)], AutoDelete: rnd.IntN(3) == 0, Internal: rnd.IntN(5) == 0}
			if rnd.IntN(3) == 0 {
				e.Alternate = pick(names)
			}
			next, err := now.DeclareExchange(e)
			ok = same(step, fmt.Sprintf("declare %+v", e), next, err, o.declare(e))
		case n < 33:
			name, ifUnused := pick(names), rnd.IntN(2) == 0
			next, err := now.DeleteExchange(name, ifUnused)
			ok = same(step, "delete exchange "+name, next, err, o.delete(name, ifUnused))
		case n < 65:
			b := someBinding()
			next, err := now.Bind(b)
			want := o.bind(b)
			if b.ToExchange == "" && b.Queue == "" {
				want = pubsub.ErrAccessRefused
			}
			ok = same(step, b.String(), next, err, want)
		case n < 75:
			b := someBinding()
			if len(o.bindings) > 0 && rnd.IntN(3) > 0 {
				b = o.bindings[rnd.IntN(len(o.bindings))]
			}
			next, err := now.Unbind(b)
			ok = same(step, "unbind "+b.String(), next, err, o.unbind(b))
		case n < 78 && len(olds) < 20:
			s := old{table: now}
			for range 10 {
				r := request()
				if want, err := o.route(r); err == nil {
					s.requests = append(s.requests, r)
					s.answers = append(s.answers, want)
				}
			}
			olds = append(olds, s)
			ok = true
		default:
			r := request()
			want, wantErr := o.route(r)
			ok = true
			for range 3 { // the same key again is another way through the code
				got, err := now.Route(r, into)
				into = append(into[:0], got...)
				slices.Sort(into)
				if sentinel(err) != wantErr || !slices.Equal(into, want) {
					ok = fail(step, "route %+v: got %v (%v), want %v (%v)", r, into, err, want, wantErr)
					break
				}
			}
			if said := explained(now, r, want, wantErr); said != "" {
				ok = fail(step, "%s", said)
			}
		}
		if !ok {
			return false
		}
	}
	for i, s := range olds {
		for j, r := range s.requests {
			got, err := s.table.Route(r, nil)
			got = slices.Sorted(slices.Values(got))
			if err != nil || !slices.Equal(got, s.answers[j]) {
				return fail(-1, "old table %d: route %+v: got %v (%v), want %v", i, r, got, err, s.answers[j])
			}
			if said := explained(s.table, r, s.answers[j], nil); said != "" {
				return fail(-1, "old table %d: %s", i, said)
			}
		}
	}
	return sameLists(t, seed, now, o)
}

// sameLists compares what the Table lists with the oracle.
func sameLists(t *testing.T, seed uint64, now *Table[int], o *oracle) bool {
	ok := true
	check := func(what string, got, want []string) {
		slices.Sort(want)
		if sorted := slices.Sorted(slices.Values(got)); !slices.Equal(sorted, want) {
			t.Errorf("seed %d: %s: got %v, want %v", seed, what, sorted, want)
			ok = false
		}
	}
	var got, want []string
	for e := range now.Exchanges() {
		got = append(got, fmt.Sprintf("%+v", e))
	}
	for _, e := range o.exchanges {
		want = append(want, fmt.Sprintf("%+v", e))
	}
	check("exchanges", got, want)
	got, want = nil, nil
	for name, q := range now.Queues() {
		got = append(got, fmt.Sprint(name, q))
	}
	for name, q := range o.queues {
		want = append(want, fmt.Sprint(name, q))
	}
	check("queues", got, want)
	got, want = nil, nil
	for b := range now.Bindings() {
		got = append(got, fmt.Sprintf("%+v", b))
	}
	for _, b := range o.bindings {
		want = append(want, fmt.Sprintf("%+v", b))
	}
	check("bindings", got, want)
	return ok
}
