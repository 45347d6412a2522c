package graph

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/gobindery/bindery/pubsub"
)

// label is what a binding says in a drawing.
func (g *Graph) label(b *pubsub.Binding) string {
	return labelOf(g.Nodes[g.exchange(b.Exchange)].Exchange.Kind, b)
}

// labelOf is what a binding from an exchange of a kind asks for; nothing where
// that ignores it.
func labelOf(kind pubsub.Kind, b *pubsub.Binding) string {
	switch kind {
	case pubsub.Fanout:
		return ""
	case pubsub.Headers:
		var all []string
		for _, name := range slices.Sorted(maps.Keys(b.Arguments)) {
			if match, ok := b.Arguments[name].(string); ok && name == "x-match" && match != "all" {
				all = slices.Insert(all, 0, show(match)+" of")
				continue
			} else if ok && name == "x-match" {
				continue // as without it
			}
			text := show(name)
			if v := b.Arguments[name]; v != nil {
				text += "=" + show(value(v))
			}
			all = append(all, text)
		}
		if all == nil {
			return "no headers"
		}
		return strings.Join(all, " ")
	}
	return show(b.Key)
}

func value(v any) string {
	if b, ok := v.([]byte); ok {
		return string(b)
	}
	return fmt.Sprint(v)
}

// show is a name or a key as a drawing shows it: quoted if it is empty, and
// without what can't be seen.
func show(s string) string {
	if s == "" {
		return `""`
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsGraphic(r) {
			return r
		}
		return unicode.ReplacementChar
	}, s)
}

// Title names a node.
func (n *Node) Title() string {
	if n.Name == "" && n.Exchange != nil {
		return "(default exchange)"
	}
	return show(n.Name)
}

// Detail says in a few words what it is and holds.
func (n *Node) Detail() string {
	switch {
	case n.Missing:
		return "missing"
	case n.Queue != nil:
		return counts(n.Queue)
	}
	text := string(n.Exchange.Kind)
	for _, p := range []struct {
		is   bool
		name string
	}{{n.Exchange.Durable, "durable"}, {n.Exchange.AutoDelete, "auto-delete"}, {n.Exchange.Internal, "internal"}} {
		if p.is {
			text += ", " + p.name
		}
	}
	return text
}

func counts(q *pubsub.QueueStatus) string {
	text := fmt.Sprintf("%d ready", q.Ready)
	if q.Unacked > 0 {
		text += fmt.Sprintf(", %d unacked", q.Unacked)
	}
	switch q.Consumers {
	case 0:
		return text + ", no consumer"
	case 1:
		return text + ", 1 consumer"
	}
	return fmt.Sprintf("%s, %d consumers", text, q.Consumers)
}

// caption is an edge's text, of at most that many columns: what the bindings
// ask for, as many as there is room for.
func (e *Edge) caption(most int) string {
	before := ""
	if e.Kind != Bound {
		before = e.Kind.words()
	}
	if len(e.Labels) == 0 {
		return cut(before, most)
	}
	if before != "" {
		before += " by "
	}
	texts := make([]string, len(e.Labels))
	for i, l := range e.Labels {
		texts[i] = l.Text
	}
	for n := len(texts); n > 1; n-- {
		text := before + strings.Join(texts[:n], ", ")
		if n < len(texts) {
			text += fmt.Sprintf(" +%d", len(texts)-n)
		}
		if cells(text) <= most {
			return text
		}
	}
	after := ""
	if len(texts) > 1 {
		after = fmt.Sprintf(" +%d", len(texts)-1)
	}
	return before + cut(texts[0], max(1, most-cells(before+after))) + after
}

// words is a kind as people say it.
func (k EdgeKind) words() string {
	if k == DeadLetter {
		return "dead letters"
	}
	return string(k)
}
