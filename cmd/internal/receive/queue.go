package receive

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/gobindery/bindery/cmd/internal/cli"
	"github.com/gobindery/bindery/pubsub"
)

// bindings are those that the flags ask for, without their queue.
func (r *receiver) bindings(cmd *cobra.Command) ([]pubsub.Binding, error) {
	keyed := r.Kind == pubsub.Direct || r.Kind == pubsub.Topic
	flags := cmd.Flags()
	switch {
	case flags.Changed("queue") && r.queue == "":
		return nil, cli.Usagef(`-Q/--queue "": name a queue, or leave the flag out to have one for this receiver alone`)
	case r.Exchange == "":
		return nil, r.checkUnbound()
	case len(r.keys) > 0 && !keyed:
		return nil, cli.Usagef("-k/--key has no meaning for a %s exchange; give its type, -t direct or -t topic, or leave the key out", r.Kind)
	case len(r.headers) > 0 && r.Kind != pubsub.Headers:
		return nil, cli.Usagef("-H/--header has no meaning for a %s exchange; give its type, -t headers, or leave the header out", r.Kind)
	case flags.Changed("match") && r.Kind != pubsub.Headers:
		return nil, cli.Usagef("--match has no meaning for a %s exchange; give its type, -t headers, or leave it out", r.Kind)
	case r.match == "any" && len(r.headers) == 0:
		return nil, cli.Usagef("--match any without a header matches no message; name headers with -H/--header")
	case r.Kind == pubsub.Direct && len(r.keys) == 0:
		return nil, cli.Usagef("a direct exchange needs the keys of the messages to receive; name them with -k/--key, as in: receive -t direct -k warning -k error")
	}
	keys := r.keys
	if len(keys) == 0 {
		keys = []string{""}
		if r.Kind == pubsub.Topic {
			keys = []string{"#"}
		}
	}
	var bindings []pubsub.Binding
	for _, key := range keys {
		b := pubsub.Binding{Exchange: r.Exchange, Key: key}
		if r.Kind == pubsub.Headers {
			b.Arguments = r.headers.Clone()
			if b.Arguments == nil {
				b.Arguments = pubsub.Table{}
			}
			b.Arguments["x-match"] = r.match
		}
		bindings = append(bindings, b)
	}
	return bindings, nil
}

// checkUnbound checks the flags of a receiver that reads a queue without binding
// it.
func (r *receiver) checkUnbound() error {
	if r.queue == "" {
		return cli.Usagef(`-e/--exchange "": the default exchange can't be bound; it reaches every queue by its name: name one with -Q/--queue`)
	}
	if len(r.keys) > 0 || len(r.headers) > 0 {
		return cli.Usagef(`-e/--exchange "": the default exchange can't be bound; leave out -k/--key and -H/--header`)
	}
	return nil
}

// declare makes the queue and its bindings, and returns its name.
func (r *receiver) declare(ctx context.Context, b *pubsub.Broker, bindings []pubsub.Binding) (string, error) {
	if err := r.DeclareExchange(ctx, b); err != nil {
		return "", err
	}
	q := pubsub.TempQueue()
	if r.queue != "" {
		q = pubsub.Queue{Name: r.queue, Durable: r.Durable}
	}
	name, err := b.DeclareQueue(ctx, q)
	if err != nil {
		return "", err
	}
	for _, bd := range bindings {
		bd.Queue = name
		if err := b.Bind(ctx, bd); err != nil {
			return "", err
		}
	}
	return name, nil
}
