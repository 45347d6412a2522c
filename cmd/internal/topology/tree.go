package topology

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gobindery/bindery/pubsub"
	"github.com/gobindery/bindery/pubsub/routing"
)

// tree is an explanation as a tree: exchanges, and the bindings of each.
func tree(x *routing.Explanation) string {
	if x.Refused != nil {
		return ""
	}
	t := &treeWriter{x: x}
	t.hop(0, "")
	switch n := len(x.Queues); {
	case n == 0:
		t.WriteString("no queue gets it: it is dropped, or returned if it is mandatory\n")
	default:
		fmt.Fprintf(t, "%s: ", map[bool]string{true: "1 queue gets it", false: fmt.Sprintf("%d queues get it", n)}[n == 1])
		for i, q := range x.Queues {
			if i > 0 {
				t.WriteString(", ")
			}
			fmt.Fprintf(t, "%q", q.Queue)
		}
		t.WriteString("\n")
	}
	return t.String()
}

type treeWriter struct {
	strings.Builder
	x *routing.Explanation
}

// line is a branch of the tree, and what is below it.
type line struct {
	text  string
	hop   int // the exchange that it leads to; -1 if none
	again bool
}

// hop writes an exchange, which its caller has named but for the first, and
// what is below it. It is as deep as there are exchanges at most.
func (t *treeWriter) hop(at int, indent string) {
	h := &t.x.Hops[at]
	if at == 0 {
		fmt.Fprintf(t, "%s\n", exchangeName(&h.Exchange))
	}
	var lines []line
	for i := range h.Bindings {
		b := &h.Bindings[i]
		mark, to, why := "✗", fmt.Sprintf("queue %q", b.Binding.Queue), ""
		if b.Binding.ToExchange != "" {
			to = fmt.Sprintf("exchange %q", b.Binding.ToExchange)
		}
		if b.Matched {
			mark = "✓"
			if b.Hop >= 0 && !b.Again {
				to = exchangeName(&t.x.Hops[b.Hop].Exchange)
			}
		} else {
			why = ": " + b.Why()
		}
		lines = append(lines, line{fmt.Sprintf("%s %s → %s%s", mark, asks(h.Exchange.Kind, &b.Binding), to, why), b.Hop, b.Again})
	}
	if h.Omitted > 0 {
		lines = append(lines, line{fmt.Sprintf("✗ %d more that don't match; --all shows them", h.Omitted), -1, false})
	}
	switch a := h.Alternate; {
	case a != nil && a.Missing:
		lines = append(lines, line{fmt.Sprintf("alternate exchange %q: missing, the message is dropped here", a.Exchange), -1, false})
	case a != nil:
		lines = append(lines, line{"nothing matches → alternate " + exchangeName(&t.x.Hops[a.Hop].Exchange), a.Hop, a.Again})
	case h.Matched == 0:
		lines = append(lines, line{"nothing matches: dropped here", -1, false})
	}
	for i, l := range lines {
		branch, below := "├─ ", "│  "
		if i == len(lines)-1 {
			branch, below = "└─ ", "   "
		}
		t.WriteString(indent + branch + l.text)
		if l.again {
			t.WriteString(", where it has been")
		}
		t.WriteString("\n")
		if l.hop >= 0 && !l.again {
			t.hop(l.hop, indent+below)
		}
	}
}

// exchangeName names an exchange with its type.
func exchangeName(e *pubsub.Exchange) string {
	if e.Name == "" {
		return "default exchange"
	}
	return fmt.Sprintf("exchange %q (%s)", e.Name, e.Kind)
}

// asks is what a binding asks for, in an exchange of a kind.
func asks(kind pubsub.Kind, b *pubsub.Binding) string {
	switch kind {
	case pubsub.Fanout:
		return "all"
	case pubsub.Headers:
		var all []string
		for _, name := range slices.Sorted(maps.Keys(b.Arguments)) {
			all = append(all, fmt.Sprintf("%s=%s", printable(name), printable(fmt.Sprint(b.Arguments[name]))))
		}
		return "{" + strings.Join(all, " ") + "}"
	}
	return fmt.Sprintf("%q", b.Key)
}
