package topology

import (
	"bufio"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/gobindery/bindery/cmd/internal/cli"
	"github.com/gobindery/bindery/pubsub/topology"
)

// diff tells in what a broker differs from a file.
func (c *command) diff() *cobra.Command {
	vhost, all := "", false
	cmd := &cobra.Command{
		Use:   "diff [flags] FILE",
		Short: "tell in what the broker differs from FILE",
		Long: `Tell in what the broker differs from FILE, a line each:
  +  it is in FILE, and not on the broker
  -  it is on the broker, and not in FILE
  ~  it is in both, but not the same

Exit codes: 0 they are the same, 1 they differ, 2 the command line or FILE is
wrong, 3 it can't be told.`,
		Args:              words(1, 1, "one FILE"),
		ValidArgsFunction: files,
		RunE: func(cmd *cobra.Command, args []string) error {
			want, err := c.read(args[0], vhost)
			if err != nil {
				return trouble(err)
			}
			have, err := c.topology(cmd, "")
			if err != nil {
				return trouble(err)
			}
			return c.differences(topology.Diff(want, have, &topology.DiffOptions{All: all}))
		},
	}
	vhostFlag(cmd, &vhost)
	cmd.Flags().BoolVar(&all, "all", false, "compare also what comes and goes by itself")
	return cmd
}

// check tells what of a file is missing on a broker.
func (c *command) check() *cobra.Command {
	vhost := ""
	cmd := &cobra.Command{
		Use:   "check [flags] FILE",
		Short: "tell what of FILE the broker lacks",
		Long: `Tell what of FILE is not on the broker (+), or not the same there (~). What is there
beyond that is fine. Nothing is changed.

On a RabbitMQ without its management plugin, what is missing is told still, but
not whether the rest is the same.

Exit codes: 0 all is there, 1 something is missing or not the same, 2 the command
line or FILE is wrong, 3 it can't be told.`,
		Args:              words(1, 1, "one FILE"),
		ValidArgsFunction: files,
		RunE: func(cmd *cobra.Command, args []string) error {
			want, err := c.read(args[0], vhost)
			if err != nil {
				return trouble(err)
			}
			b, err := c.Open(cmd, c.Env)
			if err != nil {
				return trouble(err)
			}
			err = topology.Check(cmd.Context(), b, want)
			closed := b.Close()
			if mismatch, ok := errors.AsType[*topology.MismatchError](err); ok {
				return errors.Join(c.differences(mismatch.Changes), trouble(closed))
			}
			return trouble(errors.Join(err, closed))
		},
	}
	vhostFlag(cmd, &vhost)
	return cmd
}

// vhostFlag adds the flag that chooses the part of a file.
func vhostFlag(cmd *cobra.Command, vhost *string) {
	cli.ShortString(cmd, vhost, "vhost", "", "`name` of the vhost in FILE, if that has several")
}

// differences prints changes. It returns the end of the command.
func (c *command) differences(changes []topology.Change) error {
	if len(changes) == 0 {
		return nil
	}
	out := bufio.NewWriter(c.Stdout)
	for _, ch := range changes {
		switch ch.Action {
		case topology.Create:
			fmt.Fprintf(out, "+ %s\n", ch.Entity())
		case topology.Delete:
			fmt.Fprintf(out, "- %s\n", ch.Entity())
		default:
			fmt.Fprintf(out, "~ %s\n", ch)
		}
	}
	if err := out.Flush(); err != nil {
		return trouble(err)
	}
	return differs()
}
