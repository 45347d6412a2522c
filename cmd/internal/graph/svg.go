package graph

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
)

// style is that of a drawing, also in the dark. Its colours have a contrast of
// 4.5 and more to what they are drawn on.
const style = `
svg{--bg:#ffffff;--text:#1c2128;--soft:#57606a;--line:#6e7781;--x:#ddf4ff;--xline:#0969da;--q:#f6f8fa;--qline:#57606a;--alt:#8250df;--dead:#bc4c00;--lit:#116329;--litbg:#dafbe1}
@media (prefers-color-scheme:dark){svg{--bg:#0d1117;--text:#e6edf3;--soft:#9da7b1;--line:#8b949e;--x:#0c2d55;--xline:#58a6ff;--q:#21262d;--qline:#8b949e;--alt:#bc8cff;--dead:#ff9a52;--lit:#56d364;--litbg:#04351a}}
.bg{fill:var(--bg)}
text{font-family:ui-monospace,Menlo,Consolas,"DejaVu Sans Mono","Liberation Mono",monospace;font-size:11px;fill:var(--text)}
.name{font-size:13px;font-weight:600}
.detail{fill:var(--soft)}
.box rect{stroke-width:1.5}
.exchange rect{fill:var(--x);stroke:var(--xline)}
.queue rect{fill:var(--q);stroke:var(--qline)}
.missing rect{fill:none;stroke-dasharray:3 3}
.line path{fill:none;stroke:var(--line);stroke-width:1.5}
.line rect{fill:var(--bg)}
.head{fill:var(--line)}
.alternate path{stroke:var(--alt);stroke-dasharray:7 4}
.alternate text,.head.alternate{fill:var(--alt)}
.dead-letter path{stroke:var(--dead);stroke-dasharray:2 4}
.dead-letter text,.head.dead-letter{fill:var(--dead)}
.lit.box rect{fill:var(--litbg);stroke:var(--lit);stroke-width:3}
.lit.line path{stroke:var(--lit);stroke-width:3}
.lit.line text,.head.lit{fill:var(--lit)}
.lit.line text{font-weight:600}
.unlit{opacity:.45}
`

// WriteSVG writes a drawing that stands alone: light or dark as its viewer
// likes, with all names in full as tooltips. Errors are those of w.
func (g *Graph) WriteSVG(w io.Writer) error {
	d := &drawing{g: g, l: g.Layout()}
	d.draw()
	_, err := io.WriteString(w, d.String())
	return err
}

// drawing is an SVG in the making.
type drawing struct {
	strings.Builder
	g *Graph
	l *Layout
}

func (d *drawing) f(format string, args ...any) { fmt.Fprintf(d, format, args...) }

func (d *drawing) draw() {
	if len(d.g.Nodes) == 0 {
		d.l.Width, d.l.Height = 460, 90
	}
	d.f(`<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %[1]d %[2]d" role="img" aria-labelledby="title desc">`+"\n", d.l.Width, d.l.Height)
	d.f("<title id=\"title\">Topology</title>\n<desc id=\"desc\">%s</desc>\n<style>%s</style>\n<defs>\n", escape(d.g.Summary()), style)
	for _, kind := range []string{"bound", string(Alternate), string(DeadLetter), "lit"} {
		d.f(`<marker id="head-%s" class="head %[1]s" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0L8 4L0 8z"/></marker>`+"\n", kind)
	}
	d.f("</defs>\n" + `<rect class="bg" width="100%%" height="100%%"/>` + "\n")
	if len(d.g.Nodes) == 0 {
		d.f(`<text class="name" x="20" y="38">Nothing is declared yet.</text>`+"\n"+`<text class="detail" x="20" y="62">%s</text>`+"\n", emptyAdvice)
	}
	// What stands out is drawn last, over the rest.
	for _, lit := range []bool{false, true} {
		for i := range d.l.Lines {
			if d.g.Edges[i].Lit == lit {
				d.line(&d.g.Edges[i], &d.l.Lines[i])
			}
		}
	}
	for i := range d.l.Boxes {
		d.box(&d.g.Nodes[i], &d.l.Boxes[i])
	}
	d.f("</svg>\n")
}

