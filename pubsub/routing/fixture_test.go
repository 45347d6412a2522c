package routing

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/gobindery/bindery/pubsub"
)

// handle stands for an adapter's queue.
type handle struct{ name string }

// fixture is an exchange with n bindings, and keys to route.
type fixture struct {
	table    *Table[*handle]
	exchange string
	bindings []pubsub.Binding
	seen     []string
	fresh    []string // different ones
	next     int      // which comes next
}

const million = 1 << 20

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

// keys makes the keys to route, n of them new. Where one came before, it gets
// a number of its own.
func (f *fixture) keys(n int) *fixture {
	rnd := rand.New(rand.NewPCG(2, 2))
	for range 1000 {
		f.seen = append(f.seen, benchKey(rnd, f.bindings))
	}
	there := make(map[string]bool, n)
	var arena strings.Builder // one string, so that reading keys costs little
	var ends []int
	for i := 0; len(there) < n; i++ {
		k := benchKey(rnd, f.bindings)
		if there[k] {
			dot := strings.LastIndexByte(k, '.')
			k = k[:dot+1] + strconv.Itoa(i)
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
