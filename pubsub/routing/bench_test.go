package routing

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/gobindery/bindery/pubsub"
)

// The benchmarks' names say what is measured: BenchmarkRoute/topic/1000/seen
// is a topic exchange with 1,000 bindings and keys that come again and again;
// new is keys that never came before. BenchmarkPlainTrie is the same work done
// by the trie that one writes first: the thing to beat.

// handle stands for an adapter's queue.
type handle struct{ name string }

// fixture is an exchange with n bindings, and keys to route.
type fixture struct {
	table    *Table[*handle]
	exchange string
	bindings []pubsub.Binding
	seen     []string
	fresh    []string // a million different ones
}

const freshKeys = 1 << 20

// benchWord is one of a hundred words of a level.
func benchWord(rnd *rand.Rand, level int) string {
	n := rnd.IntN(100)
	return [...]string{"stock", "eu", "node", "log"}[level] + strconv.Itoa(n)
}

// benchPattern has three or four words: one in ten is "*", and one pattern in
// twenty ends in "#".
func benchPattern(rnd *rand.Rand) string {
	var p []string
	for i := range 3 + rnd.IntN(2) {
		if rnd.IntN(10) == 0 {
			p = append(p, "*")
		} else {
			p = append(p, benchWord(rnd, i))
		}
	}
	if rnd.IntN(20) == 0 {
		p[len(p)-1] = "#"
	}
	return strings.Join(p, ".")
}

// benchKey is a key that one of the patterns matches, or nearly.
func benchKey(rnd *rand.Rand, bindings []pubsub.Binding) string {
	words := strings.Split(bindings[rnd.IntN(len(bindings))].Key, ".")
	for i, w := range words {
		if w == "*" || w == "#" || rnd.IntN(4) == 0 {
			words[i] = benchWord(rnd, i)
		}
	}
	return strings.Join(words, ".")
}

func newFixture(tb testing.TB, kind pubsub.Kind, n, queues int) *fixture {
	rnd := rand.New(rand.NewPCG(1, uint64(n)))
	f := &fixture{table: New[*handle](), exchange: "bench"}
	f.table, _ = f.table.DeclareExchange(pubsub.Exchange{Name: f.exchange, Kind: kind})
	for i := range queues {
		name := fmt.Sprintf("queue-%d", i)
		f.table = f.table.AddQueue(name, &handle{name})
	}
	there := map[string]bool{}
	for len(f.bindings) < n {
		b := pubsub.Binding{Exchange: f.exchange, Queue: fmt.Sprintf("queue-%d", len(f.bindings)%queues)}
		switch kind {
		case pubsub.Topic:
			b.Key = benchPattern(rnd)
		case pubsub.Headers:
			b.Arguments = pubsub.Table{"tenant": "t" + strconv.Itoa(len(f.bindings)), "level": "error"}
			b.Key = strconv.Itoa(len(f.bindings))
		default:
			b.Key = "key." + strconv.Itoa(len(f.bindings))
		}
		if there[b.Key] && n > 10 {
			continue
		}
		there[b.Key] = true
		t, err := f.table.Bind(b)
		if err != nil {
			tb.Fatal(err)
		}
		f.table = t
		f.bindings = append(f.bindings, b)
	}
	return f
}

// keys makes the keys to route. The new ones end in a number of their own, one
// in two, so that there are enough of them.
func (f *fixture) keys() *fixture {
	rnd := rand.New(rand.NewPCG(2, 2))
	for range 1000 {
		f.seen = append(f.seen, benchKey(rnd, f.bindings))
	}
	there := make(map[string]bool, freshKeys)
	var arena strings.Builder // one string, so that reading keys costs little
	var ends []int
	for n := 0; len(there) < freshKeys; n++ {
		k := benchKey(rnd, f.bindings)
		if there[k] {
			i := strings.LastIndexByte(k, '.')
			k = k[:i+1] + strconv.Itoa(n)
		}
		if !there[k] {
			there[k] = true
			arena.WriteString(k)
			ends = append(ends, arena.Len())
		}
	}
	all, from := arena.String(), 0
	for _, to := range ends {
		f.fresh = append(f.fresh, all[from:to])
		from = to
	}
	return f
}

func (f *fixture) route(b *testing.B, keys []string) {
	b.Helper()
	into := make([]*handle, 0, 1024)
	r := &Request{Exchange: f.exchange}
	for range 4 { // what is seen was seen before
		for _, r.Key = range keys[:min(len(keys), 1000)] {
			f.table.Route(r, into)
		}
	}
	matches := 0
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		r.Key = keys[i%len(keys)]
		out, err := f.table.Route(r, into)
		if err != nil {
			b.Fatal(err)
		}
		matches += len(out)
	}
	b.ReportMetric(float64(matches)/float64(b.N), "queues/op")
}

