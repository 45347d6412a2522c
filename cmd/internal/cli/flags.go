package cli

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gobindery/bindery/pubsub"
)

// DefaultBroker is the broker where neither a flag nor the environment names one.
const DefaultBroker = "memory:"

// Flags are those that all commands have.
type Flags struct {
	Exchange string
	Kind     pubsub.Kind
	Durable  bool

	broker   string
	logLevel string
}

// Add adds the flags to cmd.
func (f *Flags) Add(cmd *cobra.Command, env Env) {
	f.Exchange, f.Kind, f.logLevel = "logs", pubsub.Fanout, "warn"
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVarP(&f.broker, "broker", "b", "", "`URL` of the broker (default $"+BrokerVariable+", else "+DefaultBroker+")")
	complete(cmd, "broker", env.examples()...)
	ShortString(cmd, &f.Exchange, "exchange", "e", "`name` of the exchange, made if it is missing; \"\" is the default exchange")
	Choice(cmd, &f.Kind, "type", "t", kindNames(), "`type` of the exchange: fanout, direct, topic or headers")
	flags.BoolVar(&f.Durable, "durable", false, "the exchange outlives a restart of the broker")
}

// AddLast adds those flags that stand last in the help.
func (f *Flags) AddLast(cmd *cobra.Command) {
	Choice(cmd, &f.logLevel, "log-level", "", []string{"debug", "info", "warn", "error"}, "log to standard error from this `level` on: debug, info, warn or error")
}

// kindNames are the exchange types, the tutorial's first.
func kindNames() []pubsub.Kind {
	return []pubsub.Kind{pubsub.Fanout, pubsub.Direct, pubsub.Topic, pubsub.Headers}
}

// examples are URLs of each backend.
func (e Env) examples() []string {
	var urls []string
	for _, name := range slices.Sorted(maps.Keys(e.Backends)) {
		if ex := e.Backends[name].Example; ex != "" {
			urls = append(urls, ex)
		} else {
			urls = append(urls, name+":")
		}
	}
	return urls
}

// Logger returns the logger for the level that was asked for.
func (f *Flags) Logger(env Env) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(f.logLevel)); err != nil {
		panic(err) // the flag takes only levels
	}
	return slog.New(slog.NewTextHandler(env.Stderr, &slog.HandlerOptions{Level: level}))
}

// Open connects to the broker that the flags of cmd or the environment name.
func (f *Flags) Open(cmd *cobra.Command, env Env) (*pubsub.Broker, error) {
	ctx, url, from := cmd.Context(), f.broker, ""
	switch {
	case cmd.Flags().Changed("broker"):
	case env.Broker != "":
		url, from = env.Broker, " (the URL is that of $"+BrokerVariable+")"
	default:
		url = DefaultBroker
		// Else a newcomer wonders why the other program gets nothing.
		fmt.Fprintf(env.Stderr, "%s: no broker named: using %s, which no other process can reach; name one with -b URL or $%s\n",
			cmd.Name(), DefaultBroker, BrokerVariable)
	}
	b, err := env.Backends.Open(ctx, url, &pubsub.Options{Logger: f.Logger(env)})
	if err != nil {
		return nil, fmt.Errorf("%w%s", err, from)
	}
	return b, nil
}

// DeclareExchange makes the exchange that the flags name, or checks that it is
// as they say. The default exchange is always there.
func (f *Flags) DeclareExchange(ctx context.Context, b *pubsub.Broker) error {
	if f.Exchange == "" {
		return nil
	}
	return b.DeclareExchange(ctx, pubsub.Exchange{
		Name: f.Exchange,
		Kind: f.Kind,
		// Those that every broker has from the start, as amq.topic, are durable.
		Durable: f.Durable || strings.HasPrefix(f.Exchange, "amq."),
	})
}
