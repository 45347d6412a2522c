package routing

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/gobindery/bindery/pubsub"
)

func mustDeclare(t testing.TB, x *Table[string], e pubsub.Exchange) *Table[string] {
	t.Helper()
	n, err := x.DeclareExchange(e)
	if err != nil {
		t.Fatalf("declare %+v: %v", e, err)
	}
	return n
}

func mustBind(t testing.TB, x *Table[string], b pubsub.Binding) *Table[string] {
	t.Helper()
	n, err := x.Bind(b)
	if err != nil {
		t.Fatalf("bind %v: %v", b, err)
	}
	return n
}

func mustUnbind(t testing.TB, x *Table[string], b pubsub.Binding) *Table[string] {
	t.Helper()
	n, err := x.Unbind(b)
	if err != nil {
		t.Fatalf("unbind %v: %v", b, err)
	}
	return n
}

// expect routes often enough for every way through the code: before there is a
// cache, with one, and from it.
func expect(t testing.TB, x *Table[string], r *Request, want ...string) {
	t.Helper()
	slices.Sort(want)
	for i := range warmUp + 3 {
		got, err := x.Route(r, nil)
		got = slices.Sorted(slices.Values(got))
		if err != nil || !slices.Equal(got, want) {
			t.Fatalf("route %d of %+v: got %q (%v), want %q", i, r, got, err, want)
		}
	}
}

func expectErr(t testing.TB, what string, err, sentinel error, text string) {
	t.Helper()
	if !errors.Is(err, sentinel) || err.Error() != sentinel.Error()+": "+text {
		t.Errorf("%s: got error %q, want %q wrapping %q", what, err, text, sentinel)
	}
}

// vhost is a Table made from lines: "x fanout", "x direct auto-delete
// internal alternate=y" declare an exchange, "x -> y key" binds to an exchange
// or, if there is no such exchange, to a queue, which is made.
func vhost(t testing.TB, lines string) *Table[string] {
	t.Helper()
	return vhostMore(t, New[string](), lines)
}

func vhostMore(t testing.TB, x *Table[string], lines string) *Table[string] {
	t.Helper()
	for _, line := range strings.Split(strings.TrimSpace(lines), "\n") {
		f := strings.Fields(line)
		if f[1] != "->" {
			e := pubsub.Exchange{Name: f[0], Kind: pubsub.Kind(f[1])}
			for _, o := range f[2:] {
				switch name, ok := strings.CutPrefix(o, "alternate="); {
				case ok:
					e.Alternate = name
				case o == "auto-delete":
					e.AutoDelete = true
				case o == "internal":
					e.Internal = true
				default:
					t.Fatal(line)
				}
			}
			x = mustDeclare(t, x, e)
			continue
		}
		x = mustBind(t, addedQueue(x, f[2]), arrow(x, line))
	}
	return x
}

func addedQueue(x *Table[string], name string) *Table[string] {
	if _, ok := x.Exchange(name); ok {
		return x
	}
	return x.AddQueue(name, name)
}

// arrow is the binding that a line of vhost stands for.
func arrow(x *Table[string], line string) pubsub.Binding {
	f := append(strings.Fields(line), "")
	b := pubsub.Binding{Exchange: f[0], Key: f[3]}
	if _, ok := x.Exchange(f[2]); ok {
		b.ToExchange = f[2]
	} else {
		b.Queue = f[2]
	}
	return b
}

func exchangeNames(x *Table[string]) string {
	var names []string
	for e := range x.Exchanges() {
		if !strings.HasPrefix(e.Name, "amq.") {
			names = append(names, e.Name)
		}
	}
	return strings.Join(names, " ")
}
