package routing

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobindery/bindery/pubsub"
)

// every is the keys of the matrix below.
var every = []string{"", "a", "b", "a.b", "a.b.c", "a.x.b", "a..b", ".", "..", "a.", ".a", "b.a.c", "A", "a.#b", "a#", "*", "#", "a.*", "xa", "a.a", "b.a", "a.b.a", "b.x.a"}

// matrix is which of the keys each pattern matches, as RabbitMQ 3.10.8 answered.
var matrix = []struct {
	pattern string
	keys    []string
}{
	{"#", every},
	{"*", []string{"a", "b", "A", "a#", "*", "#", "xa"}},
	{"#.#", every},
	{"*.#", []string{"a", "b", "a.b", "a.b.c", "a.x.b", "a..b", ".", "..", "a.", ".a", "b.a.c", "A", "a.#b", "a#", "*", "#", "a.*", "xa", "a.a", "b.a", "a.b.a", "b.x.a"}},
	{"#.*", []string{"a", "b", "a.b", "a.b.c", "a.x.b", "a..b", ".", "..", "a.", ".a", "b.a.c", "A", "a.#b", "a#", "*", "#", "a.*", "xa", "a.a", "b.a", "a.b.a", "b.x.a"}},
	{"*.*", []string{"a.b", ".", "a.", ".a", "a.#b", "a.*", "a.a", "b.a"}},
	{"#.a.#", []string{"a", "a.b", "a.b.c", "a.x.b", "a..b", "a.", ".a", "b.a.c", "a.#b", "a.*", "a.a", "b.a", "a.b.a", "b.x.a"}},
	{"a.#", []string{"a", "a.b", "a.b.c", "a.x.b", "a..b", "a.", "a.#b", "a.*", "a.a", "a.b.a"}},
	{"#.a", []string{"a", ".a", "a.a", "b.a", "a.b.a", "b.x.a"}},
	{"a.*", []string{"a.b", "a.", "a.#b", "a.*", "a.a"}},
	{"a.#.b", []string{"a.b", "a.x.b", "a..b"}},
	{"a.*.b", []string{"a.x.b", "a..b"}},
	{"", []string{""}},
	{"a", []string{"a"}},
	{"a..b", []string{"a..b"}},
	{".", []string{"."}},
	{"*.", []string{".", "a."}},
	{"..", []string{".."}},
	{"#.#.#", every},
	{"a.b.#.#", []string{"a.b", "a.b.c", "a.b.a"}},
	{"*.#.*", []string{"a.b", "a.b.c", "a.x.b", "a..b", ".", "..", "a.", ".a", "b.a.c", "a.#b", "a.*", "a.a", "b.a", "a.b.a", "b.x.a"}},
	{"#.*.#", []string{"a", "b", "a.b", "a.b.c", "a.x.b", "a..b", ".", "..", "a.", ".a", "b.a.c", "A", "a.#b", "a#", "*", "#", "a.*", "xa", "a.a", "b.a", "a.b.a", "b.x.a"}},
	{"A", []string{"A"}},
	{"a.#b", []string{"a.#b"}},
	{"a#", []string{"a#"}},
	{"*a", []string{}},
	{"#.b.#.a.#", []string{"b.a.c", "b.a", "a.b.a", "b.x.a"}},
}

// TestTopicMatrix tries each pattern alone, then all in one trie.
func TestTopicMatrix(t *testing.T) {
	var all *node[string]
	for _, m := range matrix {
		alone := topicTrie(m.pattern)
		all = insert(all, m.pattern)
		for _, key := range every {
			want := slices.Contains(m.keys, key)
			if got := len(matched(alone, key)) == 1; got != want {
				t.Errorf("pattern %q, key %q: got %v, want %v", m.pattern, key, got, want)
			}
		}
	}
	for _, key := range every {
		var want []string
		for _, m := range matrix {
			if slices.Contains(m.keys, key) {
				want = append(want, m.pattern)
			}
		}
		slices.Sort(want)
		if got := matched(all, key); !slices.Equal(got, want) {
			t.Errorf("key %q: got patterns %q, want %q", key, got, want)
		}
	}
}

func topicTrie(patterns ...string) (root *node[string]) {
	for _, p := range patterns {
		root = insert(root, p)
	}
	return root
}

func insert(root *node[string], pattern string) *node[string] {
	return root.with(splitPattern(pattern), topicBinding(pattern))
}

