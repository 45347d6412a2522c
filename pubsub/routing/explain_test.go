package routing

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gobindery/bindery/pubsub"
)

// explained compares an explanation with where a message goes, and with
// itself. It returns what is wrong, or nothing.
func explained(x *Table[int], r *Request, want []int, wantErr error) string {
	e := x.Explain(r, nil)
	wrong := func(format string, args ...any) string {
		return fmt.Sprintf("explain %+v: %s\n%s", r, fmt.Sprintf(format, args...), e)
	}
	if sentinel(e.Refused) != wantErr {
		return wrong("refused with %v, want %v", e.Refused, wantErr)
	}
	var got []int
	for _, q := range e.Queues {
		handle, ok := x.Queue(q.Queue)
		if !ok || len(q.By) == 0 {
			return wrong("queue %q: there is %v, by %v", q.Queue, ok, q.By)
		}
		got = append(got, handle)
		for _, s := range q.By {
			if b := e.Hops[s.Hop].Bindings[s.Binding]; !b.Matched || b.Binding.Queue != q.Queue {
				return wrong("queue %q is reached by a binding that does not lead there: %+v", q.Queue, b)
			}
		}
	}
	if slices.Sort(got); !slices.Equal(got, want) {
		return wrong("got %v, want %v", got, want)
	}
	if wantErr != nil {
		return ""
	}
	seen := map[string]bool{}
	for i := range e.Hops {
		h := &e.Hops[i]
		name := h.Exchange.Name
		if seen[name] {
			return wrong("exchange %q is looked at twice", name)
		}
		seen[name] = true
		if path := e.Path(i); path[0] != 0 || path[len(path)-1] != i || e.Hops[0].Exchange.Name != r.Exchange {
			return wrong("the way to hop %d is %v", i, path)
		}
		if said := h.check(e, i); said != "" {
			return wrong("hop %d: %s", i, said)
		}
	}
	// With less kept, the rest is the same.
	few := x.Explain(r, &ExplainOptions{Misses: 1})
	for i := range few.Hops {
		f, h := &few.Hops[i], &e.Hops[i]
		if f.Matched != h.Matched || f.Exchange.Name != h.Exchange.Name || len(f.Bindings)+f.Omitted != len(h.Bindings) || len(f.Bindings) > h.Matched+1 && r.Exchange != "" {
			return wrong("with one miss kept, hop %d: %+v", i, f)
		}
	}
	if len(few.Hops) != len(e.Hops) || len(few.Queues) != len(e.Queues) {
		return wrong("with one miss kept: %s", few)
	}
	return ""
}

func (h *Hop) check(e *Explanation, i int) string {
	if h.Via == Bound {
		if b := e.Hops[h.From].Bindings[h.Binding]; !b.Matched || b.Hop != i || b.Again {
			return fmt.Sprintf("bound by %+v", b)
		}
	}
	if h.Via == AsAlternate {
		if a := e.Hops[h.From].Alternate; a == nil || a.Hop != i || a.Again || e.Hops[h.From].Matched > 0 {
			return fmt.Sprintf("alternate of %+v", e.Hops[h.From])
		}
	}
	for _, b := range h.Bindings {
		if b.Matched == (len(b.Misses) > 0) || b.Matched == (b.Why() != "") {
			return fmt.Sprintf("matched or not: %+v", b)
		}
		for _, m := range b.Misses {
			if m.String() == "" || m.String() == string(m.Reason) {
				return fmt.Sprintf("nothing is said of %+v", m)
			}
		}
		if b.Matched && b.Binding.ToExchange != "" && e.Hops[b.Hop].Exchange.Name != b.Binding.ToExchange {
			return fmt.Sprintf("led astray: %+v", b)
		}
	}
	return ""
}

// FuzzExplainPattern compares with the oracle's matching, which tries all.
func FuzzExplainPattern(f *testing.F) {
	for _, s := range [][2]string{{"", ""}, {"#", ""}, {"#.a.#", "b.a"}, {"*.#.*", "a"}, {"a.#.b.#.c", "a.x.b.c"}, {"#.a.*.b.#.a", "a.a.b.a"}, {"a..b", "a..b"}, {"#.#", "."}} {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, pattern, key string) {
		if len(pattern) > 40 || len(key) > 40 {
			return // the oracle takes exponential time
		}
		miss, match := explainPattern(pattern, key)
		if want := naiveTopic(pattern, key); match != want {
			t.Fatalf("pattern %q, key %q: got %v (%v), want %v", pattern, key, match, miss, want)
		}
		if match != (miss == Miss{}) {
			t.Fatalf("pattern %q, key %q: matches: %v, but %+v", pattern, key, match, miss)
		}
		if miss.Reason == OtherWord {
			if have := strings.Split(key, ".")[miss.Word-1]; have != miss.Have || miss.Want == miss.Have {
				t.Fatalf("pattern %q, key %q: %+v", pattern, key, miss)
			}
		}
	})
}

func TestExplainPattern(t *testing.T) {
	for _, tt := range []struct{ pattern, key, want string }{
		{"kern.critical", "kern.info", `the 2nd word: pattern "critical", key "info"`},
		{"*.critical", "kern.info", `the 2nd word: pattern "critical", key "info"`},
		{"*.critical", "kern", `too few words: pattern 2, key 1`},
		{"*.critical", "", `too few words: pattern 2, key 0`},
		{"*", "kern.info", `too many words: pattern 1, key 2`},
		{"", "kern", `too many words: pattern 0, key 1`},
		{"a.b", "x", `the 1st word: pattern "a", key "x"`},
		{"#.b", "a.c", `the 2nd word: pattern "b", key "c"`},
		{"a.#.b.c.#.d", "a.b.x.c.d", `"b.c" is not in the key from the 2nd word on`},
		{"a.#.*", "a", `too few words: pattern 2, key 1`},
	} {
		m, ok := explainPattern(tt.pattern, tt.key)
		if got := m.String(); ok || got != tt.want {
			t.Errorf("%q, %q: got %v, %s; want %s", tt.pattern, tt.key, ok, got, tt.want)
		}
	}
}

