package topology

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"github.com/spf13/cobra"

	"github.com/gobindery/bindery/cmd/internal/cli"
	"github.com/gobindery/bindery/cmd/internal/page"
	"github.com/gobindery/bindery/pubsub"
)

// serve shows the topology in a browser.
func (c *command) serve() *cobra.Command {
	listen := "127.0.0.1:0"
	cmd := &cobra.Command{
		Use:   "serve [flags]",
		Short: "show the live graph in a browser, and where a message would go",
		Long: `Show exchanges, queues, bindings and counts in a browser, as they change. There
a message's way can be seen before it is sent, and why; and it can be sent.

The page is for this machine only, and for all who have an account on it: they
can see the names and publish. Only its own pages can ask it. Ctrl-C ends it.`,
		Example: `  topology serve
  topology serve -b amqp://guest:guest@localhost:5672/ --listen 127.0.0.1:8080`,
		Args: words(0, 0, "flags only"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, err := page.Listen(listen)
			if errors.Is(err, page.ErrAddress) {
				return cli.Usagef("--listen: %v", err)
			}
			if err != nil {
				return err
			}
			defer l.Close()
			c.Stays = true
			return c.with(cmd, func(ctx context.Context, b *pubsub.Broker) error {
				fmt.Fprintf(c.Stderr, " [*] The topology is at http://%s/. To exit press CTRL+C\n", l.Addr())
				return page.New(b, c.brokerName(cmd)).Serve(ctx, l)
			})
		},
	}
	cmd.Flags().StringVar(&listen, "listen", listen, "`address` on this machine to serve the page on; port 0 is any free one")
	return cmd
}

// brokerName is what the page calls the broker: its URL, without a password and
// parameters.
func (c *command) brokerName(cmd *cobra.Command) string {
	if c.LocalBroker {
		return "the local broker"
	}
	name := c.Env.Broker
	if f := cmd.Flag("broker"); f.Changed {
		name = f.Value.String()
	}
	u, err := url.Parse(name)
	if err != nil {
		return "the broker"
	}
	u.RawQuery, u.User = "", nil
	return u.String()
}
