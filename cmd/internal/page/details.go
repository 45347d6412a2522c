package page

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gobindery/bindery/cmd/internal/graph"
	"github.com/gobindery/bindery/pubsub"
)

// details are what there is to say of the exchange or queue that is selected.
type details struct {
	ID    string           `json:"id"`
	Name  string           `json:"name"`
	Gone  bool             `json:"gone,omitempty"` // it is not there, any more or yet
	Facts [][2]string      `json:"facts"`
	From  rows[bindingRow] `json:"from"` // bindings from it
	To    rows[bindingRow] `json:"to"`   // bindings to it
}

// details tells of a node; nil if none is selected.
func (s *structure) details(id string, most int) *details {
	if id == "" {
		return nil
	}
	d := &details{ID: id}
	kind, name, _ := strings.Cut(id, ":")
	d.Name = name
	n, there := s.nodes[id]
	switch {
	case id == graph.ExchangeID(""):
		d.Facts = [][2]string{{"Type", "direct"}, {"Routes", "to the queue that the key names"}}
	case !there:
		d.Gone = true
	case kind == "queue":
		q := &s.Queues[n.at].Queue
		d.Facts = queueFacts(q)
	default:
		e := &s.Exchanges[n.at]
		d.Facts = [][2]string{{"Type", string(e.Kind)}}
		d.fact("Features", exchangeFeatures(e))
		d.fact("Alternate exchange", e.Alternate)
		d.fact("Arguments", tableText(e.Arguments))
		d.From = s.listed(s.from[e.Name], most)
	}
	d.To = s.listed(s.to[id], most)
	return d
}

func (d *details) fact(name, value string) {
	if value != "" {
		d.Facts = append(d.Facts, [2]string{name, value})
	}
}

func (s *structure) listed(bindings []int, most int) (r rows[bindingRow]) {
	for _, i := range bindings {
		r.add(most, s.bindingRow(&s.Bindings[i]))
	}
	r.Total = r.Found
	return r
}

func queueFacts(q *pubsub.Queue) [][2]string {
	var d details
	d.fact("Features", features(map[string]bool{"durable": q.Durable, "exclusive": q.Exclusive, "auto-delete": q.AutoDelete, "single active consumer": q.SingleActiveConsumer}))
	if q.MessageTTL != nil {
		d.fact("Message TTL", q.MessageTTL.String())
	}
	if q.Expires > 0 {
		d.fact("Expires unused after", q.Expires.String())
	}
	if q.MaxLength != nil {
		d.fact("Max length", fmt.Sprint(*q.MaxLength))
	}
	if q.MaxBytes != nil {
		d.fact("Max bytes", fmt.Sprint(*q.MaxBytes))
	}
	d.fact("Overflow", string(q.Overflow))
	if l := q.DeadLetter; l != nil {
		text := "to " + exchangeName(l.Exchange)
		if l.RoutingKey != nil {
			text += fmt.Sprintf(" with key %q", *l.RoutingKey)
		}
		d.fact("Dead letters", text)
	}
	if q.MaxPriority > 0 {
		d.fact("Max priority", fmt.Sprint(q.MaxPriority))
	}
	d.fact("Arguments", tableText(q.Arguments))
	return d.Facts
}

func exchangeFeatures(e *pubsub.Exchange) string {
	return features(map[string]bool{"durable": e.Durable, "auto-delete": e.AutoDelete, "internal": e.Internal, "alternate": e.Alternate != ""})
}

// queueFeatures are what makes a queue behave in a way of its own.
func queueFeatures(q *pubsub.Queue) string {
	return features(map[string]bool{
		"durable": q.Durable, "exclusive": q.Exclusive, "auto-delete": q.AutoDelete, "ttl": q.MessageTTL != nil, "expires": q.Expires > 0,
		"limit": q.MaxLength != nil || q.MaxBytes != nil, "dead-letter": q.DeadLetter != nil, "priority": q.MaxPriority > 0, "single-active": q.SingleActiveConsumer,
	})
}

// features are the names of those that are there.
func features(all map[string]bool) string {
	maps.DeleteFunc(all, func(_ string, is bool) bool { return !is })
	return strings.Join(slices.Sorted(maps.Keys(all)), ", ")
}

// tableText is a table as text, sorted by name: a=1, b="x".
func tableText(t pubsub.Table) string {
	all := make([]string, 0, len(t))
	for _, name := range slices.Sorted(maps.Keys(t)) {
		all = append(all, name+"="+valueText(t[name]))
	}
	return strings.Join(all, ", ")
}

func valueText(v any) string {
	switch v := v.(type) {
	case nil:
		return "(any)"
	case string, []byte:
		return fmt.Sprintf("%q", v)
	case pubsub.Table:
		return "{" + tableText(v) + "}"
	case []any:
		all := make([]string, len(v))
		for i := range v {
			all[i] = valueText(v[i])
		}
		return "[" + strings.Join(all, ", ") + "]"
	}
	return fmt.Sprint(v)
}
