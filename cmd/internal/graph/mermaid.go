package graph

import (
	"fmt"
	"io"
	"strings"
)

// WriteMermaid writes the graph as a flowchart for Mermaid, as GitHub shows in
// Markdown. See https://mermaid.js.org/syntax/flowchart.html. Errors are those
// of w.
func (g *Graph) WriteMermaid(w io.Writer) error {
	var b strings.Builder
	b.WriteString("flowchart LR\n")
	if len(g.Nodes) == 0 {
		fmt.Fprintf(&b, "  empty[\"Nothing is declared yet. %s\"]\n", emptyAdvice)
	}
	var queues, missing, lit []string
	for i := range g.Nodes {
		n := &g.Nodes[i]
		id, shape := fmt.Sprintf("n%d", i), `  %s(["%s<br/>%s"])`+"\n"
		if n.Queue != nil {
			shape = `  %s["%s<br/>%s"]` + "\n"
			queues = append(queues, id)
		}
		fmt.Fprintf(&b, shape, id, mermaidText(n.Title()), mermaidText(n.Detail()))
		if n.Missing {
			missing = append(missing, id)
		}
		if n.Lit {
			lit = append(lit, id)
		}
	}
	styles := map[string][]string{}
	for i := range g.Edges {
		e := &g.Edges[i]
		arrow := "-->"
		if e.Kind != Bound {
			arrow = "-.->"
		}
		if text := e.caption(2 * labelCells); text != "" {
			arrow += `|"` + mermaidText(text) + `"|`
		}
		fmt.Fprintf(&b, "  n%d %s n%d\n", e.From, arrow, e.To)
		switch {
		case e.Lit:
			styles["stroke:#116329,stroke-width:4px"] = append(styles["stroke:#116329,stroke-width:4px"], fmt.Sprint(i))
		case e.Kind == Alternate:
			styles["stroke:#8250df"] = append(styles["stroke:#8250df"], fmt.Sprint(i))
		case e.Kind == DeadLetter:
			styles["stroke:#bc4c00"] = append(styles["stroke:#bc4c00"], fmt.Sprint(i))
		}
	}
	for _, style := range sortedKeys(styles) {
		fmt.Fprintf(&b, "  linkStyle %s %s\n", strings.Join(styles[style], ","), style)
	}
	for _, c := range []struct {
		name, style string
		nodes       []string
	}{
		{"queue", "fill:#f6f8fa,stroke:#57606a,color:#1c2128", queues},
		{"missing", "stroke-dasharray:3 3", missing},
		{"lit", "fill:#dafbe1,stroke:#116329,stroke-width:3px,color:#1c2128", lit},
	} {
		if len(c.nodes) > 0 {
			fmt.Fprintf(&b, "  classDef %s %s\n  class %s %[1]s\n", c.name, c.style, strings.Join(c.nodes, ","))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// mermaidText writes what would be syntax as entities.
func mermaidText(s string) string {
	return strings.NewReplacer(
		"#", "#35;", "&", "#amp;", `"`, "#quot;", "<", "#lt;", ">", "#gt;", "`", "#96;", "\\", "#92;",
		"_", "#95;", "*", "#42;", "~", "#126;", "$", "#36;", // Markdown's and formulas'
	).Replace(s)
}
