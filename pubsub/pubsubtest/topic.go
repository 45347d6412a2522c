package pubsubtest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gobindery/bindery/pubsub"
)

var topicCases = []Case{
	{"topic/matrix", "27 patterns against 23 keys match as RabbitMQ matches them: * is one word, # any number, empty words are words", topicMatrix},
	{"topic/long keys", "keys and patterns of 255 bytes match, also with many words", topicLongKeys},
	{"topic/unicode", "words are bytes: any UTF-8 matches itself and the wildcards", topicUnicode},
	{"topic/unbind", "unbinding one pattern leaves the others", topicUnbind},
	{"topic/many wildcards", "patterns with many # match, and don't take for ever to", topicManyWildcards},
}

// topicKeys and topicPatterns are matched each with each.
var (
	topicKeys = []string{
		"", "a", "b", "a.b", "a.b.c", "a.x.b", "a..b", ".", "..", "a.", ".a", "b.a.c",
		"A", "a.#b", "a#", "*", "#", "a.*", "xa", "a.a", "b.a", "a.b.a", "b.x.a",
	}

	// topicPatterns are as observed on RabbitMQ 3.10.8: the keys that match.
	topicPatterns = map[string][]string{
		"#":     topicKeys,
		"*":     {"a", "b", "A", "a#", "*", "#", "xa"},
		"#.#":   topicKeys,
		"*.#":   topicKeys[1:],
		"#.*":   topicKeys[1:],
		"*.*":   {"a.b", ".", "a.", ".a", "a.#b", "a.*", "a.a", "b.a"},
		"#.a.#": {"a", "a.b", "a.b.c", "a.x.b", "a..b", "a.", ".a", "b.a.c", "a.#b", "a.*", "a.a", "b.a", "a.b.a", "b.x.a"},
		"a.#":   {"a", "a.b", "a.b.c", "a.x.b", "a..b", "a.", "a.#b", "a.*", "a.a", "a.b.a"},
		"#.a":   {"a", ".a", "a.a", "b.a", "a.b.a", "b.x.a"},
		"a.*":   {"a.b", "a.", "a.#b", "a.*", "a.a"},
		"a.#.b": {"a.b", "a.x.b", "a..b"},
		"a.*.b": {"a.x.b", "a..b"},
		"":      {""},
		"a":     {"a"},
		"a..b":  {"a..b"},
		".":     {"."},
		"*.":    {".", "a."},
		"..":    {".."},
		"#.#.#": topicKeys,
		"a.b.#.#": {
			"a.b", "a.b.c", "a.b.a",
		},
		"*.#.*": {
			"a.b", "a.b.c", "a.x.b", "a..b", ".", "..", "a.", ".a", "b.a.c", "a.#b", "a.*", "a.a", "b.a", "a.b.a", "b.x.a",
		},
		"#.*.#":     topicKeys[1:],
		"A":         {"A"},
		"a.#b":      {"a.#b"},
		"a#":        {"a#"},
		"*a":        {},
		"#.b.#.a.#": {"b.a.c", "b.a", "a.b.a", "b.x.a"},
	}
)

func topicMatrix(w *world) {
	c := w.open()
	queues := map[string]string{}
	for p := range topicPatterns {
		queues[p] = c.temp()
		c.bind("amq.topic", queues[p], p)
	}
	for _, k := range topicKeys {
		c.publish("amq.topic", k, k)
	}
	for p, want := range topicPatterns {
		if got := c.bodies(queues[p]); !slices.Equal(got, want) {
			w.Errorf("pattern %q: got the keys %q; want %q", p, got, want)
		}
	}
}

func topicLongKeys(w *world) {
	c := w.open()
	q := c.temp()
	for _, m := range []struct{ pattern, key string }{
		{strings.Repeat("k", 255), strings.Repeat("k", 255)},
		{"#", strings.Repeat("k", 255)},
		{strings.Repeat("a.", 127) + "a", strings.Repeat("a.", 127) + "a"},
		{strings.Repeat("*.", 127) + "*", strings.Repeat("a.", 127) + "a"},
		{strings.Repeat(".", 255), strings.Repeat(".", 255)},
		{"a.#.z", strings.Repeat("a.", 127) + "z"},
	} {
		b := pubsub.Binding{Exchange: "amq.topic", Queue: q, Key: m.pattern}
		c.add(b)
		if err := c.send("amq.topic", m.key, text("x"), pubsub.Mandatory); err != nil {
			w.Errorf("pattern %q and a key of %d bytes: %v", m.pattern, len(m.key), err)
		}
		if err := c.send("amq.topic", m.key[:253], text("y"), pubsub.Mandatory); (err == nil) != (m.pattern == "#") {
			w.Errorf("pattern %q and a key of 253 bytes: got the error %v", m.pattern, err)
		}
		c.remove(b)
		c.take(q)
	}
}

func topicUnicode(w *world) {
	c := w.open()
	for i, m := range []struct {
		pattern, key string
		matches      bool
	}{
		{"é.*", "é.漢字", true},
		{"*.漢字", "é.漢字", true},
		{"é", "e", false},
		{"e\u0301", "é", false},
		{"*", "🐇", true},
		{"a。b", "a.b", false},
	} {
		q := c.temp()
		e := c.exchange(pubsub.Exchange{Name: fmt.Sprint(i), Kind: pubsub.Topic})
		c.bind(e, q, m.pattern)
		c.publish(e, m.key, m.key)
		if got := len(c.take(q)) == 1; got != m.matches {
			w.Errorf("pattern %q and key %q: matches is %v; want %v", m.pattern, m.key, got, m.matches)
		}
	}
}

func topicUnbind(w *world) {
	c := w.open()
	patterns := []string{"a.b", "a.*", "a.#", "*.b", "#", "#.b", "a.#.b", "a.b.#"}
	queues := map[string]string{}
	for _, p := range patterns {
		queues[p] = c.temp()
		c.bind("amq.topic", queues[p], p)
	}
	for i, p := range patterns {
		c.remove(pubsub.Binding{Exchange: "amq.topic", Queue: queues[p], Key: p})
		c.publish("amq.topic", "a.b", p)
		for j, other := range patterns {
			if n := len(c.take(queues[other])); (n == 1) != (j > i) {
				w.Errorf("after the unbind of %q, pattern %q got %d copies", p, other, n)
			}
		}
	}
}

func topicManyWildcards(w *world) {
	c := w.open()
	q, other := c.temp(), c.temp()
	c.bind("amq.topic", q, "#.a.#.a.#.b")
	c.bind("amq.topic", other, "#.#.#.b")
	key := strings.Repeat("a.", 30) + "a"
	w.fails(c.send("amq.topic", key, text("x"), pubsub.Mandatory), pubsub.ErrUnroutable, "publish with a key that nearly matches")
	c.message("amq.topic", key+".b", text("y"), pubsub.Mandatory)
	c.holds(q, "y")
	c.holds(other, "y")
}