// emptyAdvice says what to do about an empty broker.
const emptyAdvice = "Start a receiver, or apply a topology file."

func (d *drawing) line(e *Edge, l *Line) {
	class, head := string(e.Kind), string(e.Kind)
	if e.Lit {
		class, head = class+" lit", "lit"
	} else if d.g.Lit {
		class += " unlit"
	}
	d.f(`<g class="line %s"><title>%s</title><path d="%s" marker-end="url(#head-%s)"/>`, class, escape(d.g.tooltip(e)), l.Path(), head)
	if l.Label != "" {
		d.f(`<rect x="%d" y="%d" width="%d" height="%d" rx="3"/><text x="%d" y="%d" text-anchor="middle">%s</text>`,
			l.At.X, l.At.Y, l.At.W, l.At.H, l.At.X+l.At.W/2, l.At.Y+l.At.H/2+4, escape(l.Label))
	}
	d.f("</g>\n")
}

func (d *drawing) box(n *Node, b *Box) {
	class, round := "exchange", b.H/2
	if n.Queue != nil {
		class, round = "queue", 4
	}
	if n.Missing {
		class += " missing"
	}
	if n.Lit {
		class += " lit"
	} else if d.g.Lit {
		class += " unlit"
	}
	x, y := b.X+b.W/2, b.Y+b.H/2
	d.f(`<g class="box %s"><title>%s</title><rect x="%d" y="%d" width="%d" height="%d" rx="%d"/>`, class, escape(n.tooltip()), b.X, b.Y, b.W, b.H, min(round, 21))
	d.f(`<text class="name" x="%d" y="%d" text-anchor="middle">%s</text>`, x, y-3, escape(b.Title))
	d.f(`<text class="detail" x="%d" y="%d" text-anchor="middle">%s</text></g>`+"\n", x, y+13, escape(b.Detail))
}

// Path is the line as the attribute d of an SVG path.
func (l *Line) Path() string {
	if len(l.Points) == 0 {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "M%d %d", l.Points[0].X, l.Points[0].Y)
	for i := 1; i < len(l.Points); i++ {
		a, z := l.Points[i-1], l.Points[i]
		if l.loop || a.Y == z.Y {
			fmt.Fprintf(&b, "L%d %d", z.X, z.Y)
		} else {
			middle := (a.X + z.X) / 2
			fmt.Fprintf(&b, "C%d %d %d %d %d %d", middle, a.Y, middle, z.Y, z.X, z.Y)
		}
	}
	return b.String()
}

// Summary says in a sentence how much there is.
func (g *Graph) Summary() string {
	exchanges, queues := 0, 0
	for i := range g.Nodes {
		if g.Nodes[i].Queue != nil {
			queues++
		} else {
			exchanges++
		}
	}
	if exchanges+queues == 0 {
		return "Nothing is declared yet. " + emptyAdvice
	}
	return fmt.Sprintf("%s and %s, %s between them.", count(exchanges, "exchange"), count(queues, "queue"), count(len(g.Edges), "way"))
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// tooltip says all of a node.
func (n *Node) tooltip() string {
	what := "exchange"
	if n.Queue != nil {
		what = "queue"
	}
	return fmt.Sprintf("%s %s: %s", what, n.Title(), n.Detail())
}

// tooltip says all of an edge, a line for each binding up to some.
func (g *Graph) tooltip(e *Edge) string {
	const most = 40
	from, to := &g.Nodes[e.From], &g.Nodes[e.To]
	text := fmt.Sprintf("%s to %s: %s", from.Title(), to.Title(), e.Kind.words())
	for i, l := range e.Labels {
		if i == most {
			return fmt.Sprintf("%s\nand %d more", text, len(e.Labels)-most)
		}
		text += "\n" + l.Text
	}
	return text
}

// escape is a text in XML.
func escape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a Builder takes all
	return b.String()
}
