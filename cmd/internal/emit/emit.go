// Package emit is the command emit.
package emit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/gobindery/bindery/cmd/internal/cli"
	"github.com/gobindery/bindery/pubsub"
)

const help = `Publish messages to an exchange.

The words make one message, joined by spaces. Without words, each line of
standard input is a message, sent as it comes; the newline is not part of it. At
a terminal, the message is then "info: Hello World!".

emit prints what it has sent once the broker has confirmed it, and exits with 0
only when every message was confirmed. Else it says how many were, and which
line failed first: it stops there.

If the connection goes, emit goes on when the broker is back, and sends again
the messages whose outcome is unknown. These may arrive twice, and then after
lines that followed them; emit says so once.

` + cli.LocalHelp + ` Where nobody listens there, so that no queue gets the
message and it is dropped, emit says so; without --mandatory that is no failure.

Headers are strings. A message sent to the default exchange (-e "") goes to the
queue that its key names. Words that begin with a dash follow "--".

The shell's completion: emit completion bash|zsh|fish|powershell writes its
script.`

const examples = `  emit
  emit info: Hello World!
  emit -b amqp://guest:guest@localhost:5672/ disk is full
  emit -t direct -e direct_logs -k error Run. Run. Or it will explode.
  emit -t topic -e topic_logs -k kern.critical A critical kernel error
  emit -t headers -e jobs -H format=pdf -H kind=report quarterly figures
  emit -e "" -k task_queue --persistent --mandatory A very hard task....
  emit < /var/log/dpkg.log
  tail -f /var/log/syslog | emit --quiet`

// emitter is one run of the command.
type emitter struct {
	cli.Env
	cli.Flags

	key        string
	headers    pubsub.Table
	mandatory  bool
	persistent bool
	quiet      bool

	probed bool // a message was sent that says if nobody listens
}

// Run runs the command and returns its exit code.
func Run(ctx context.Context, args []string, env cli.Env) int {
	e := &emitter{Env: env}
	cmd := &cobra.Command{
		Use:     "emit [flags] [message…]",
		Long:    help,
		Example: examples,
		Args:    cobra.ArbitraryArgs,
		RunE:    e.run,
	}
	e.Flags.Add(cmd, env)
	cli.ShortString(cmd, &e.key, "key", "k", "routing `key`")
	cli.Headers(cmd, &e.headers, "header of the messages, as `name=value`; may be repeated")
	cmd.Flags().BoolVar(&e.mandatory, "mandatory", false, "a message that no queue gets is a failure")
	cmd.Flags().BoolVar(&e.persistent, "persistent", false, "durable queues write the messages to disk")
	cmd.Flags().BoolVarP(&e.quiet, "quiet", "q", false, "print nothing but failures")
	e.Flags.AddLast(cmd)
	return cli.Execute(ctx, cmd, args, env)
}

func (e *emitter) run(cmd *cobra.Command, words []string) error {
	if e.Exchange == "" && e.key == "" {
		return cli.Usagef(`-e/--exchange "": the default exchange routes to the queue that the key names; name it with -k/--key`)
	}
	defer func() {
		if err := e.Flags.Close(); err != nil {
			e.Logger(e.Env).Warn("the trace may not be complete", "error", err)
		}
	}()
	b, err := e.Open(cmd, e.Env)
	if err != nil {
		return err
	}
	defer func() {
		// Every message has its outcome by now, which is what counts.
		if err := b.Close(); err != nil {
			e.Logger(e.Env).Warn("closing the connection failed", "error", err)
		}
	}()
	ctx := cmd.Context()
	if err := e.DeclareExchange(ctx, b); err != nil {
		return err
	}
	switch {
	case len(words) > 0:
		return e.one(ctx, b, strings.Join(words, " "))
	case e.StdinTerminal:
		return e.one(ctx, b, "info: Hello World!")
	}
	return e.lines(ctx, b)
}

// one publishes one message.
func (e *emitter) one(ctx context.Context, b *pubsub.Broker, body string) error {
	if err := e.stream(b).one(ctx, []byte(body)); err != nil {
		return err
	}
	if e.key != "" {
		body = e.key + ":" + body
	}
	return e.print(body)
}

// lines publishes each line of standard input.
func (e *emitter) lines(ctx context.Context, b *pubsub.Broker) error {
	s := e.stream(b)
	if e.StderrTerminal && !e.quiet {
		stop := showProgress(e.Stderr, s)
		defer stop()
	}
	if err := s.run(ctx, e.Stdin); err != nil {
		return err
	}
	return e.print(count(s.confirmed.Load()))
}

func (e *emitter) stream(b *pubsub.Broker) *stream {
	return &stream{
		publish: func(ctx context.Context, body []byte) pubsub.Confirmation { return e.publish(ctx, b, body) },
		warn:    func(text string) { fmt.Fprintln(e.Stderr, "emit: "+text) },
		drops:   e.LocalBroker && !e.mandatory,
		window:  window{most: windowBytes},
	}
}

func (e *emitter) publish(ctx context.Context, b *pubsub.Broker, body []byte) pubsub.Confirmation {
	m := pubsub.Message{Body: body, Headers: e.headers}
	if e.persistent {
		m.DeliveryMode = pubsub.Persistent
	}
	// All messages go the same way, and so the first one tells of all.
	probe := e.LocalBroker && !e.probed
	e.probed = true
	if e.mandatory || probe {
		return b.PublishAsync(ctx, e.Exchange, e.key, m, pubsub.Mandatory)
	}
	return b.PublishAsync(ctx, e.Exchange, e.key, m)
}

// print says what was sent.
func (e *emitter) print(what string) error {
	if e.quiet {
		return nil
	}
	_, err := fmt.Fprintf(e.Stdout, " [x] Sent %s\n", what)
	if err == nil || errors.Is(err, syscall.EPIPE) || errors.Is(err, io.ErrClosedPipe) {
		return nil // whoever read it wants no more
	}
	return fmt.Errorf("sent and confirmed, but standard output can't be written: %w", err)
}

// count is a number of messages in words.
func count(n int64) string {
	if n == 1 {
		return "1 message"
	}
	return fmt.Sprintf("%d messages", n)
}
