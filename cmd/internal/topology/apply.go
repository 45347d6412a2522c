package topology

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gobindery/bindery/cmd/internal/cli"
	"github.com/gobindery/bindery/pubsub"
	"github.com/gobindery/bindery/pubsub/topology"
)

// applier is one run of apply.
type applier struct {
	*command
	vhost              string
	yes, dryRun, prune bool
}

// apply makes a broker as a file says.
func (c *command) apply() *cobra.Command {
	a := &applier{command: c}
	cmd := &cobra.Command{
		Use:   "apply [flags] FILE",
		Short: "make the broker as FILE says",
		Long: `Declare what is in FILE and not on the broker. First it prints what it would do;
then it asks, at a terminal, or does it, with --yes. Nothing is deleted without
--prune. Applied again it does nothing.

A queue or an exchange that is there, but not as in FILE, can't be changed: apply
names all of those and does nothing. Delete them first, with the messages in
them.`,
		Args:              words(1, 1, "one FILE"),
		ValidArgsFunction: files,
		RunE: func(cmd *cobra.Command, args []string) error {
			if a.yes && a.dryRun {
				return cli.Usagef("--yes and --dry-run are opposites; give one of them")
			}
			if args[0] == "-" && !a.yes && !a.dryRun {
				return cli.Usagef("with FILE on standard input nobody can be asked there; give --yes or --dry-run")
			}
			want, err := a.read(args[0], a.vhost)
			if err != nil {
				return err
			}
			return a.with(cmd, func(ctx context.Context, b *pubsub.Broker) error { return a.run(ctx, b, want) })
		},
	}
	vhostFlag(cmd, &a.vhost)
	cmd.Flags().BoolVarP(&a.yes, "yes", "y", false, "do it without asking")
	cmd.Flags().BoolVarP(&a.dryRun, "dry-run", "n", false, "only print what it would do")
	cmd.Flags().BoolVar(&a.prune, "prune", false, "delete what is not in FILE, queues with the messages in them")
	return cmd
}

func (a *applier) run(ctx context.Context, b *pubsub.Broker, want pubsub.Topology) error {
	plan, err := topology.Apply(ctx, b, want, &topology.ApplyOptions{DryRun: true, Prune: a.prune})
	if err != nil {
		return err
	}
	out := bufio.NewWriter(a.Stdout)
	for _, ch := range plan {
		fmt.Fprintln(out, ch)
	}
	if len(plan) == 0 {
		fmt.Fprintln(out, "Nothing to do.")
	}
	if err := out.Flush(); err != nil {
		return err
	}
	switch {
	case len(plan) == 0 || a.dryRun:
		return nil
	case !a.yes && !a.StdinTerminal:
		return cli.Usagef("nothing was done: give --yes to do it where nobody can be asked, or --dry-run")
	case !a.yes && !a.agreed(ctx, len(plan)):
		return errors.New("nothing was done")
	}
	done, err := topology.Apply(ctx, b, want, &topology.ApplyOptions{Prune: a.prune})
	if err != nil {
		return fmt.Errorf("%d of %s done, and then: %w", len(done), count(len(plan), "change"), err)
	}
	_, err = fmt.Fprintf(a.Stdout, "Done: %s.\n", count(len(done), "change"))
	return err
}

// agreed asks at the terminal. The goroutine that reads can't be ended, but by an
// answer or with the process.
func (a *applier) agreed(ctx context.Context, n int) bool {
	fmt.Fprintf(a.Stderr, "Make %s? [y/N] ", count(n, "change"))
	answer := make(chan string, 1)
	go func() {
		line, err := bufio.NewReader(a.Stdin).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			line = ""
		}
		answer <- strings.ToLower(strings.TrimSpace(line))
	}()
	select {
	case line := <-answer:
		return line == "y" || line == "yes"
	case <-ctx.Done():
		fmt.Fprintln(a.Stderr)
		return false
	}
}
