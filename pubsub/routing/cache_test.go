package routing

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gobindery/bindery/pubsub"
)

// TestNoAllocation checks that keys which came before, keys which never came,
// and whatever needs no search cost no memory.
func TestNoAllocation(t *testing.T) {
	if raceEnabled {
		t.Log("the race detector empties pools at random: only routes that need none are checked")
	}
	f := newFixture(t, pubsub.Topic, 1000, 100).keys(60_000)
	looping, _ := f.table.Bind(pubsub.Binding{Exchange: f.exchange, Queue: "queue-0", Key: "#.stock1.#.log7"})
	into := make([]*handle, 0, 1024)
	next := 0
	for _, c := range []struct {
		name  string
		table *Table[*handle]
		keys  []string
		pool  bool // needs scratch memory
	}{
		{"keys seen lately", f.table, f.seen[:100], false},
		{"new keys", f.table, f.fresh, true}, // a few times a key is taken for another
		{"new keys, a pattern with words after #", looping, f.fresh, true},
	} {
		r := &Request{Exchange: f.exchange}
		for range 5000 {
			r.Key = c.keys[next%len(c.keys)]
			next++
			c.table.Route(r, into)
		}
		if c.pool && raceEnabled {
			continue
		}
		if n := testing.AllocsPerRun(20_000, func() {
			r.Key = c.keys[next%len(c.keys)]
			next++
			c.table.Route(r, into)
		}); n != 0 {
			t.Errorf("%s: %v allocations a route", c.name, n)
		}
	}
	for _, kind := range []pubsub.Kind{pubsub.Direct, pubsub.Fanout, pubsub.Headers} {
		f := newFixture(t, kind, 100, 100)
		r := &Request{Exchange: f.exchange, Key: f.bindings[7].Key, Headers: f.bindings[7].Arguments}
		f.table.Route(r, into)
		if kind == pubsub.Headers && raceEnabled {
			continue
		}
		if n := testing.AllocsPerRun(1000, func() { f.table.Route(r, into) }); n != 0 {
			t.Errorf("%s: %v allocations a route", kind, n)
		}
	}
}

// TestCacheLazy checks that a Table that is soon replaced makes no cache, and
// that a change of one exchange leaves the cache of another alone.
func TestCacheLazy(t *testing.T) {
	x := vhost(t, "a topic\nb topic\na -> q #\nb -> q #")
	for range warmUp - 1 {
		x.Route(&Request{Exchange: "a", Key: "k"}, nil)
	}
	if x.exchange("a").recent.Load() != nil {
		t.Error("there is a cache already")
	}
	x.Route(&Request{Exchange: "a", Key: "k"}, nil)
	c := x.exchange("a").recent.Load()
	if c == nil {
		t.Fatal("there is no cache yet")
	}
	x = mustBind(t, x, pubsub.Binding{Exchange: "b", Queue: "q", Key: "k"})
	if x.exchange("a").recent.Load() != c {
		t.Error("binding to b cost a its cache")
	}
	x = mustBind(t, x, pubsub.Binding{Exchange: "a", Queue: "q", Key: "k"})
	if x.exchange("a").recent.Load() != nil {
		t.Error("the cache outlived a binding")
	}
}

// TestCacheAdmits checks that a key is remembered at its second time.
func TestCacheAdmits(t *testing.T) {
	x := vhost(t, "a topic\na -> q k\na -> r #")
	r := &Request{Exchange: "a", Key: "k"}
	expect(t, x, &Request{Exchange: "a", Key: "other"}, "r")
	c := x.exchange("a").recent.Load()
	for i, want := range []bool{false, true, true} {
		x.Route(r, nil)
		if got := c.get("k", hashString("k")) != nil; got != want {
			t.Errorf("remembered after %d times: %v, want %v", i+1, got, want)
		}
	}
	got, _ := x.Route(r, nil)
	if got = append(got, "mine"); got[0] == "mine" {
		t.Fatal(got)
	}
	expect(t, x, r, "q", "r")
}

// TestCacheGrows sends more keys round and round than a small cache holds.
func TestCacheGrows(t *testing.T) {
	x := vhost(t, "a topic\na -> q #.even\na -> r #.odd\na -> s #")
	word := []string{"even", "odd"}
	queue := []string{"q", "r"}
	var into []string
	const keys = 3000
	for round := range 40 {
		hits := 0
		for i := range keys {
			r := &Request{Exchange: "a", Key: fmt.Sprintf("w%d.%s", i, word[i%2])}
			if c := x.exchange("a").recent.Load(); c != nil && c.get(r.Key, hashString(r.Key)) != nil {
				hits++
			}
			got, err := x.Route(r, into)
			if err != nil || len(got) != 2 || !slices.Contains(got, "s") || !slices.Contains(got, queue[i%2]) {
				t.Fatalf("round %d, key %q: got %q (%v)", round, r.Key, got, err)
			}
		}
		if hits > keys*9/10 {
			return
		}
	}
	t.Errorf("after 40 rounds of %d keys, less than nine in ten are remembered", keys)
}

