package page

import (
	"fmt"
	"strings"

	"github.com/gobindery/bindery/cmd/internal/graph"
	"github.com/gobindery/bindery/pubsub"
	"github.com/gobindery/bindery/pubsub/routing"
	"github.com/gobindery/bindery/pubsub/topology"
)

// maxTried bounds how many bindings of an exchange are told of: as many that
// match, and as many that don't.
const maxTried = 50

// route says where a message goes, and why.
type route struct {
	Summary string `json:"summary"`
	Reaches bool   `json:"reaches"` // a queue gets it
	Failed  bool   `json:"failed"`  // it can't be told
	Hops    []hop  `json:"hops,omitempty"`
}

// hop is an exchange on the way.
type hop struct {
	ID    string  `json:"id"`
	How   string  `json:"how"` // it comes here
	Tried []tried `json:"tried"`
	More  string  `json:"more,omitempty"` // what is left out
	End   string  `json:"end,omitempty"`  // what becomes of it if nothing matches
}

// tried is a binding that the message is held against.
type tried struct {
	To      string `json:"to"`
	Asks    string `json:"asks,omitempty"` // for a key or headers
	Matched bool   `json:"matched"`
	Why     string `json:"why"`
}

// explain tells the way of the message that is asked for, if one is.
func (v *view) explain(s *structure, r request) *routing.Explanation {
	exchange, ok := strings.CutPrefix(r.selected, graph.ExchangeID(""))
	if !r.route || !ok {
		return nil
	}
	x, err := s.explain(exchange, r.key, r.headers)
	if err != nil {
		v.Route = &route{Summary: "It can't be told: " + err.Error() + ".", Failed: true}
		return nil
	}
	v.Route = newRoute(x)
	return x
}

func (s *structure) explain(exchange, key, headers string) (*routing.Explanation, error) {
	h, err := parseHeaders(headers)
	if err != nil {
		return nil, err
	}
	m, err := topology.Request(exchange, key, h)
	if err != nil {
		return nil, err
	}
	table, err := s.table()
	if err != nil {
		return nil, err
	}
	return table.Explain(m, &routing.ExplainOptions{Misses: maxTried}), nil
}

func newRoute(x *routing.Explanation) *route {
	out := &route{Summary: summary(x), Reaches: len(x.Queues) > 0}
	for i := range x.Hops {
		h := &x.Hops[i]
		next := hop{ID: graph.ExchangeID(h.Exchange.Name), How: how(x, h), Tried: []tried{}}
		matched := 0
		for j := range h.Bindings {
			t := &h.Bindings[j]
			if t.Matched {
				if matched++; matched > maxTried {
					continue
				}
			}
			next.Tried = append(next.Tried, tried{destination(&t.Binding), asks(h.Exchange.Kind, &t.Binding), t.Matched, why(h.Exchange.Kind, t)})
		}
		var more []string
		if n := h.Matched - maxTried; n > 0 {
			more = append(more, fmt.Sprintf("%d more match", n))
		}
		if h.Omitted > 0 {
			more = append(more, fmt.Sprintf("%d more don't match", h.Omitted))
		}
		next.More, next.End = strings.Join(more, ", "), end(h)
		out.Hops = append(out.Hops, next)
	}
	return out
}

// summary says in a line where the message goes.
func summary(x *routing.Explanation) string {
	switch n := len(x.Queues); {
	case x.Refused != nil:
		return "Refused: " + x.Refused.Error() + "."
	case n == 0:
		return "No queue matches: the message is dropped, or given back to a publisher who asks for that (mandatory)."
	case n == 1:
		return "1 queue gets it: " + x.Queues[0].Queue + "."
	default:
		const most = 5
		names := make([]string, 0, most)
		for _, q := range x.Queues[:min(n, most)] {
			names = append(names, q.Queue)
		}
		text := fmt.Sprintf("%d queues get it: %s", n, strings.Join(names, ", "))
		if n > most {
			text += fmt.Sprintf(" and %d more", n-most)
		}
		return text + "."
	}
}

// how says how the message came to an exchange.
func how(x *routing.Explanation, h *routing.Hop) string {
	switch h.Via {
	case routing.Bound:
		return "by a binding of " + exchangeName(x.Hops[h.From].Exchange.Name)
	case routing.AsAlternate:
		return "as the alternate exchange of " + exchangeName(x.Hops[h.From].Exchange.Name)
	}
	return "published here"
}

// end says what becomes of a message that no binding matches.
func end(h *routing.Hop) string {
	switch a := h.Alternate; {
	case a != nil && a.Missing:
		return fmt.Sprintf("Nothing matches, and its alternate exchange %q is missing: it goes no further.", a.Exchange)
	case a != nil && a.Again:
		return fmt.Sprintf("Nothing matches; it has been at the alternate exchange %q before.", a.Exchange)
	case a != nil:
		return fmt.Sprintf("Nothing matches, so the alternate exchange %q gets it.", a.Exchange)
	case h.Matched == 0:
		return "Nothing matches: it goes no further."
	}
	return ""
}

// asks is what a binding asks for.
func asks(kind pubsub.Kind, b *pubsub.Binding) string {
	switch kind {
	case pubsub.Fanout:
		return ""
	case pubsub.Headers:
		return tableText(b.Arguments)
	}
	return fmt.Sprintf("%q", b.Key)
}

// why says why a binding matches, or not.
func why(kind pubsub.Kind, t *routing.Tried) string {
	text := t.Why()
	if t.Matched {
		switch {
		case kind == pubsub.Fanout:
			text = "a fanout takes every message"
		case t.Header != "":
			text = fmt.Sprintf("header %q is as asked for", t.Header)
		case kind == pubsub.Headers:
			text = "all headers are as asked for"
		case kind == pubsub.Topic:
			text = fmt.Sprintf("key %q fits the pattern", t.Key)
		default:
			text = fmt.Sprintf("key %q is the same", t.Key)
		}
		if t.Again {
			text += "; it has been there before"
		}
	}
	return text
}

func exchangeName(name string) string {
	if name == "" {
		return "the default exchange"
	}
	return fmt.Sprintf("%q", name)
}