func BenchmarkRoute(b *testing.B) {
	for _, n := range []int{10, 1000, 100_000} {
		b.Run(fmt.Sprintf("topic/%d", n), func(b *testing.B) {
			f := newFixture(b, pubsub.Topic, n, min(n, 1000)).keys()
			b.Run("seen", func(b *testing.B) { f.route(b, f.seen) })
			b.Run("new", func(b *testing.B) { f.route(b, f.fresh) })
		})
	}
	for _, n := range []int{10, 1000, 100_000} {
		b.Run(fmt.Sprintf("direct/%d", n), func(b *testing.B) {
			f := newFixture(b, pubsub.Direct, n, min(n, 1000))
			var keys []string
			for i := range 1000 {
				keys = append(keys, f.bindings[i*7919%n].Key)
			}
			f.route(b, keys)
		})
	}
	for _, n := range []int{10, 1000, 100_000} {
		b.Run(fmt.Sprintf("fanout/%d", n), func(b *testing.B) {
			newFixture(b, pubsub.Fanout, n, n).route(b, []string{"any"})
		})
	}
	for _, n := range []int{10, 1000, 100_000} {
		b.Run(fmt.Sprintf("headers/%d", n), func(b *testing.B) {
			f := newFixture(b, pubsub.Headers, n, n)
			r := &Request{Exchange: f.exchange, Headers: pubsub.Table{"tenant": "t7", "level": "error", "other": int64(1)}}
			into := make([]*handle, 0, 16)
			b.ReportAllocs()
			for b.Loop() {
				if out, _ := f.table.Route(r, into); len(out) != 1 {
					b.Fatal(out)
				}
			}
		})
	}
	b.Run("default/1000", func(b *testing.B) {
		f := newFixture(b, pubsub.Fanout, 10, 1000)
		f.exchange = ""
		var keys []string
		for i := range 1000 {
			keys = append(keys, fmt.Sprintf("queue-%d", i))
		}
		f.route(b, keys)
	})
}

// BenchmarkRouteParallel reads one snapshot from all processors.
func BenchmarkRouteParallel(b *testing.B) {
	f := newFixture(b, pubsub.Topic, 1000, 1000).keys()
	for _, c := range []struct {
		name string
		keys []string
	}{{"seen", f.seen}, {"new", f.fresh}} {
		b.Run("topic/1000/"+c.name, func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				into := make([]*handle, 0, 1024)
				r := &Request{Exchange: f.exchange}
				for i := rand.IntN(len(c.keys)); pb.Next(); i++ {
					r.Key = c.keys[i%len(c.keys)]
					f.table.Route(r, into)
				}
			})
		})
	}
}

func BenchmarkPlainTrie(b *testing.B) {
	for _, n := range []int{10, 1000, 100_000} {
		b.Run(fmt.Sprintf("topic/%d", n), func(b *testing.B) {
			f := newFixture(b, pubsub.Topic, n, min(n, 1000)).keys()
			root := new(plainNode)
			for _, bd := range f.bindings {
				q := f.table.queue(bd.Queue).target.handle
				root.insert(strings.Split(bd.Key, "."), q)
			}
			for _, c := range []struct {
				name string
				keys []string
			}{{"seen", f.seen}, {"new", f.fresh}} {
				b.Run(c.name, func(b *testing.B) {
					into := make([]*handle, 0, 1024)
					matches := 0
					b.ReportAllocs()
					for i := range b.N {
						out := root.match(c.keys[i%len(c.keys)], true, into)
						matches += len(out)
					}
					b.ReportMetric(float64(matches)/float64(b.N), "queues/op")
				})
			}
		})
	}
}

// plainNode is a trie of maps, matched by recursion: what one writes first.
type plainNode struct {
	kids      map[string]*plainNode
	star, any *plainNode
	queues    []*handle
}

func (n *plainNode) insert(words []string, q *handle) {
	for _, w := range words {
		p := &n.star
		switch w {
		case "*":
		case "#":
			p = &n.any
		default:
			if n.kids[w] == nil {
				if n.kids == nil {
					n.kids = map[string]*plainNode{}
				}
				n.kids[w] = new(plainNode)
			}
			n = n.kids[w]
			continue
		}
		if *p == nil {
			*p = new(plainNode)
		}
		n = *p
	}
	n.queues = append(n.queues, q)
}

