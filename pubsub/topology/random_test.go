package topology_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/gobindery/bindery/pubsub"
)

// random makes topologies and messages in which much meets.
type random struct{ *rand.Rand }

func newRandom(seed uint64) random { return random{rand.New(rand.NewPCG(seed, 0))} }

func (r random) one(of ...string) string { return of[r.IntN(len(of))] }
func (r random) in(n int) bool           { return r.IntN(n) == 0 }

// word is one of few; some look like wildcards and are none.
func (r random) word() string { return r.one("a", "b", "c", "", "a#") }

func (r random) key() string {
	words := make([]string, r.IntN(4))
	for i := range words {
		words[i] = r.word()
	}
	return strings.Join(words, ".")
}

func (r random) pattern() string {
	words := make([]string, r.IntN(4))
	for i := range words {
		words[i] = r.one("*", "#", r.word(), r.word())
	}
	return strings.Join(words, ".")
}

// value is one that a listing in JSON does not change.
func (r random) value() any {
	return []any{int64(1), int64(2), int64(-1 << 40), 1.5, "1", "x", "", true, false, nil, []any{int64(1), "x"}, []any{}, pubsub.Table{"k": "v"}, []byte{0xff, 1}}[r.IntN(14)]
}

// headers are what a message has; some compare equal to values of another type.
func (r random) headers() pubsub.Table {
	t := pubsub.Table{}
	for range r.IntN(4) {
		t[r.one("a", "b", "c", "x-a")] = r.value()
		if r.in(4) {
			t[r.one("a", "b")] = []any{int8(1), uint16(2), 1.0, float32(1.5), []byte("x"), time.Unix(1, 0)}[r.IntN(6)]
		}
	}
	for _, name := range []string{"CC", "BCC"} {
		if r.in(8) {
			t[name] = []any{r.key(), r.key(), int32(1)}
		}
	}
	return t
}

func (r random) arguments() pubsub.Table {
	t := pubsub.Table{}
	for range r.IntN(3) {
		t[r.one("a", "b", "c", "x-a")] = r.value()
	}
	if r.in(2) {
		t["x-match"] = r.one("all", "any", "all-with-x", "any-with-x")
	}
	return t
}

func (r random) topology() pubsub.Topology {
	var t pubsub.Topology
	names := []string{"amq.topic", "amq.direct", "amq.match"}
	for i := range 1 + r.IntN(6) {
		names = append(names, fmt.Sprintf("x%d", i))
	}
	for _, name := range names[3:] {
		e := pubsub.Exchange{Name: name, Kind: pubsub.Kinds()[r.IntN(4)], Durable: r.in(2), AutoDelete: r.in(4), Internal: r.in(5)}
		if r.in(3) {
			e.Alternate = r.one(append(names, "missing")...)
		}
		t.Exchanges = append(t.Exchanges, e)
	}
	queues := 1 + r.IntN(5)
	for i := range queues {
		t.Queues = append(t.Queues, pubsub.QueueStatus{Queue: r.queue(fmt.Sprintf("q%d", i))})
	}
	there := map[string]bool{}
	for range r.IntN(16) {
		b := pubsub.Binding{Exchange: r.one(names...), Key: r.pattern()}
		if r.in(3) {
			b.Key = r.key()
		}
		if r.in(3) {
			b.ToExchange = r.one(names...)
		} else {
			b.Queue = fmt.Sprintf("q%d", r.IntN(queues))
		}
		if r.in(2) {
			b.Arguments = r.arguments()
		}
		if id := b.String(); !there[id] {
			there[id] = true
			t.Bindings = append(t.Bindings, b)
		}
	}
	return t
}

// queue has limits that no test reaches.
func (r random) queue(name string) pubsub.Queue {
	q := pubsub.Queue{Name: name, Durable: r.in(2), AutoDelete: r.in(4), SingleActiveConsumer: r.in(6)}
	if r.in(4) {
		q.MessageTTL = new(time.Duration(1+r.IntN(3)) * time.Hour)
	}
	if r.in(4) {
		q.Expires = time.Duration(1+r.IntN(3)) * time.Hour
	}
	if r.in(4) {
		q.MaxLength = new(1000 + r.IntN(3))
	}
	if r.in(4) {
		q.MaxBytes = new(1<<20 + r.IntN(3))
	}
	if r.in(4) {
		q.Overflow = []pubsub.Overflow{pubsub.DropHead, pubsub.RejectPublish, pubsub.RejectPublishDLX}[r.IntN(3)]
	}
	if r.in(4) {
		q.DeadLetter = &pubsub.DeadLetter{Exchange: r.one("", "x0", "missing")}
		if r.in(2) {
			q.DeadLetter.RoutingKey = new(r.key())
		}
	}
	if r.in(6) {
		q.MaxPriority = 5
	}
	return q
}

// message is one to publish.
type message struct {
	exchange, key string
	headers       pubsub.Table
}

func (m message) String() string { return fmt.Sprintf("%q %q %v", m.exchange, m.key, m.headers) }

func (r random) message(t pubsub.Topology) message {
	m := message{"missing", r.key(), r.headers()}
	switch n := r.IntN(20); {
	case n == 0:
	case n < 3:
		m.exchange, m.key = "", r.one("q0", "q1", "nobody")
	case n < 6:
		m.exchange = r.one("amq.topic", "amq.direct", "amq.match")
	default:
		m.exchange = t.Exchanges[r.IntN(len(t.Exchanges))].Name
	}
	return m
}
