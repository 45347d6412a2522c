package topology

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/gobindery/bindery/cmd/internal/cli"
	"github.com/gobindery/bindery/cmd/internal/graph"
	"github.com/gobindery/bindery/pubsub"
	"github.com/gobindery/bindery/pubsub/routing"
	"github.com/gobindery/bindery/pubsub/topology"
)

// graph draws what there is.
func (c *command) graph() *cobra.Command {
	format, file, all := "mermaid", "", false
	var headers pubsub.Table
	cmd := &cobra.Command{
		Use:   "graph [flags] [EXCHANGE KEY]",
		Short: "draw what there is",
		Long: `Draw exchanges, queues and bindings. Dashed lines lead to alternate exchanges,
dotted ones to dead-letter exchanges. With EXCHANGE and KEY the way of such a
message stands out.

Formats of -o/--output:
  mermaid  a flowchart, which GitHub and GitLab draw in Markdown
  dot      for Graphviz
  svg      a picture, light or dark as its viewer likes`,
		Args: words(0, 2, "EXCHANGE and KEY, or neither"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				return cli.Usagef(`%s takes EXCHANGE and KEY, or neither; the empty key is ""`, cmd.CommandPath())
			}
			if len(args) == 0 && len(headers) > 0 {
				return cli.Usagef("-H/--header is of a message: give its EXCHANGE and KEY too")
			}
			t, err := c.topology(cmd, file)
			if err != nil {
				return err
			}
			g := graph.New(t, &graph.Options{All: all})
			if len(args) == 2 {
				x, err := topology.Explain(t, args[0], args[1], headers, &routing.ExplainOptions{Misses: -1})
				if err != nil {
					return err
				}
				if x.Refused != nil {
					return x.Refused
				}
				g.Light(x)
			}
			write := map[string]func(io.Writer) error{"mermaid": g.WriteMermaid, "dot": g.WriteDOT, "svg": g.WriteSVG}[format]
			return write(c.Stdout)
		},
	}
	cli.Choice(cmd, &format, "output", "o", []string{"mermaid", "dot", "svg"}, "`format`: mermaid, dot or svg")
	cli.Headers(cmd, &headers, "header of the message, as `name=value`; may be repeated")
	fileFlag(cmd, &file)
	cmd.Flags().BoolVar(&all, "all", false, "draw also the exchanges amq.* that nothing is bound to")
	return cmd
}
