package pubsubtest

import (
	"bytes"
	"slices"
	"strings"
	"time"

	"github.com/gobindery/bindery/pubsub"
)

// This is routing as slowly and plainly as it can be said: lists, loops and
// recursion. It shares nothing with package routing, which is tested with it.

// routed returns the names of the queues that a message reaches, each once, in
// no order.
func (m *model) routed(exchange, key string, headers pubsub.Table) []string {
	var queues, seen []string
	next := []string{exchange}
	for len(next) > 0 {
		e := next[0]
		next = next[1:]
		if slices.Contains(seen, e) {
			continue
		}
		seen = append(seen, e)
		matched := false
		for _, b := range m.bindings {
			if b.Exchange != e || !matches(m.exchanges[e].Kind, b, key, headers) {
				continue
			}
			matched = true
			if b.ToExchange != "" {
				next = append(next, b.ToExchange)
			} else if !slices.Contains(queues, b.Queue) {
				queues = append(queues, b.Queue)
			}
		}
		if _, ok := m.queues[key]; e == "" && ok {
			matched = true
			queues = append(queues, key)
		}
		alternate := m.exchanges[e].Alternate
		if _, ok := m.exchanges[alternate]; ok && !matched {
			next = append(next, alternate)
		}
	}
	return queues
}

// matches reports whether a binding of an exchange of a kind takes a message.
func matches(kind pubsub.Kind, b pubsub.Binding, key string, headers pubsub.Table) bool {
	switch kind {
	case pubsub.Fanout:
		return true
	case pubsub.Direct:
		return b.Key == key
	case pubsub.Topic:
		return wordsMatch(words(b.Key), words(key))
	}
	return headersMatch(b.Arguments, headers)
}

// words splits a key at its dots; the empty key has none.
func words(key string) []string {
	if key == "" {
		return nil
	}
	return strings.Split(key, ".")
}

func wordsMatch(pattern, key []string) bool {
	switch {
	case len(pattern) == 0:
		return len(key) == 0
	case pattern[0] == "#":
		return wordsMatch(pattern[1:], key) || len(key) > 0 && wordsMatch(pattern, key[1:])
	case len(key) == 0:
		return false
	}
	return (pattern[0] == "*" || pattern[0] == key[0]) && wordsMatch(pattern[1:], key[1:])
}

func headersMatch(arguments, headers pubsub.Table) bool {
	how, _ := arguments["x-match"].(string)
	compared, equal := 0, 0
	for name, want := range arguments {
		if name == "x-match" || strings.HasPrefix(name, "x-") && !strings.HasSuffix(how, "-with-x") {
			continue
		}
		compared++
		if got, ok := headers[name]; ok && (want == nil || sameValue(want, got)) {
			equal++
		}
	}
	if strings.HasPrefix(how, "any") {
		return equal > 0
	}
	return equal == compared
}

// sameValue compares as a headers exchange does: numbers and times by what they
// count, strings with bytes, the rest exactly.
func sameValue(a, b any) bool {
	if x, ok := number(a); ok {
		y, ok := number(b)
		return ok && x == y
	}
	if x, ok := octets(a); ok {
		y, ok := octets(b)
		return ok && bytes.Equal(x, y)
	}
	return pubsub.Table{"": a}.Equal(pubsub.Table{"": b})
}

// number is exact for what the cases use: whole numbers below 2⁵³.
func number(v any) (float64, bool) {
	switch v := v.(type) {
	case int8:
		return float64(v), true
	case int16:
		return float64(v), true
	case int32:
		return float64(v), true
	case int64:
		return float64(v), true
	case uint8:
		return float64(v), true
	case uint16:
		return float64(v), true
	case uint32:
		return float64(v), true
	case float32:
		return float64(v), true
	case float64:
		return v, true
	case time.Time:
		return float64(v.Unix()), true
	}
	return 0, false
}

func octets(v any) ([]byte, bool) {
	switch v := v.(type) {
	case string:
		return []byte(v), true
	case []byte:
		return v, true
	}
	return nil, false
}
