// Package receive is the command receive.
package receive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/gobindery/bindery/cmd/internal/cli"
	"github.com/gobindery/bindery/pubsub"
)

const help = `Print the messages that an exchange sends, one a line, as they come.

receive binds a queue of its own to the exchange, which goes when receive ends.
With -Q it reads a queue that has a name: several receivers share its messages,
and those that come while no receiver runs wait in it. With -Q and the default
exchange (-e "") the queue isn't bound to anything.

What a queue gets depends on the exchange's type:
  fanout   every message; takes no -k
  direct   those whose key is one of the -k, at least one of which is needed
  topic    those whose key matches one of the patterns -k: words between dots, *
           stands for one word, # for any number; all messages without -k
  headers  those that have all headers -H, or any of them with --match any; all
           messages without -H

Standard output gets messages and nothing else. A message is acknowledged once
it is written. If receive or its connection ends between the two, the message
comes again. Ctrl-C and SIGTERM end receive after the message in hand, and so
does the first message once the reader of its output has gone away; what isn't
acknowledged stays in a named queue.

` + cli.LocalHelp + `

Formats of -o/--output:
  body     the message's bytes and a newline
  verbose  exchange, key, redelivered, headers and body, quoted, on one line
  json     an object on one line. Always there: exchange, routing_key,
           redelivered, and body (a string), or body_base64 if the body isn't
           UTF-8. There if the message has them: headers (an object),
           content_type, content_encoding, delivery_mode, priority,
           correlation_id, reply_to, expiration_ms, message_id, timestamp (RFC
           3339), type, user_id, app_id. Bytes that aren't UTF-8 and byte arrays
           among the headers are objects {"base64": "…"}.

The shell's completion: receive completion bash|zsh|fish|powershell writes its
script.`

const examples = `  receive
  receive > logs_from_rabbit.log
  receive -b amqp://guest:guest@localhost:5672/ -n 10
  receive -t direct -e direct_logs -k warning -k error
  receive -t topic -e topic_logs -k 'kern.*' -k '*.critical'
  receive -t headers -e jobs -H format=pdf -H kind=report --match any
  receive -Q audit --durable -o json`

// receiver is one run of the command.
type receiver struct {
	cli.Env
	cli.Flags

	queue    string
	keys     []string
	headers  pubsub.Table
	match    string
	count    int // 0 is without end
	prefetch int
	output   string
}

// Run runs the command and returns its exit code.
func Run(ctx context.Context, args []string, env cli.Env) int {
	r := &receiver{Env: env, match: "all", prefetch: pubsub.DefaultPrefetch, output: "body"}
	cmd := &cobra.Command{
		Use:     "receive [flags]",
		Long:    help,
		Example: examples,
		Args: func(_ *cobra.Command, args []string) error {
			if err := cli.CheckCompletion(args); err != nil {
				return err
			}
			if len(args) > 0 {
				return cli.Usagef("receive takes flags only, but got the word %q; a key is given by -k, a queue by -Q", args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return r.run(cmd) },
	}
	r.Stays = true
	r.Flags.Add(cmd, env)
	cli.ShortString(cmd, &r.queue, "queue", "Q", "`name` of a shared queue, made if it is missing, durable with --durable")
	cli.ShortStrings(cmd, &r.keys, "key", "k", "binding key, or `pattern` for a topic exchange; may be repeated")
	cli.Headers(cmd, &r.headers, "header to match in a headers exchange, as `name=value`; may be repeated")
	cli.Choice(cmd, &r.match, "match", "", []string{"all", "any"}, "how many of the headers must match: `all|any`")
	cli.Number(cmd, &r.count, "count", "n", 1, math.MaxInt, "end after `N` messages; further ones stay in the queue")
	cli.Number(cmd, &r.prefetch, "prefetch", "", 1, math.MaxUint16, "at most `N` messages may be on their way here, unacknowledged")
	cli.Choice(cmd, &r.output, "output", "o", []string{"body", "json", "verbose"}, "`format` of a message: body, json or verbose")
	r.Flags.AddLast(cmd)
	return cli.Execute(ctx, cmd, args, env)
}

func (r *receiver) run(cmd *cobra.Command) error {
	bindings, err := r.bindings(cmd)
	if err != nil {
		return err
	}
	err = r.receive(cmd, bindings)
	switch ctx := cmd.Context(); {
	case errors.Is(err, syscall.EPIPE), errors.Is(err, io.ErrClosedPipe):
		return nil // who read our output wants no more
	case ctx.Err() != nil && (errors.Is(err, ctx.Err()) || errors.Is(err, context.Cause(ctx))):
		return nil // interrupted before it was ready
	}
	return err
}

// receive sets up the queue and prints what comes.
func (r *receiver) receive(cmd *cobra.Command, bindings []pubsub.Binding) (err error) {
	ctx := cmd.Context()
	defer func() { err = errors.Join(err, r.Flags.Close()) }()
	b, err := r.Open(cmd, r.Env)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()

	queue, err := r.declare(ctx, b, bindings)
	if err != nil {
		return err
	}
	p := &printer{out: newOutput(r.Stdout, r.output), log: r.Logger(r.Env)}
	if r.LocalBroker { // a lost connection is its host's end, of which it tells itself
		p.log = slog.New(slog.DiscardHandler)
	}
	ready := func() { fmt.Fprintln(r.Stderr, " [*] Waiting for logs. To exit press CTRL+C") }
	if r.count == 0 {
		_, err := r.consume(ctx, b, queue, r.prefetch, 0, p, ready)
		return err
	}
	prefetch := min(r.prefetch, r.count)
	for left := r.count; left > 0; {
		n, err := r.consume(ctx, b, queue, prefetch, left, p, ready)
		if err != nil || ctx.Err() != nil {
			return err
		}
		// It stopped before the end since messages come slowly: the rest one by one.
		left, prefetch, ready = left-n, 1, func() {}
	}
	return nil
}

// consume prints messages of a queue, up to limit of them; 0 is no limit.
func (r *receiver) consume(ctx context.Context, b *pubsub.Broker, queue string, prefetch, limit int, p *printer, ready func()) (n int, err error) {
	c, err := b.Consume(ctx, queue, &pubsub.ConsumeOptions{Prefetch: prefetch})
	if err != nil {
		return 0, err
	}
	ready()
	n, err = p.print(ctx, c, prefetch, limit)
	// What wasn't printed goes back to the queue.
	return n, errors.Join(err, c.Close())
}
