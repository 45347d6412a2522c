package graph

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// WriteDOT writes the graph in Graphviz's language. See
// https://graphviz.org/doc/info/lang.html. Errors are those of w.
func (g *Graph) WriteDOT(w io.Writer) error {
	var b strings.Builder
	b.WriteString("digraph topology {\n  rankdir=LR\n  node [fontname=\"monospace\" fontsize=11]\n  edge [fontname=\"monospace\" fontsize=9 color=\"#6e7781\"]\n")
	if len(g.Nodes) == 0 {
		fmt.Fprintf(&b, "  empty [shape=plaintext label=\"Nothing is declared yet. %s\"]\n", emptyAdvice)
	}
	var queues []string
	for i := range g.Nodes {
		n := &g.Nodes[i]
		look := `shape=box style="rounded,filled" fillcolor="#ddf4ff" color="#0969da"`
		if n.Queue != nil {
			look = `shape=box style=filled fillcolor="#f6f8fa" color="#57606a"`
			queues = append(queues, fmt.Sprintf("n%d", i))
		}
		if n.Missing {
			look = `shape=box style=dashed`
		}
		if n.Lit {
			look = strings.NewReplacer("#ddf4ff", "#dafbe1", "#f6f8fa", "#dafbe1", "#0969da", "#116329", "#57606a", "#116329").Replace(look) + " penwidth=3"
		}
		fmt.Fprintf(&b, "  n%d [label=%s %s tooltip=%s]\n", i, dotText(cut(n.Title(), titleCells), n.Detail()), look, dotText(n.tooltip()))
	}
	for i := range g.Edges {
		e := &g.Edges[i]
		look := ""
		if text := e.caption(2 * labelCells); text != "" {
			look = " label=" + dotText(text)
		}
		switch e.Kind {
		case Alternate:
			look += ` style=dashed color="#8250df" fontcolor="#8250df"`
		case DeadLetter:
			look += ` style=dotted color="#bc4c00" fontcolor="#bc4c00" constraint=false`
		}
		if e.Lit {
			look += ` penwidth=3 color="#116329"`
		}
		fmt.Fprintf(&b, "  n%d -> n%d [tooltip=%s%s]\n", e.From, e.To, dotText(strings.Split(g.tooltip(e), "\n")...), look)
	}
	if len(queues) > 0 {
		fmt.Fprintf(&b, "  { rank=same; %s }\n", strings.Join(queues, "; "))
	}
	b.WriteString("}\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// dotText quotes lines of text. A backslash would begin an escape, and an
// ampersand an entity.
func dotText(lines ...string) string {
	for i, l := range lines {
		lines[i] = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "&", "&amp;").Replace(l)
	}
	return `"` + strings.Join(lines, `\n`) + `"`
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
