package page

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/gobindery/bindery/cmd/internal/graph"
	"github.com/gobindery/bindery/pubsub"
	"github.com/gobindery/bindery/pubsub/routing"
)

const (
	maxDrawn    = 60   // nodes; more can't be read
	defaultRows = 100  // of a table
	maxRows     = 5000 // of a table; who wants more can search
)

// request is what a viewer asks to see.
type request struct {
	search   string
	selected string // the ID of a node, or nothing
	rows     int    // of each table, at most

	// The message whose way is to be shown, published to the selected exchange.
	route        bool
	key, headers string
}

func parseRequest(q url.Values) (request, error) {
	r := request{
		search: strings.ToLower(strings.TrimSpace(q.Get("search"))), selected: q.Get("selected"), rows: defaultRows,
		route: q.Has("route"), key: q.Get("key"), headers: q.Get("headers"),
	}
	if text := q.Get("rows"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return r, fmt.Errorf("rows is %q; it must be a whole number from 1", text)
		}
		r.rows = min(n, maxRows)
	}
	return r, nil
}

// view is what a viewer sees, without counts.
type view struct {
	Exchanges rows[exchangeRow] `json:"exchanges"`
	Queues    rows[queueRow]    `json:"queues"`
	Bindings  rows[bindingRow]  `json:"bindings"`

	Drawing *drawing `json:"drawing"`
	Touched int      `json:"touched"` // how many nodes would be drawn if there were room
	Folded  bool     `json:"folded"`  // there is more than what is drawn

	Details *details `json:"details,omitempty"`
	Route   *route   `json:"route,omitempty"`

	shown []int // the queues whose counts are asked for, by place
}

// rows are the first rows of a table.
type rows[T any] struct {
	Rows  []T `json:"rows"`
	Found int `json:"found"` // by the search
	Total int `json:"total"`
}

type exchangeRow struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Kind     string `json:"kind"`
	Features string `json:"features"`
	Bindings int    `json:"bindings"` // from it
}

type queueRow struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Features string `json:"features"`
}

type bindingRow struct {
	From string `json:"from"` // IDs
	To   string `json:"to"`
	Key  string `json:"key"`
	Args string `json:"args"`
}

// look makes a view.
func (s *structure) look(r request) *view {
	v := &view{}
	way := v.explain(s, r)
	found := func(texts ...string) bool {
		return r.search == "" || slices.ContainsFunc(texts, func(t string) bool { return strings.Contains(strings.ToLower(t), r.search) })
	}
	shown := map[int]bool{}
	var hits []string
	v.Exchanges.Total = 1 + len(s.Exchanges)
	if found("(default exchange)") {
		v.Exchanges.add(r.rows, exchangeRow{ID: graph.ExchangeID(""), Kind: string(pubsub.Direct), Features: "durable", Bindings: len(s.Queues)})
	}
	for i := range s.Exchanges {
		if e := &s.Exchanges[i]; e.Name != "" && found(e.Name) {
			if r.search != "" || !s.idle(e) {
				hits = append(hits, graph.ExchangeID(e.Name))
			}
			v.Exchanges.add(r.rows, exchangeRow{graph.ExchangeID(e.Name), e.Name, string(e.Kind), exchangeFeatures(e), len(s.from[e.Name])})
		}
	}
	v.Queues.Total = len(s.Queues)
	for i := range s.Queues {
		if q := &s.Queues[i]; found(q.Name) {
			if q.DeadLetter != nil && q.DeadLetter.Exchange == "" {
				hits = append(hits, graph.ExchangeID("")) // else its dead letters would lead nowhere
			}
			hits = append(hits, graph.QueueID(q.Name))
			if v.Queues.add(r.rows, queueRow{graph.QueueID(q.Name), q.Name, queueFeatures(&q.Queue)}) {
				shown[i] = true
			}
		}
	}
	v.Bindings.Total = len(s.Bindings)
	for i := range s.Bindings {
		if b := &s.Bindings[i]; found(b.Exchange, b.Queue, b.ToExchange, b.Key) {
			v.Bindings.add(r.rows, s.bindingRow(b))
		}
	}
	nodes := v.choose(s, r, way, hits)
	v.Drawing = s.draw(nodes, way)
	v.Details = s.details(r.selected, r.rows)
	for id := range maps.Keys(nodes) {
		if n := s.nodes[id]; n.queue {
			shown[n.at] = true
		}
	}
	if n, ok := s.nodes[r.selected]; ok && n.queue {
		shown[n.at] = true
	}
	v.shown = slices.Sorted(maps.Keys(shown))
	return v
}

// idle reports whether an exchange is one that every vhost has, and nothing is
// bound to it.
func (s *structure) idle(e *pubsub.Exchange) bool {
	return strings.HasPrefix(e.Name, "amq.") && len(s.from[e.Name]) == 0 && len(s.to[graph.ExchangeID(e.Name)]) == 0
}

// drawable is how many nodes a drawing of all would have.
func (s *structure) drawable() int {
	n := len(s.Queues)
	for i := range s.Exchanges {
		if e := &s.Exchanges[i]; e.Name != "" && !s.idle(e) {
			n++
		}
	}
	return n
}

// add adds a row if there is room, and counts it in any case.
func (r *rows[T]) add(most int, row T) bool {
	r.Found++
	if len(r.Rows) >= most {
		return false
	}
	r.Rows = append(r.Rows, row)
	return true
}

func (s *structure) bindingRow(b *pubsub.Binding) bindingRow {
	return bindingRow{graph.ExchangeID(b.Exchange), destination(b), b.Key, tableText(b.Arguments)}
}

// choose says which nodes to draw: all, if they are few and nothing is
// searched. Else first the way of a message, then what is selected, then what
// was found, each with what it touches.
func (v *view) choose(s *structure, r request, way *routing.Explanation, hits []string) map[string]bool {
	var wanted []string
	if way != nil {
		for i := range way.Hops {
			wanted = append(wanted, graph.ExchangeID(way.Hops[i].Exchange.Name))
			if a := way.Hops[i].Alternate; a != nil {
				wanted = append(wanted, graph.ExchangeID(a.Exchange))
			}
		}
		for _, q := range way.Queues {
			wanted = append(wanted, graph.QueueID(q.Queue))
		}
	}
	few := s.drawable() <= maxDrawn
	if r.selected != "" {
		wanted = append(wanted, r.selected)
		if !few || r.search != "" {
			wanted = append(wanted, s.neighbours(r.selected)...)
		}
	}
	if few || r.search != "" {
		wanted = append(wanted, hits...)
	}
	if r.search != "" {
		for _, id := range hits {
			wanted = append(wanted, s.neighbours(id)...)
		}
	}
	nodes, touched := map[string]bool{}, map[string]bool{}
	for _, id := range wanted {
		if _, ok := s.nodes[id]; !ok && id != graph.ExchangeID("") {
			continue // an alternate exchange that is missing, or something deleted since it was selected
		}
		touched[id] = true
		if len(nodes) < maxDrawn {
			nodes[id] = true
		}
	}
	v.Touched, v.Folded = len(touched), len(nodes) < len(touched) || !few
	return nodes
}