func (n *plainNode) match(key string, more bool, out []*handle) []*handle {
	if n.any != nil {
		for k, m := key, more; ; {
			out = n.any.match(k, m, out)
			if !m {
				break
			}
			_, k, m = strings.Cut(k, ".")
		}
	}
	if !more {
	queues:
		for _, q := range n.queues {
			for _, p := range out {
				if p == q {
					continue queues
				}
			}
			out = append(out, q)
		}
		return out
	}
	w, rest, more := strings.Cut(key, ".")
	if k := n.kids[w]; k != nil {
		out = k.match(rest, more, out)
	}
	if n.star != nil {
		out = n.star.match(rest, more, out)
	}
	return out
}

// adversarial are patterns that make matchers explode which backtrack.
var adversarial = []string{"#.a.#.a.#.a.#.b", "#.#.#.#.b", "#.*.#.*.#.*.#.b", "#.a.#.a.#.a.#.a.#.a.#.a.#.a.#.a.#.b", "#.a.*.#.a.*.#.a.*.#.b"}

func BenchmarkAdversarial(b *testing.B) {
	for _, words := range []int{64, 127} {
		for _, p := range append(adversarial, "all") {
			b.Run(fmt.Sprintf("%dwords/%s", words, p), func(b *testing.B) {
				f := newFixture(b, pubsub.Topic, 10_000, 100)
				for _, a := range adversarial {
					if p == a || p == "all" {
						f.table, _ = f.table.Bind(pubsub.Binding{Exchange: f.exchange, Queue: "queue-0", Key: a})
					}
				}
				s := f.table.scratch.get()
				root := f.table.exchange(f.exchange).root
				key := strings.Repeat("a.", words-1) + "a"
				b.ReportAllocs()
				for b.Loop() {
					s.states.match(root, key)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(words), "ns/word")
			})
		}
	}
}

// BenchmarkBind binds one after another, with a route after each, as a program
// does that starts many receivers. One operation is one binding.
func BenchmarkBind(b *testing.B) {
	const n = 100_000
	for _, kind := range []pubsub.Kind{pubsub.Topic, pubsub.Direct, pubsub.Fanout} {
		b.Run(fmt.Sprintf("%s/%d", kind, n), func(b *testing.B) {
			f := newFixture(b, kind, n, n)
			into := make([]*handle, 0, 1024)
			start, _ := f.table.DeclareExchange(pubsub.Exchange{Name: "other", Kind: kind})
			b.ReportAllocs()
			b.ResetTimer()
			var t *Table[*handle]
			for i := range b.N {
				if i%n == 0 {
					t = start
				}
				bd := f.bindings[i%n]
				bd.Exchange = "other"
				t, _ = t.Bind(bd)
				t.Route(&Request{Exchange: "other", Key: bd.Key}, into)
			}
		})
	}
}

// BenchmarkMemory measures what lives on the heap for one binding, its queues
// not counted.
func BenchmarkMemory(b *testing.B) {
	live := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	for _, kind := range []pubsub.Kind{pubsub.Topic, pubsub.Direct, pubsub.Fanout, pubsub.Headers} {
		for _, n := range []int{1000, 100_000} {
			b.Run(fmt.Sprintf("%s/%d", kind, n), func(b *testing.B) {
				f := newFixture(b, kind, n, 1000)
				without, _ := f.table.DeleteExchange(f.exchange, false)
				bindings := f.bindings
				if kind == pubsub.Fanout && n > 1000 {
					// so that it is many queues, not many bindings of few
					without = New[*handle]()
					bindings = nil
					for i := range n {
						name := fmt.Sprintf("queue-%d", i)
						without = without.AddQueue(name, &handle{name})
						bindings = append(bindings, pubsub.Binding{Exchange: f.exchange, Queue: name})
					}
				}
				f.table = nil
				for b.Loop() {
					before := live()
					t, _ := without.DeclareExchange(pubsub.Exchange{Name: f.exchange, Kind: kind})
					for _, bd := range bindings {
						t, _ = t.Bind(bd)
					}
					t.Route(&Request{Exchange: f.exchange, Key: "a.b"}, nil)
					after := live()
					b.ReportMetric(float64(after-before)/float64(n), "bytes/binding")
					runtime.KeepAlive(t)
				}
				runtime.KeepAlive(bindings)
				runtime.KeepAlive(without)
			})
		}
	}
}
