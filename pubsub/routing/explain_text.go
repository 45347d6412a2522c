package routing

import (
	"fmt"
	"strings"
)

// String tells the explanation as text, a line for each hop, binding and queue,
// indented by what leads where.
func (e *Explanation) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s with key %q", exchangeName(e.Exchange), e.Keys[0])
	if len(e.Keys) > 1 {
		fmt.Fprintf(&b, " and %q", e.Keys[1:])
	}
	if e.Refused != nil {
		fmt.Fprintf(&b, ": refused, %s\n", refusedBy(e.Refused))
		return b.String()
	}
	b.WriteString("\n")
	e.hop(&b, 0, "  ")
	if e.Unroutable() {
		b.WriteString("no queue: it is dropped, or returned if mandatory\n")
		return b.String()
	}
	for _, q := range e.Queues {
		fmt.Fprintf(&b, "queue %q gets it\n", q.Queue)
	}
	return b.String()
}

// hop writes what a hop does, and what the hops do that it leads to first. The
// depth is at most the number of exchanges.
func (e *Explanation) hop(b *strings.Builder, at int, indent string) {
	h := &e.Hops[at]
	fmt.Fprintf(b, "%s%s, %s: %d of %d bindings match\n", indent, exchangeName(h.Exchange.Name), h.Exchange.Kind, h.Matched, len(h.Bindings)+h.Omitted)
	indent += "  "
	for i := range h.Bindings {
		t := &h.Bindings[i]
		to := fmt.Sprintf("queue %q", t.Binding.Queue)
		if t.Binding.ToExchange != "" {
			to = fmt.Sprintf("exchange %q", t.Binding.ToExchange)
		}
		if !t.Matched {
			fmt.Fprintf(b, "%s- %s by %s: %s\n", indent, to, by(t), t.Why())
			continue
		}
		fmt.Fprintf(b, "%s+ %s by %s\n", indent, to, by(t))
		e.follow(b, t.Hop, t.Again, indent)
	}
	if h.Omitted > 0 {
		fmt.Fprintf(b, "%s- %d more that don't match\n", indent, h.Omitted)
	}
	switch a := h.Alternate; {
	case a != nil && a.Missing:
		fmt.Fprintf(b, "%salternate exchange %q is missing: dropped here\n", indent, a.Exchange)
	case a != nil:
		fmt.Fprintf(b, "%salternate exchange %q\n", indent, a.Exchange)
		e.follow(b, a.Hop, a.Again, indent)
	case h.Matched == 0:
		fmt.Fprintf(b, "%sdropped here\n", indent)
	}
}

func (e *Explanation) follow(b *strings.Builder, hop int, again bool, indent string) {
	switch {
	case again:
		fmt.Fprintf(b, "%s  where it has been\n", indent)
	case hop >= 0:
		e.hop(b, hop, indent+"  ")
	}
}

// Why says in a line why a binding does not match; it is empty for one that
// does.
func (t *Tried) Why() string {
	var all []string
	for _, m := range t.Misses {
		s := m.String()
		if len(t.Misses) > 1 && m.Header == "" {
			s = fmt.Sprintf("key %q: %s", m.Key, s)
		}
		all = append(all, s)
	}
	return strings.Join(all, "; ")
}

// by is what a binding asks for.
func by(t *Tried) string {
	s := fmt.Sprintf("%q", t.Binding.Key)
	if len(t.Binding.Arguments) > 0 {
		s += " " + strings.TrimPrefix(fmt.Sprint(t.Binding.Arguments), "map")
	}
	return s
}

func exchangeName(name string) string {
	if name == "" {
		return "the default exchange"
	}
	return fmt.Sprintf("exchange %q", name)
}
