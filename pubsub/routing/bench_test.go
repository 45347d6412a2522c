package routing

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"github.com/gobindery/bindery/pubsub"
)

// The benchmarks' names say what is measured: BenchmarkRoute/topic/1000/seen
// is a topic exchange with 1,000 bindings and keys that come again and again;
// new is keys that never came before. BenchmarkPlainTrie is the same work done
// by the trie that one writes first: the thing to beat.

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
	for range b.N {
		r.Key = keys[f.next%len(keys)] // go on where the last run ended, or new keys come again
		f.next++
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
			f := newFixture(b, pubsub.Topic, n, min(n, 1000)).keys(million)
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
	f := newFixture(b, pubsub.Topic, 1000, 1000).keys(million)
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
					s.states.done()
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
					each := float64(after-before) / float64(n)
					if each > 500 {
						b.Errorf("%.0f bytes a binding; 500 are allowed", each)
					}
					b.ReportMetric(each, "bytes/binding")
					runtime.KeepAlive(t)
				}
				runtime.KeepAlive(bindings)
				runtime.KeepAlive(without)
			})
		}
	}
}
