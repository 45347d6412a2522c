package topology

import (
	"errors"
	"fmt"

	"github.com/gobindery/bindery/pubsub"
	"github.com/gobindery/bindery/pubsub/routing"
)

// Explain tells where a message would go that is published to an exchange with
// a key and headers, and why, by a topology that was listed or read from a
// file. Nothing is sent. Options may be nil. Who asks about many messages makes
// the [Table] once.
//
// The explanation is as exact as the topology: policies are not in it, and
// where the management API of RabbitMQ tells binding arguments in other types
// than they have, inside lists and tables, they are compared so.
//
// Headers CC or BCC that are no lists are [pubsub.ErrPreconditionFailed], as
// when such a message is published. A refused publish is no error, but in the
// explanation.
func Explain(t pubsub.Topology, exchange, key string, headers pubsub.Table, o *routing.ExplainOptions) (*routing.Explanation, error) {
	r, err := Request(exchange, key, headers)
	if err != nil {
		return nil, err
	}
	table, err := Table(t)
	if err != nil {
		return nil, err
	}
	return table.Explain(r, o), nil
}

// Request returns a message as routing looks at it, with the further keys that
// its headers CC and BCC have. See https://www.rabbitmq.com/docs/sender-selected.
func Request(exchange, key string, headers pubsub.Table) (*routing.Request, error) {
	r := &routing.Request{Exchange: exchange, Key: key, Headers: headers}
	for _, name := range [...]string{"CC", "BCC"} {
		v, ok := headers[name]
		if !ok {
			continue
		}
		list, ok := v.([]any)
		if !ok {
			return nil, fmt.Errorf("%w: the header %s is a %T; it must be a list of strings ([]any)", pubsub.ErrPreconditionFailed, name, v)
		}
		for _, k := range list {
			if s, ok := k.(string); ok {
				r.MoreKeys = append(r.MoreKeys, s)
			}
		}
	}
	return r, nil
}

// Table returns the routing table of a topology: queues are their names. The
// exchanges that every vhost has are there, if listed or not. An exchange of a
// kind that is not of the model, as of a plugin of RabbitMQ, is
// [pubsub.ErrUnsupported]; a binding from or to what is not there is
// [pubsub.ErrNotFound]. All that is wrong is in the error.
func Table(t pubsub.Topology) (*routing.Table[string], error) {
	table := routing.New[string]()
	var wrong []error
	unknown := map[string]bool{} // exchanges that are not in the table
	for _, e := range t.Exchanges {
		if e.Name == "" {
			continue // a topology may list the default exchange
		}
		next, err := table.ListedExchange(e)
		if err != nil {
			if errors.Is(err, pubsub.ErrInvalid) {
				err = fmt.Errorf("%w: it can't be told what such an exchange does: %w", pubsub.ErrUnsupported, err)
			}
			wrong = append(wrong, fmt.Errorf("exchange %q: %w", e.Name, err))
			unknown[e.Name] = true
			continue
		}
		table = next
	}
	for _, q := range t.Queues {
		table = table.AddQueue(q.Name, q.Name)
	}
	for _, b := range t.Bindings {
		if b.Exchange == "" || unknown[b.Exchange] || unknown[b.ToExchange] {
			continue
		}
		next, err := table.Bind(b)
		if err != nil {
			wrong = append(wrong, fmt.Errorf("%s: %w", b, err))
			continue
		}
		table = next
	}
	if len(wrong) > 0 {
		return nil, fmt.Errorf("route by a topology: %w", errors.Join(wrong...))
	}
	return table, nil
}
