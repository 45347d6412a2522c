package topology

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/gobindery/bindery/cmd/internal/cli"
	"github.com/gobindery/bindery/pubsub"
)

// purge drops the messages of queues.
func (c *command) purge() *cobra.Command {
	return &cobra.Command{
		Use:   "purge QUEUE…",
		Short: "drop the messages of queues",
		Long: `Drop the messages that wait in queues, and print how many. Those that a consumer
has not acknowledged stay. A queue that is missing is a failure; those before it
are purged then.`,
		Args: named,
		RunE: func(cmd *cobra.Command, queues []string) error {
			return c.with(cmd, func(ctx context.Context, b *pubsub.Broker) error {
				for _, q := range queues {
					n, err := b.PurgeQueue(ctx, q)
					if err != nil {
						return err
					}
					fmt.Fprintf(c.Stdout, "queue %q: %s dropped\n", q, count(n, "message"))
				}
				return nil
			})
		},
	}
}

// delete deletes exchanges or queues.
func (c *command) delete() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "delete exchange|queue NAME…",
		Short: "delete exchanges or queues",
		Long: `Delete exchanges or queues with their bindings, and queues with the messages in
them. One that is missing is a failure; those before it are deleted then.`,
	}
	group(cmd, "kind", c.deleteExchange(), c.deleteQueue())
	return cmd
}

func (c *command) deleteExchange() *cobra.Command {
	var o pubsub.DeleteExchangeOptions
	cmd := &cobra.Command{
		Use:   "exchange [flags] NAME…",
		Short: "delete exchanges",
		Args:  named,
		RunE: func(cmd *cobra.Command, names []string) error {
			return c.with(cmd, func(ctx context.Context, b *pubsub.Broker) error {
				for _, name := range names {
					if err := b.CheckExchange(ctx, name); err != nil { // to delete what is missing is no error
						return err
					}
					if err := b.DeleteExchange(ctx, name, &o); err != nil {
						return err
					}
					fmt.Fprintf(c.Stdout, "exchange %q: deleted\n", name)
				}
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&o.IfUnused, "if-unused", false, "only if nothing is bound to it")
	return cmd
}

func (c *command) deleteQueue() *cobra.Command {
	var o pubsub.DeleteQueueOptions
	cmd := &cobra.Command{
		Use:   "queue [flags] NAME…",
		Short: "delete queues",
		Args:  named,
		RunE: func(cmd *cobra.Command, names []string) error {
			return c.with(cmd, func(ctx context.Context, b *pubsub.Broker) error {
				for _, name := range names {
					if _, err := b.InspectQueue(ctx, name); err != nil { // to delete what is missing is no error
						return err
					}
					n, err := b.DeleteQueue(ctx, name, &o)
					if err != nil {
						return err
					}
					fmt.Fprintf(c.Stdout, "queue %q: deleted with %s\n", name, count(n, "message"))
				}
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&o.IfUnused, "if-unused", false, "only if it has no consumer")
	cmd.Flags().BoolVar(&o.IfEmpty, "if-empty", false, "only if no message waits in it")
	return cmd
}

// named wants names that are not empty.
func named(cmd *cobra.Command, args []string) error {
	for _, name := range args {
		if name == "" {
			return cli.Usagef("%s: an empty name; the default exchange can't be deleted, and every queue has a name", cmd.CommandPath())
		}
	}
	return words(1, -1, "one name or more")(cmd, args)
}