func without(root *node[string], pattern string) *node[string] {
	return root.without(splitPattern(pattern), topicBinding(pattern))
}

// topicBinding is the binding to a queue that has the pattern as its name.
func topicBinding(pattern string) *binding[string] {
	b, ok := topicBindings.Load(pattern)
	if !ok {
		to := newQueueTarget(pattern, pattern, uint32(hashString(pattern)))
		b, _ = topicBindings.LoadOrStore(pattern, newBinding(newExchangeTarget[string]("x", 0), to, pattern, nil))
	}
	return b.(*binding[string])
}

var topicBindings sync.Map

// matched returns the patterns that match, sorted, and each as often as it was
// found. It asks both ways of matching.
func matched(root *node[string], key string) []string {
	var s states[string]
	var out []string
	for _, g := range s.match(root, key) {
		out = append(out, g.dests().queues...)
	}
	slices.Sort(out)
	if root == nil {
		return out
	}
	d := descent[string]{key: key}
	d.from(root, 0, 0)
	if got := slices.Sorted(slices.Values(d.result())); !d.gaveUp && !slices.Equal(got, out) {
		panic(fmt.Sprintf("key %q: descent found %q, states found %q", key, got, out))
	}
	return out
}

func TestSplitPattern(t *testing.T) {
	for _, c := range []struct{ pattern, want string }{
		{"", ""}, {"a", "a"}, {".", " "}, {"a.b", "a b"}, {"#", "#"}, {"#.#", "#"}, {"#.*", "* #"}, {"*.#", "* #"}, {"#.*.#.*.#", "* * #"},
		{"#.a.#", "# a #"}, {"a.#.*.b", "a * # b"}, {"#.#.#.#.b", "# b"}, {"*.*", "* *"}, {"a#.*b", "a# *b"}, {"#.", "# "}, {"#..#", "#  #"},
	} {
		if got := strings.Join(splitPattern(c.pattern), " "); got != c.want {
			t.Errorf("splitPattern(%q) = %q, want %q", c.pattern, got, c.want)
		}
	}
}

// TestTopicShares checks that equivalent patterns share a node, and stay
// bindings of their own.
func TestTopicShares(t *testing.T) {
	x := New[string]().AddQueue("q", "q")
	for i, p := range []string{"#", "#.#", "#.#.#"} {
		x = mustBind(t, x, pubsub.Binding{Exchange: "amq.topic", Queue: "q", Key: p})
		if n := x.exchange("amq.topic").root; n.any == nil || n.any.any != nil || n.any.group.empty() {
			t.Fatalf("%q is not at the node of %q", p, "#")
		}
		expect(t, x, &Request{Exchange: "amq.topic", Key: "a.b"}, "q")
		if got := len(slices.Collect(x.Bindings())); got != i+1 {
			t.Fatalf("%d bindings, want %d", got, i+1)
		}
	}
	x = mustUnbind(t, x, pubsub.Binding{Exchange: "amq.topic", Queue: "q", Key: "#.#"})
	expect(t, x, &Request{Exchange: "amq.topic", Key: "a.b"}, "q")
	var left []string
	for b := range x.Bindings() {
		left = append(left, b.Key)
	}
	if want := []string{"#", "#.#.#"}; !slices.Equal(left, want) {
		t.Errorf("bindings left: %q, want %q", left, want)
	}
}

// TestTopicEmpties checks that nothing is left of patterns that are taken away.
func TestTopicEmpties(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 7))
	var root *node[string]
	patterns := map[string]bool{}
	for len(patterns) < 2000 {
		patterns[randomPattern(rnd, "abcdefghijklmnopqrstuvwxyz", 5)] = true
	}
	for p := range patterns {
		root = insert(root, p)
	}
	for p := range patterns {
		if root == nil {
			t.Fatal("the trie is empty too early")
		}
		root = without(root, p)
	}
	if root != nil {
		t.Errorf("what is left of an empty trie: %+v", root)
	}
}

func randomPattern(rnd *rand.Rand, letters string, most int) string {
	var p []string
	for range rnd.IntN(most + 1) {
		switch rnd.IntN(5) {
		case 0:
			p = append(p, "*")
		case 1:
			p = append(p, "#")
		default:
			i := rnd.IntN(len(letters))
			p = append(p, strings.Repeat(letters[i:i+1], 1+rnd.IntN(2)*9))
		}
	}
	return strings.Join(p, ".")
}