func TestOrdinal(t *testing.T) {
	var got []string
	for _, n := range []int{1, 2, 3, 4, 11, 12, 13, 21, 22, 101, 111} {
		got = append(got, ordinal(n))
	}
	if s := strings.Join(got, " "); s != "1st 2nd 3rd 4th 11th 12th 13th 21st 22nd 101st 111th" {
		t.Error(s)
	}
}

func TestExplainText(t *testing.T) {
	x := vhost(t, `
		late fanout
		lost direct alternate=nowhere
		in topic alternate=late
		h headers
		secret fanout internal
		in -> q *.critical
		in -> lost kern.#
		in -> h kern.#
		in -> again cc
		lost -> q x
		h -> in
		late -> q`)
	x = mustBind(t, x, pubsub.Binding{Exchange: "h", Queue: "q", Arguments: pubsub.Table{"n": int32(5), "m": nil}})
	x = mustBind(t, x, pubsub.Binding{Exchange: "h", Queue: "q", Arguments: pubsub.Table{"n": int32(5), "s": "x", "x-match": "any"}})
	x = mustBind(t, x, pubsub.Binding{Exchange: "h", Queue: "q", Arguments: pubsub.Table{"x-match": "any"}})
	x = mustBind(t, x, pubsub.Binding{Exchange: "h", Queue: "q", Arguments: pubsub.Table{"BCC": nil}})
	for _, tt := range []struct {
		r    Request
		want string
	}{
		{Request{Exchange: "in", Key: "kern.info", Headers: pubsub.Table{"n": int64(6), "s": "x"}}, `
exchange "in" with key "kern.info"
  exchange "in", topic: 2 of 4 bindings match
    - queue "again" by "cc": the 1st word: pattern "cc", key "kern"
    + exchange "h" by "kern.#"
      exchange "h", headers: 2 of 5 bindings match
        + exchange "in" by ""
          where it has been
        - queue "q" by "" [BCC:<nil>]: header "BCC" is missing
        - queue "q" by "" [m:<nil> n:5]: header "m" is missing; header "n": wanted 5, has 6
        + queue "q" by "" [n:5 s:x x-match:any]
        - queue "q" by "" [x-match:any]: it asks for any of no headers
    + exchange "lost" by "kern.#"
      exchange "lost", direct: 0 of 1 bindings match
        - queue "q" by "x": the binding's key is "x", the message's "kern.info"
        alternate exchange "nowhere" is missing: dropped here
    - queue "q" by "*.critical": the 2nd word: pattern "critical", key "info"
queue "q" gets it
`},
		{Request{Exchange: "in", Key: "a", MoreKeys: []string{"b.c"}}, `
exchange "in" with key "a" and ["b.c"]
  exchange "in", topic: 0 of 4 bindings match
    - queue "again" by "cc": key "a": the 1st word: pattern "cc", key "a"; key "b.c": the 1st word: pattern "cc", key "b"
    - exchange "h" by "kern.#": key "a": the 1st word: pattern "kern", key "a"; key "b.c": the 1st word: pattern "kern", key "b"
    - exchange "lost" by "kern.#": key "a": the 1st word: pattern "kern", key "a"; key "b.c": the 1st word: pattern "kern", key "b"
    - queue "q" by "*.critical": key "a": too few words: pattern 2, key 1; key "b.c": the 2nd word: pattern "critical", key "c"
    alternate exchange "late"
      exchange "late", fanout: 1 of 1 bindings match
        + queue "q" by ""
queue "q" gets it
`},
		{Request{Exchange: "", Key: "r", MoreKeys: []string{"q"}}, `
the default exchange with key "r" and ["q"]
  the default exchange, direct: 1 of 2 bindings match
    - queue "r" by "r": there is no queue "r"
    + queue "q" by "q"
queue "q" gets it
`},
		{Request{Exchange: "lost", Key: "k"}, `
exchange "lost" with key "k"
  exchange "lost", direct: 0 of 1 bindings match
    - queue "q" by "x": the binding's key is "x", the message's "k"
    alternate exchange "nowhere" is missing: dropped here
no queue: it is dropped, or returned if mandatory
`},
		{Request{Exchange: "secret"}, `
exchange "secret" with key "": refused, the exchange is internal: it takes messages from other exchanges only
`},
		{Request{Exchange: "secret", Dead: true}, `
exchange "secret" with key ""
  exchange "secret", fanout: 0 of 0 bindings match
    dropped here
no queue: it is dropped, or returned if mandatory
`},
		{Request{Exchange: "nobody"}, `
exchange "nobody" with key "": refused, there is no such exchange
`},
	} {
		if got := "\n" + x.Explain(&tt.r, nil).String(); got != tt.want {
			t.Errorf("%+v: got:%s\nwant:%s", tt.r, got, tt.want)
		}
	}
	if got := x.Explain(&Request{Exchange: "in", Key: "a"}, &ExplainOptions{Misses: -1}); got.Hops[0].Omitted != 4 || len(got.Hops[0].Bindings) != 0 {
		t.Errorf("no misses kept: %+v", got.Hops[0])
	}
}
