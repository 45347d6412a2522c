package routing

import (
	"fmt"

	"github.com/gobindery/bindery/pubsub"
)

// Request is a message, as far as routing looks at it.
type Request struct {
	Exchange string
	Key      string
	MoreKeys []string     // those of the headers CC and BCC
	Headers  pubsub.Table // what a headers exchange compares

	// Dead is for a message that is dead-lettered: internal exchanges accept
	// it, as they do what comes from other exchanges.
	Dead bool
}

// Route returns the queues that get a copy of a message, each once, in no
// particular order; none if it is unroutable. An exchange that finds nothing
// hands the message to its alternate exchange. A missing exchange is
// [pubsub.ErrNotFound]; an internal one is [pubsub.ErrAccessRefused].
//
// The result may be part of t, or lie in the space of into, from its begin:
// don't change it, and don't use it once into is used again.
//
// See https://www.rabbitmq.com/docs/e2e, https://www.rabbitmq.com/docs/ae and
// https://www.rabbitmq.com/docs/sender-selected.
func (t *Table[Q]) Route(r *Request, into []Q) ([]Q, error) {
	if r.Exchange == "" {
		return t.routeByName(r, into), nil
	}
	x := t.exchange(r.Exchange)
	if x == nil {
		return nil, noExchange(r.Exchange)
	}
	if x.spec.Internal && !r.Dead {
		return nil, fmt.Errorf("%w: cannot publish to internal exchange '%s'", pubsub.ErrAccessRefused, r.Exchange)
	}
	if len(r.MoreKeys) == 0 {
		if d := x.quick(r.Key); d != nil && x.finalDests(d) {
			return d.result(), nil
		}
	}
	s := t.scratch.get()
	out := t.walk(x, r, s, into[:0])
	t.scratch.put(s)
	return out, nil
}

// routeByName is the default exchange's route.
func (t *Table[Q]) routeByName(r *Request, into []Q) []Q {
	q := t.queue(r.Key)
	if len(r.MoreKeys) == 0 {
		if q == nil {
			return nil
		}
		return q.target.alone.result()
	}
	s := t.scratch.get()
	s.begin(t.ids)
	out := into[:0]
	for i := -1; i < len(r.MoreKeys); i++ {
		if i >= 0 {
			q = t.queue(r.MoreKeys[i])
		}
		if q != nil && s.mark(q.target.id) {
			out = append(out, q.target.q())
		}
	}
	t.scratch.put(s)
	return out
}

// quick returns where a message with this key goes from x, if that is known
// without a search; else nil.
func (x *exchange[Q]) quick(key string) *dests[Q] {
	switch x.spec.Kind {
	case pubsub.Fanout:
		return x.all.dests()
	case pubsub.Direct:
		if g := x.direct(key); g != nil {
			return g.dests()
		}
	}
	return nil
}

// finalDests reports whether that is all there is to the route.
func (x *exchange[Q]) finalDests(d *dests[Q]) bool {
	return len(d.exchanges) == 0 && (len(d.ids) > 0 || x.spec.Alternate == "")
}

// walk follows a message from x through other exchanges. Each is looked at
// once, so that cycles end.
func (t *Table[Q]) walk(x *exchange[Q], r *Request, s *scratch[Q], out []Q) []Q {
	s.begin(t.ids)
	s.mark(x.target.id)
	s.work = append(s.work[:0], x)
	for len(s.work) > 0 {
		x := s.work[len(s.work)-1]
		s.work = s.work[:len(s.work)-1]
		var found bool
		out, found = t.hop(x, r, s, out)
		// What goes on to an exchange has been routed, even if that one has
		// no use for it or was there before: the alternate gets nothing.
		if !found && x.spec.Alternate != "" {
			if y := t.exchange(x.spec.Alternate); y != nil && s.mark(y.target.id) {
				s.work = append(s.work, y)
			}
		}
	}
	return out
}

// hop adds what x itself does with a message to out and s.work, and reports
// whether any binding matched.
func (t *Table[Q]) hop(x *exchange[Q], r *Request, s *scratch[Q], out []Q) ([]Q, bool) {
	found := false
	take := func(d *dests[Q]) {
		if d.empty() {
			return
		}
		found = true
		for i, id := range d.ids {
			if s.mark(id) {
				out = append(out, d.queues[i])
			}
		}
		for _, to := range d.exchanges {
			if s.mark(to.id) {
				s.work = append(s.work, t.exchange(to.name))
			}
		}
	}
	switch x.spec.Kind {
	case pubsub.Fanout:
		take(x.all.dests())
		return out, found
	case pubsub.Headers:
		x.list.each(func(b *binding[Q]) bool {
			if b.match.matches(r.Headers) {
				take(&b.to.alone)
			}
			return true
		})
		return out, found
	}
	for i := -1; i < len(r.MoreKeys); i++ {
		key := r.Key
		if i >= 0 {
			key = r.MoreKeys[i]
		}
		if x.spec.Kind == pubsub.Direct {
			if g := x.direct(key); g != nil {
				take(g.dests())
			}
			continue
		}
		s.states.match(x.root, key)
		for _, g := range s.states.found {
			take(g.dests())
		}
	}
	return out, found
}
