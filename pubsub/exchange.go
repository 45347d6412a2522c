package pubsub

import "fmt"

// Kind is how an exchange chooses among its bindings.
// See the AMQP 0-9-1 specification, section 3.1.3, and
// https://www.rabbitmq.com/tutorials/amqp-concepts#exchanges.
type Kind string

const (
	// Direct matches a binding whose key equals the routing key.
	Direct Kind = "direct"

	// Fanout matches every binding; keys are ignored.
	Fanout Kind = "fanout"

	// Topic matches binding patterns against the routing key, word by word.
	// Words are separated by dots; "*" stands for one word, "#" for any
	// number of words, none included. An empty key has no words.
	Topic Kind = "topic"

	// Headers matches binding arguments against the message's headers. The
	// argument "x-match" says how: "all" (the default), "any", "all-with-x"
	// or "any-with-x".
	Headers Kind = "headers"
)

// Kinds returns the exchange kinds of the model, in a fixed order.
func Kinds() []Kind { return []Kind{Direct, Fanout, Topic, Headers} }

// Exchange describes an exchange to [Broker.DeclareExchange].
//
// Every vhost has some from the start: the default exchange, whose name is
// empty and which routes to the queue named by the routing key, and the
// durable amq.direct, amq.fanout, amq.topic, amq.headers and amq.match.
type Exchange struct {
	// Name is 1 to 255 bytes of UTF-8 without line breaks. Names that begin
	// with "amq." are the broker's own.
	Name string

	// Kind is required: there is no default kind.
	Kind Kind

	// Durable exchanges outlive a restart of the broker.
	Durable bool

	// AutoDelete exchanges go when the last binding from them goes. One that
	// never had a binding stays.
	AutoDelete bool

	// Internal exchanges take messages from other exchanges only.
	Internal bool

	// Alternate names the exchange that gets what this one can't route. It
	// need not exist yet. Empty means none.
	// See https://www.rabbitmq.com/docs/ae.
	Alternate string

	// Arguments holds further arguments for the broker. Unknown ones don't
	// count when the exchange is declared again. "alternate-exchange" is
	// refused here: use Alternate.
	Arguments Table
}

func (e Exchange) validate() error {
	if e.Name == "" {
		return fmt.Errorf("%w: the default exchange can't be declared; give the exchange a name", ErrAccessRefused)
	}
	if err := checkNewName("exchange name", e.Name); err != nil {
		return err
	}
	if err := checkName("alternate exchange name", e.Alternate); err != nil {
		return err
	}
	switch e.Kind {
	case Direct, Fanout, Topic, Headers:
	case "":
		return fmt.Errorf("%w: the exchange has no kind; it must be one of %v", ErrInvalid, Kinds())
	default:
		return fmt.Errorf("%w: unknown exchange kind %q; it must be one of %v", ErrInvalid, e.Kind, Kinds())
	}
	if _, ok := e.Arguments["alternate-exchange"]; ok {
		return fmt.Errorf("%w: argument %q has a field of its own: set Exchange.Alternate", ErrInvalid, "alternate-exchange")
	}
	return checkTable("argument", e.Arguments)
}