// TestTopicAdversarial checks patterns that make matchers explode which
// backtrack, beside many others. Each match must be quick: had one to try all
// ways, the first alone would outlast the universe.
func TestTopicAdversarial(t *testing.T) {
	root := topicTrie(adversarial...)
	for i := range 10_000 {
		root = insert(root, fmt.Sprintf("a.a.%d", i))
	}
	start := time.Now()
	for _, words := range []int{64, 127} {
		key := strings.Repeat("a.", words-1) + "a"
		if got := matched(root, key); len(got) != 0 {
			t.Errorf("%d words a: got %q, want none", words, got)
		}
		key = key[:len(key)-1] + "b"
		if got, want := matched(root, key), slices.Sorted(slices.Values(adversarial)); !slices.Equal(got, want) {
			t.Errorf("%d words a, then b: got %q, want %q", words, got, want)
		}
	}
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("four keys took %v", d)
	}
}

// TestTopicLong has keys of every length up to the longest that AMQP allows.
func TestTopicLong(t *testing.T) {
	var root *node[string]
	for words := 1; words <= 128; words++ {
		key := strings.Repeat("a.", words-1) + "a"
		patterns := []string{key, "*" + key[1:], key[:len(key)-1] + "*"}
		for _, p := range patterns {
			root = insert(root, p)
		}
		slices.Sort(patterns)
		if got, want := matched(root, key), slices.Compact(patterns); !slices.Equal(got, want) {
			t.Fatalf("%d words: got %q, want %q", words, got, want)
		}
		if got := matched(root, key+".a"); len(got) != 0 {
			t.Fatalf("%d words more than any pattern: got %q", words+1, got)
		}
	}
}

// TestTopicWork bounds the number of nodes that one word of a key can reach:
// each node at most once, for any patterns.
func TestTopicWork(t *testing.T) {
	rnd := rand.New(rand.NewPCG(9, 9))
	for range 200 {
		var root *node[string]
		nodes := 1
		for range 60 {
			p := randomPattern(rnd, "ab", 12)
			nodes += len(splitPattern(p))
			root = insert(root, p)
		}
		key := strings.Repeat("a.", 20+rnd.IntN(40)) + "b"
		var s states[string]
		found := s.match(root, key)
		if reached := len(s.next) + len(s.looping); reached > nodes {
			t.Fatalf("key %q: %d states after the last word, but only %d nodes", key, reached, nodes)
		}
		for i, g := range found {
			if slices.Contains(found[:i], g) {
				t.Fatalf("key %q: a group was found twice", key)
			}
		}
		s.done()
	}
}

// FuzzTopicMatch compares the trie with trying everything. The patterns are
// the lines of one string.
func FuzzTopicMatch(f *testing.F) {
	f.Add("#\n*\n#.a.#\na.*.b", "a.x.b")
	f.Add("#.a.#.a.#.a.#.b\n#.#.#.#.b\n#.*.#.*.#.*.#.b", "a.a.a.a.a.b")
	f.Add("\n.\n..\na..b", "a..b")
	f.Add("longerword.#.longerword\nlongerwore.#\n#.longerword", "longerword.longerword")
	f.Add("a.#.b.#.c.#\n#.a\n#.b\n#.c\n#.d\n#.e\n#.f\n#.g\n#.h.#\n#.i\n#.j.*", "a.h.i.b.j.c")
	f.Fuzz(func(t *testing.T, lines, key string) {
		patterns := strings.Split(lines, "\n")
		slices.Sort(patterns)
		patterns = slices.Compact(patterns)
		root := topicTrie(patterns...)
		var want []string
		for _, p := range patterns {
			if naiveTopic(p, key) {
				want = append(want, p)
			}
		}
		if got := matched(root, key); !slices.Equal(got, want) {
			t.Fatalf("patterns %q, key %q: got %q, want %q", patterns, key, got, want)
		}
		// Without every other one, those that are left must still match.
		want = slices.DeleteFunc(want, func(p string) bool { return slices.Index(patterns, p)%2 == 0 })
		for i := 0; i < len(patterns); i += 2 {
			root = without(root, patterns[i])
		}
		if got := matched(root, key); !slices.Equal(got, want) {
			t.Fatalf("patterns %q without every other, key %q: got %q, want %q", patterns, key, got, want)
		}
	})
}
