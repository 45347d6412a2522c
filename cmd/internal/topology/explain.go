package topology

import (
	"errors"
	"io"

	"github.com/spf13/cobra"

	"github.com/gobindery/bindery/cmd/internal/cli"
	"github.com/gobindery/bindery/pubsub"
	"github.com/gobindery/bindery/pubsub/routing"
	"github.com/gobindery/bindery/pubsub/topology"
)

// usualMisses is how many bindings that don't match are shown of an exchange.
const usualMisses = 20

// explain tells where a message goes, and why.
func (c *command) explain() *cobra.Command {
	file, all := "", false
	var headers pubsub.Table
	cmd := &cobra.Command{
		Use:   "explain [flags] EXCHANGE KEY",
		Short: "tell where a message goes, and why",
		Long: `Tell where a message goes that is published to EXCHANGE with KEY, and why: each
binding that is tried on the way, matched (✓) or not (✗), and the queues that get
it. EXCHANGE "" is the default exchange. Nothing is sent.

Exit codes: 0 a queue gets it, 1 none does or there is no such exchange, 2 the
command line is wrong, 3 it can't be told.`,
		Args: words(2, 2, `EXCHANGE and KEY; the empty key is ""`),
		RunE: func(cmd *cobra.Command, args []string) error {
			t, err := c.topology(cmd, file)
			if err != nil {
				return trouble(err)
			}
			o := &routing.ExplainOptions{Misses: usualMisses}
			if all {
				o.Misses = 0
			}
			x, err := topology.Explain(t, args[0], args[1], headers, o)
			if err != nil {
				return trouble(err)
			}
			if _, err := io.WriteString(c.Stdout, tree(x)); err != nil {
				return trouble(err)
			}
			if x.Refused != nil && !errors.Is(x.Refused, pubsub.ErrUnroutable) {
				return cli.WithCode(cli.ExitFailure, x.Refused)
			}
			if x.Err() != nil {
				return differs()
			}
			return nil
		},
	}
	cli.Headers(cmd, &headers, "header of the message, as `name=value`; may be repeated")
	fileFlag(cmd, &file)
	cmd.Flags().BoolVar(&all, "all", false, "show all bindings that don't match, of each exchange, not 20")
	return cmd
}
