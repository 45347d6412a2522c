package topology

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gobindery/bindery/cmd/internal/cli"
	"github.com/gobindery/bindery/pubsub"
	"github.com/gobindery/bindery/pubsub/classic"
)

// list prints what there is, as rabbitmqctl does.
func (c *command) list() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list exchanges|queues|bindings",
		Short: "list exchanges, queues or bindings",
		Long: `List exchanges, queues or bindings with the columns that are named, as
rabbitmqctl list_exchanges, list_queues and list_bindings do, sorted by name.`,
	}
	group(cmd, "kind",
		lister(c, "exchanges", exchangeColumns, []string{"name", "type"}, allExchanges),
		lister(c, "queues", queueColumns, []string{"name", "messages"}, func(t *pubsub.Topology) []pubsub.QueueStatus { return t.Queues }),
		lister(c, "bindings", bindingColumns, columnNames(bindingColumns), allBindings),
	)
	return cmd
}

// column is a property that can be listed: a string, bool, int or
// [pubsub.Table].
type column[T any] struct {
	name  string
	value func(*T) any
}

var exchangeColumns = []column[pubsub.Exchange]{
	{"name", func(e *pubsub.Exchange) any { return e.Name }},
	{"type", func(e *pubsub.Exchange) any { return string(e.Kind) }},
	{"durable", func(e *pubsub.Exchange) any { return e.Durable }},
	{"auto_delete", func(e *pubsub.Exchange) any { return e.AutoDelete }},
	{"internal", func(e *pubsub.Exchange) any { return e.Internal }},
	{"arguments", func(e *pubsub.Exchange) any {
		args := e.Arguments.Clone()
		if args == nil {
			args = pubsub.Table{}
		}
		if e.Alternate != "" {
			args["alternate-exchange"] = e.Alternate
		}
		return args
	}},
}

var queueColumns = []column[pubsub.QueueStatus]{
	{"name", func(q *pubsub.QueueStatus) any { return q.Name }},
	{"durable", func(q *pubsub.QueueStatus) any { return q.Durable }},
	{"auto_delete", func(q *pubsub.QueueStatus) any { return q.AutoDelete }},
	{"exclusive", func(q *pubsub.QueueStatus) any { return q.Exclusive }},
	{"arguments", func(q *pubsub.QueueStatus) any { return classic.Arguments(q.Queue) }},
	{"messages_ready", func(q *pubsub.QueueStatus) any { return q.Ready }},
	{"messages_unacknowledged", func(q *pubsub.QueueStatus) any { return q.Unacked }},
	{"messages", func(q *pubsub.QueueStatus) any { return q.Ready + q.Unacked }},
	{"consumers", func(q *pubsub.QueueStatus) any { return q.Consumers }},
}

var bindingColumns = []column[pubsub.Binding]{
	{"source_name", func(b *pubsub.Binding) any { return b.Exchange }},
	{"source_kind", func(*pubsub.Binding) any { return "exchange" }},
	{"destination_name", func(b *pubsub.Binding) any { return b.Queue + b.ToExchange }},
	{"destination_kind", func(b *pubsub.Binding) any {
		if b.ToExchange != "" {
			return "exchange"
		}
		return "queue"
	}},
	{"routing_key", func(b *pubsub.Binding) any { return b.Key }},
	{"arguments", func(b *pubsub.Binding) any { return b.Arguments }},
}

// allExchanges are those of a topology and the default exchange, as rabbitmqctl
// lists it.
func allExchanges(t *pubsub.Topology) []pubsub.Exchange {
	return append([]pubsub.Exchange{{Kind: pubsub.Direct, Durable: true}}, t.Exchanges...)
}

// allBindings are those of a topology and of the default exchange to each queue.
func allBindings(t *pubsub.Topology) []pubsub.Binding {
	all := make([]pubsub.Binding, 0, len(t.Queues)+len(t.Bindings))
	for _, q := range t.Queues {
		all = append(all, pubsub.Binding{Queue: q.Name, Key: q.Name})
	}
	all = append(all, t.Bindings...)
	// Backends have them in orders of their own.
	slices.SortStableFunc(all, func(a, b pubsub.Binding) int {
		c := cmp.Or(
			strings.Compare(a.Exchange, b.Exchange),
			strings.Compare(a.Queue+a.ToExchange, b.Queue+b.ToExchange),
			strings.Compare(a.Queue, b.Queue), // exchanges first
			strings.Compare(a.Key, b.Key),
		)
		if c == 0 {
			c = strings.Compare(cellText(a.Arguments), cellText(b.Arguments))
		}
		return c
	})
	return all
}

func columnNames[T any](columns []column[T]) []string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.name
	}
	return names
}

// lister is the subcommand for one kind of thing.
func lister[T any](c *command, what string, columns []column[T], usual []string, of func(*pubsub.Topology) []T) *cobra.Command {
	format, file := "table", ""
	names := columnNames(columns)
	cmd := &cobra.Command{
		Use:   what + " [flags] [column…]",
		Short: "list " + what,
		Long: fmt.Sprintf("List %s. Without columns: %s. The columns are\n  %s.",
			what, strings.Join(usual, ", "), strings.ReplaceAll(strings.Join(names, ", "), "messages_ready", "\n  messages_ready")),
		ValidArgs: names,
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		Args: func(_ *cobra.Command, args []string) error {
			for _, a := range args {
				if !slices.Contains(names, a) {
					return cli.UnknownWord("column", a, names)
				}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				args = usual
			}
			t, err := c.topology(cmd, file)
			if err != nil {
				return err
			}
			rows := &rows{columns: args}
			chosen := make([]func(*T) any, len(args))
			for i, a := range args {
				chosen[i] = columns[slices.Index(names, a)].value
			}
			list := of(&t)
			for i := range list {
				row := make([]any, len(chosen))
				for j, value := range chosen {
					row[j] = value(&list[i])
				}
				rows.values = append(rows.values, row)
			}
			return rows.write(c.Stdout, format)
		},
	}
	cli.Choice(cmd, &format, "output", "o", []string{"table", "json", "yaml"}, "`format`: table, json or yaml")
	fileFlag(cmd, &file)
	return cmd
}
