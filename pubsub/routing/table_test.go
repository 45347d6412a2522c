package routing

import (
	"slices"
	"strings"
	"testing"

	"github.com/gobindery/bindery/pubsub"
)

func TestLists(t *testing.T) {
	x := vhost(t, "b fanout\na topic\na -> q b\na -> q a\na -> p c\na -> b x\nb -> a\nb -> q")
	var got []string
	for b := range x.Bindings() {
		got = append(got, b.Exchange+" "+b.Queue+b.ToExchange+" "+b.Key)
	}
	if want := []string{"a b x", "a p c", "a q a", "a q b", "b a ", "b q "}; !slices.Equal(got, want) {
		t.Errorf("bindings %q, want %q", got, want)
	}
	got = nil
	for name := range x.Queues() {
		got = append(got, name)
	}
	if want := []string{"p", "q"}; !slices.Equal(got, want) {
		t.Errorf("queues %q, want %q", got, want)
	}
	for range x.Exchanges() {
		break // must not panic
	}
	for range x.Bindings() {
		break
	}
	for range x.Queues() {
		break
	}
	e := mustDeclare(t, x, pubsub.Exchange{Name: "args", Kind: pubsub.Fanout, Arguments: pubsub.Table{"a": []byte("x")}})
	spec, _ := e.Exchange("args")
	spec.Arguments["a"].([]byte)[0] = 'y'
	if spec, _ = e.Exchange("args"); string(spec.Arguments["a"].([]byte)) != "x" {
		t.Error("a reader's change reached the Table")
	}
	given := pubsub.Exchange{Name: "given", Kind: pubsub.Fanout, Arguments: pubsub.Table{"a": "x"}}
	e = mustDeclare(t, x, given)
	given.Arguments["a"] = "y"
	if spec, _ = e.Exchange("given"); spec.Arguments["a"] != "x" {
		t.Error("a caller's change reached the Table")
	}
}

// TestIDs checks that what comes and goes for ever takes no more and more ids.
func TestIDs(t *testing.T) {
	x := New[string]()
	before := x.ids
	for i := range 100 {
		x = addedQueue(mustDeclare(t, x, pubsub.Exchange{Name: "x", Kind: pubsub.Topic, AutoDelete: i%2 == 0}), "q")
		x = mustBind(t, x, pubsub.Binding{Exchange: "x", Queue: "q"})
		x = x.RemoveQueue("q")
		x, _ = x.DeleteExchange("x", false)
	}
	if x.ids > before+2 {
		t.Errorf("%d ids, want %d", x.ids, before+2)
	}
}

// TestCollisions has names, keys and words whose hashes are equal, and checks
// that they are told apart.
func TestCollisions(t *testing.T) {
	old := secretStep
	secretStep = 0x6161616161616161 // "aaaaaaaa" undoes it, and with it what comes next
	defer func() { secretStep = old }()
	var names []string
	for _, c := range "bcd" {
		names = append(names, "aaaaaaaa"+strings.Repeat(string(c), 8)+strings.Repeat("e", 17))
	}
	if hashString(names[0]) != hashString(names[1]) || hashWord(names[0]) != hashWord(names[2]) {
		t.Fatal("the names don't collide")
	}
	for _, kind := range pubsub.Kinds() {
		x := New[string]()
		for _, n := range names {
			x = addedQueue(x, n)
			x = mustDeclare(t, x, pubsub.Exchange{Name: n + "x", Kind: kind})
			for _, m := range names {
				x = mustDeclare(t, x, pubsub.Exchange{Name: n + "x", Kind: kind})
				x = mustBind(t, addedQueue(x, m), pubsub.Binding{Exchange: n + "x", Queue: m, Key: m, Arguments: pubsub.Table{m: m}})
			}
		}
		for _, n := range names {
			for _, m := range names {
				want := []string{m}
				if kind == pubsub.Fanout {
					want = names
				}
				expect(t, x, &Request{Exchange: n + "x", Key: m, Headers: pubsub.Table{m: m}}, slices.Clone(want)...)
			}
			expect(t, x, &Request{Key: n}, n)
		}
		for _, n := range names {
			x = x.RemoveQueue(n)
			for _, m := range names {
				_, ok := x.Queue(m)
				if left := m > n; ok != left {
					t.Fatalf("%s: without %q: queue %q is there: %v", kind, n, m, ok)
				}
			}
		}
	}
}
