package pubsub

import "fmt"

// Binding says which messages of an exchange go on to a queue, or to another
// exchange. All of its fields together are its identity: binding twice is
// binding once, and [Broker.Unbind] takes away the binding that is equal.
// See the AMQP 0-9-1 specification, section 3.1.4, and
// https://www.rabbitmq.com/docs/e2e.
type Binding struct {
	// Exchange is where messages come from. The default exchange can't be
	// bound: it reaches every queue by name already.
	Exchange string

	// Queue is where they go. Exactly one of Queue and ToExchange is set.
	Queue string

	// ToExchange is the exchange where they go. A message keeps the exchange
	// and the key that it was published with.
	ToExchange string

	// Key is the routing key of a direct exchange, the pattern of a topic
	// exchange. Others ignore it. At most 255 bytes of UTF-8.
	Key string

	// Arguments are what a headers exchange compares: each entry must be (or,
	// with "x-match": "any", one entry must be) among the message's headers
	// with an equal value. A nil value asks only that the header is there.
	// Entries that begin with "x-" are compared only by the kinds
	// "all-with-x" and "any-with-x". Nested tables of several keys can't be
	// compared portably (their order counts in RabbitMQ) and are refused.
	Arguments Table
}

// String returns the binding in a readable form, for logs and test failures.
func (b Binding) String() string {
	to := "queue " + quote(b.Queue)
	if b.ToExchange != "" {
		to = "exchange " + quote(b.ToExchange)
	}
	s := fmt.Sprintf("exchange %s to %s with key %s", quote(b.Exchange), to, quote(b.Key))
	if len(b.Arguments) > 0 {
		s += fmt.Sprintf(" and arguments %v", b.Arguments)
	}
	return s
}

func (b Binding) validate() error {
	if b.Exchange == "" {
		return fmt.Errorf("%w: the default exchange can't be bound; it reaches every queue by its name already", ErrAccessRefused)
	}
	if b.Queue != "" && b.ToExchange != "" {
		return fmt.Errorf("%w: a binding has one destination; set Queue or ToExchange, not both", ErrInvalid)
	}
	if b.Queue == "" && b.ToExchange == "" {
		return fmt.Errorf("%w: the binding has no destination; set Queue or ToExchange", ErrInvalid)
	}
	for _, f := range []struct{ what, value string }{
		{"exchange name", b.Exchange},
		{"queue name", b.Queue},
		{"destination exchange name", b.ToExchange},
		{"binding key", b.Key},
	} {
		if err := checkName(f.what, f.value); err != nil {
			return err
		}
	}
	// First, because it bounds how deep unordered goes.
	if err := checkTable("binding argument", b.Arguments); err != nil {
		return err
	}
	for name, value := range b.Arguments {
		if n := unordered(value); n > 0 {
			return fmt.Errorf("%w: binding argument %q holds a table of %d entries, whose order would count; use one entry, or separate arguments", ErrInvalid, name, n)
		}
	}
	return nil
}

// unordered returns how many entries a table in v has, if there is one with
// several, and else 0.
func unordered(v any) int {
	switch v := v.(type) {
	case map[string]any:
		return unordered(Table(v))
	case Table:
		if len(v) > 1 {
			return len(v)
		}
		for _, e := range v {
			return unordered(e)
		}
	case []any:
		for _, e := range v {
			if n := unordered(e); n > 0 {
				return n
			}
		}
	}
	return 0
}
