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
	x := t.published(r.Exchange)
	if x == nil {
		return nil, noExchange(r.Exchange)
	}
	if x.spec.Internal && !r.Dead {
		return nil, toInternal(r.Exchange)
	}
	if len(r.MoreKeys) > 0 {
		return t.search(x, r, into), nil
	}
	var d *dests[Q]
	switch x.spec.Kind {
	case pubsub.Topic:
		e, again := x.recall(r.Key)
		if e == nil {
			return t.routeTopic(x, r, into, again), nil
		}
		if e.ends {
			return e.queues, nil
		}
	case pubsub.Direct:
		d = x.direct(r.Key)
	case pubsub.Fanout:
		d = x.all.dests()
	}
	if d != nil && x.ends(d) {
		return d.result(), nil
	}
	return t.search(x, r, into), nil
}

func toInternal(name string) error {
	return fmt.Errorf("%w: cannot publish to internal exchange '%s'", pubsub.ErrAccessRefused, name)
}

// routeTopic is the route from a topic exchange that doesn't remember the key.
func (t *Table[Q]) routeTopic(x *exchange[Q], r *Request, into []Q, again bool) []Q {
	if !again && x.root != nil {
		s := descent[Q]{key: r.Key, out: into[:0]}
		s.from(x.root, 0, 0)
		if !s.gaveUp && (s.first != nil || x.spec.Alternate == "") {
			return s.result()
		}
	}
	s := t.start(x, into)
	s.match(x, r.Key, again)
	return t.follow(x, r, s)
}

// ends reports whether a route ends where x has found d.
func (x *exchange[Q]) ends(d *dests[Q]) bool {
	return len(d.exchanges) == 0 && (len(d.ids) > 0 || x.spec.Alternate == "")
}

// routeByName is the default exchange's route.
func (t *Table[Q]) routeByName(r *Request, into []Q) []Q {
	if len(r.MoreKeys) == 0 {
		if q := t.queue(r.Key); q != nil {
			return q.target.alone.result()
		}
		return nil
	}
	s := t.scratch.get()
	s.begin(t.ids, into)
	for i := -1; i < len(r.MoreKeys); i++ {
		if q := t.queue(r.key(i)); q != nil {
			s.take(&q.target.alone)
		}
	}
	return s.end(t.scratch)
}

// key returns the key, for -1, and then the others.
func (r *Request) key(i int) string {
	if i < 0 {
		return r.Key
	}
	return r.MoreKeys[i]
}

// search is the route of a message that x may send on to other exchanges.
func (t *Table[Q]) search(x *exchange[Q], r *Request, into []Q) []Q {
	s := t.start(x, into)
	s.hop(x, r)
	return t.follow(x, r, s)
}

func (t *Table[Q]) start(x *exchange[Q], into []Q) *scratch[Q] {
	s := t.scratch.get()
	s.begin(t.ids, into)
	s.mark(x.target.id)
	return s
}

// follow ends the route of a message that was taken through x, the first
// exchange. Each exchange is looked at once, so that cycles end.
func (t *Table[Q]) follow(x *exchange[Q], r *Request, s *scratch[Q]) []Q {
	for {
		// What goes on to an exchange has been routed, even if that one has
		// no use for it or was there before: the alternate gets nothing.
		if !s.found && x.spec.Alternate != "" {
			if y := t.exchange(x.spec.Alternate); y != nil && s.mark(y.target.id) {
				s.work = append(s.work, y.target)
			}
		}
		if len(s.work) == 0 {
			return s.end(t.scratch)
		}
		x = t.exchange(s.work[len(s.work)-1].name)
		s.work = s.work[:len(s.work)-1]
		s.found = false
		s.hop(x, r)
	}
}

// hop takes where x itself sends a message.
func (s *scratch[Q]) hop(x *exchange[Q], r *Request) {
	switch x.spec.Kind {
	case pubsub.Fanout:
		s.take(x.all.dests())
	case pubsub.Headers:
		x.byHeaders.match(r.Headers, s)
	case pubsub.Direct:
		for i := -1; i < len(r.MoreKeys); i++ {
			if d := x.direct(r.key(i)); d != nil {
				s.take(d)
			}
		}
	case pubsub.Topic:
		for i := -1; i < len(r.MoreKeys); i++ {
			s.topic(x, r.key(i))
		}
	}
}

// topic takes where a topic exchange sends a key.
func (s *scratch[Q]) topic(x *exchange[Q], key string) {
	e, again := x.recall(key)
	if e != nil {
		s.take(e.dests)
		return
	}
	s.match(x, key, again)
}

// match takes where a topic exchange sends a key that it doesn't remember.
func (s *scratch[Q]) match(x *exchange[Q], key string, again bool) {
	groups := s.states.match(x.root, key)
	for _, g := range groups {
		s.take(g.dests())
	}
	if again {
		x.remember(key, groups)
	}
	s.states.done()
}
