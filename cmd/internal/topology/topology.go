// Package topology is the command topology. Each of its subcommands has a file.
package topology

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gobindery/bindery/cmd/internal/cli"
	"github.com/gobindery/bindery/pubsub"
)

const help = `See and change what there is on a broker: exchanges, queues and bindings.

It works on any backend. RabbitMQ needs its management plugin for all that lists:
rabbitmq-plugins enable rabbitmq_management. The local broker, which emit and
receive use where no other is named, is there while one of them runs.

A FILE is RabbitMQ's definitions.json, as export and "rabbitmqctl
export_definitions" write it, or the same as YAML; "-" is standard input. What
comes and goes by itself is left out of it: exchanges and queues whose names
begin with "amq.", and exclusive queues with their bindings.

Exit codes: 0 all was done, 1 it failed, 2 the command line or FILE is wrong.
For diff and check 1 says that broker and FILE are not the same, for explain that
no queue gets the message; a failure is 3 there.

The shell's completion: topology completion bash|zsh|fish|powershell writes its
script.`

const examples = `  topology list queues
  topology list queues name messages_ready consumers -o json
  topology graph -o svg > topology.svg
  topology explain events kern.critical
  topology export > definitions.json
  topology diff definitions.json -b nats://localhost
  topology apply definitions.json -b nats://localhost --dry-run
  topology delete queue audit --if-empty`

// command is one run of it.
type command struct {
	cli.Env
	cli.Flags
}

// Run runs the command and returns its exit code.
func Run(ctx context.Context, args []string, env cli.Env) int {
	c := &command{Env: env}
	root := &cobra.Command{
		Use:     "topology",
		Long:    help,
		Example: examples,
	}
	group(root, "command", c.list(), c.graph(), c.explain(), c.export(), c.diff(), c.check(), c.apply(), c.purge(), c.delete(), c.serve())
	unknown := root.Args
	root.Args = func(cmd *cobra.Command, args []string) error {
		if err := cli.CheckCompletion(args); err != nil {
			return err
		}
		return unknown(cmd, args)
	}
	c.AddBroker(root, env)
	return cli.Execute(ctx, root, args, env)
}

// group makes cmd one that does nothing by itself, but has subcommands.
func group(cmd *cobra.Command, what string, subs ...*cobra.Command) {
	var names []string
	for _, s := range subs {
		s.DisableFlagsInUseLine = true
		s.Flags().SortFlags = false
		names = append(names, s.Name())
		if s.ValidArgsFunction == nil {
			s.ValidArgsFunction = cobra.NoFileCompletions
		}
	}
	cmd.AddCommand(subs...)
	cmd.Args = func(_ *cobra.Command, args []string) error {
		if len(args) > 0 {
			return cli.UnknownWord(what, args[0], names)
		}
		return cli.Usagef("%s needs a %s: %s; see %[1]s --help", cmd.CommandPath(), what, strings.Join(names, ", "))
	}
	cmd.RunE = func(*cobra.Command, []string) error { return nil } // Args has failed
}

// words checks how many words there are; at most less than zero is any number.
func words(least, most int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < least || most >= 0 && len(args) > most {
			return cli.Usagef("%s takes %s, but got %s; see %[1]s --help", cmd.CommandPath(), what, count(len(args), "word"))
		}
		return nil
	}
}

// files completes names of files.
func files(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return []cobra.Completion{"json", "yaml", "yml"}, cobra.ShellCompDirectiveFilterFileExt
}

// with runs do on the broker that the flags name.
func (c *command) with(cmd *cobra.Command, do func(ctx context.Context, b *pubsub.Broker) error) (err error) {
	b, err := c.Open(cmd, c.Env)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	return do(cmd.Context(), b)
}

// topology lists what there is: on the broker, or by the flag --file.
func (c *command) topology(cmd *cobra.Command, file string) (t pubsub.Topology, err error) {
	if file != "" {
		return c.read(file, "")
	}
	err = c.with(cmd, func(ctx context.Context, b *pubsub.Broker) error {
		t, err = b.Topology(ctx)
		return err
	})
	return t, err
}

// fileFlag adds the flag --file.
func fileFlag(cmd *cobra.Command, file *string) {
	cmd.Flags().StringVarP(file, "file", "f", "", "look at this `FILE`, without a broker")
	if err := cmd.RegisterFlagCompletionFunc("file", files); err != nil {
		panic(err) // it has one already
	}
}

// trouble makes an error one that is no answer.
func trouble(err error) error {
	if err == nil {
		return nil
	}
	return cli.WithCode(cli.ExitTrouble, err)
}

// differs is the end of a command that has said what is not the same.
func differs() error { return cli.WithCode(cli.ExitFailure, nil) }

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
