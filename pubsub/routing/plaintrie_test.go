package routing

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gobindery/bindery/pubsub"
)

func BenchmarkPlainTrie(b *testing.B) {
	for _, n := range []int{10, 1000, 100_000} {
		b.Run(fmt.Sprintf("topic/%d", n), func(b *testing.B) {
			f := newFixture(b, pubsub.Topic, n, min(n, 1000)).keys(million)
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