// TestCacheWeight checks that what a cache holds is bounded, however many
// queues the keys lead to.
func TestCacheWeight(t *testing.T) {
	x := New[int]()
	for i := range 1000 {
		name := fmt.Sprint("q", i)
		x = x.AddQueue(name, i)
		for _, p := range []string{"#", fmt.Sprintf("*.%d", i%2)} {
			n, err := x.Bind(pubsub.Binding{Exchange: "amq.topic", Queue: name, Key: p})
			if err != nil {
				t.Fatal(err)
			}
			x = n
		}
	}
	var into []int
	for i := range 4000 {
		r := &Request{Exchange: "amq.topic", Key: fmt.Sprintf("%d.%d", i/4, i%4)}
		for range 3 {
			got, err := x.Route(r, into)
			if err != nil || len(got) != 1000 {
				t.Fatalf("key %q: %d queues (%v)", r.Key, len(got), err)
			}
			if cap(got) > len(got) && cap(got) > cap(into) {
				into = got[:0]
			}
		}
	}
	c := x.exchange("amq.topic").recent.Load()
	var weight int64
	for i := range c.buckets {
		for j := range c.buckets[i].entries {
			if e := c.buckets[i].entries[j].Load(); e != nil {
				weight += e.weight
			}
		}
	}
	if got := c.weight.Load(); weight != got || weight > mostWeight {
		t.Errorf("the cache holds lists of %d queues and counts %d; %d are allowed", weight, got, mostWeight)
	}
}

// TestConcurrent has readers on snapshots while writers make new ones, from
// the current one and from old ones, so that they share as much as can be.
func TestConcurrent(t *testing.T) {
	const queues = 300
	kinds := []string{"fanout", "topic", "direct", "headers"}
	start := vhost(t, "fanout fanout\ntopic topic\ndirect direct\nheaders headers")
	for i := range queues {
		start = start.AddQueue(fmt.Sprint(i), fmt.Sprint(i))
	}
	var current atomic.Pointer[Table[string]]
	current.Store(start)
	var writers, readers sync.WaitGroup
	done := make(chan struct{})
	for range 3 {
		readers.Go(func() {
			var into []string
			for i := 0; ; i++ {
				select {
				case <-done:
					return
				default:
				}
				x := current.Load()
				n := -1
				for _, k := range kinds {
					got, err := x.Route(&Request{Exchange: k, Key: "k.k"}, into)
					if err != nil {
						t.Error(err)
						return
					}
					// The queues are those up to some number, each once: every
					// exchange has the same bindings.
					if n < 0 {
						n = len(got)
					}
					seen := map[string]bool{}
					for _, q := range got {
						seen[q] = true
					}
					if len(got) != n || len(seen) != n {
						t.Errorf("%s: %d queues, %d of them different, want %d", k, len(got), len(seen), n)
						return
					}
					for i := range n {
						if !seen[fmt.Sprint(i)] {
							t.Errorf("%s: %d queues, but not %d", k, n, i)
							return
						}
					}
				}
			}
		})
	}
	for w := range 2 {
		writers.Go(func() {
			x := start
			for i := range queues {
				old := x
				for _, k := range kinds {
					x = mustBind(t, x, pubsub.Binding{Exchange: k, Queue: fmt.Sprint(i), Key: "k.k"})
				}
				if i%7 == w { // another one from the same place, thrown away
					y := mustBind(t, old, pubsub.Binding{Exchange: "fanout", Queue: fmt.Sprint((i + 50) % queues), Key: "other"})
					y.Route(&Request{Exchange: "fanout"}, nil)
				}
				current.Store(x)
			}
			for i := queues - 1; i >= 0; i-- {
				if i%2 == 0 {
					x = x.RemoveQueue(fmt.Sprint(i))
				} else {
					for _, k := range kinds {
						x = mustUnbind(t, x, pubsub.Binding{Exchange: k, Queue: fmt.Sprint(i), Key: "k.k"})
					}
				}
				current.Store(x)
			}
		})
	}
	writers.Wait()
	close(done)
	readers.Wait()
}
