package cli

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gobindery/bindery/cmd/internal/local"
	"github.com/gobindery/bindery/pubsub"
)

// DefaultBroker is the URL of a broker in memory, which no other process can reach.
const DefaultBroker = "memory:"

// LocalHelp is what the help of a command says of the broker that it uses where
// none is named.
const LocalHelp = `Without -b and $` + BrokerVariable + `, emit and receive meet at the local broker,
which needs nothing installed: the first of them keeps all in its memory and
serves it to this user's others, by a socket in $XDG_RUNTIME_DIR/bindery (or the
temporary folder). When it ends, another takes over; what only it held is gone,
and the others say so.`

// Flags are those that all commands have.
type Flags struct {
	Exchange string
	Kind     pubsub.Kind
	Durable  bool

	// Stays says that the command runs until somebody ends it.
	Stays bool
	// LocalBroker says, after Open, that the broker is this machine's local one.
	LocalBroker bool

	broker   string
	logLevel string
	tracing  tracing
}

// Add adds the flags to cmd.
func (f *Flags) Add(cmd *cobra.Command, env Env) {
	f.Exchange, f.Kind, f.logLevel = "logs", pubsub.Fanout, "warn"
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVarP(&f.broker, "broker", "b", "", "`URL` of the broker (default $"+BrokerVariable+", else the local broker)")
	complete(cmd, "broker", env.examples()...)
	ShortString(cmd, &f.Exchange, "exchange", "e", "`name` of the exchange, made if it is missing; \"\" is the default exchange")
	Choice(cmd, &f.Kind, "type", "t", kindNames(), "`type` of the exchange: fanout, direct, topic or headers")
	flags.BoolVar(&f.Durable, "durable", false, "the exchange outlives a restart of the broker")
}

// AddBroker adds, to a command and those below it, only the flags that name the
// broker and say what to log.
func (f *Flags) AddBroker(cmd *cobra.Command, env Env) {
	f.logLevel = "warn"
	flags := cmd.PersistentFlags()
	flags.SortFlags = false
	flags.StringVarP(&f.broker, "broker", "b", "", "`URL` of the broker (default $"+BrokerVariable+", else the local broker)")
	complete(cmd, "broker", env.examples()...)
	flags.Var(choice[string]{&f.logLevel, logLevels}, "log-level", "log to standard error from this `level` on: debug, info, warn or error")
	complete(cmd, "log-level", logLevels...)
}

var logLevels = []string{"debug", "info", "warn", "error"}

// AddLast adds those flags that stand last in the help.
func (f *Flags) AddLast(cmd *cobra.Command) {
	f.tracing.add(cmd)
	Choice(cmd, &f.logLevel, "log-level", "", logLevels, "log to standard error from this `level` on: debug, info, warn or error")
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

// Open connects to the broker that the flags of cmd or the environment name. Call
// Close when that is closed, or wasn't opened.
func (f *Flags) Open(cmd *cobra.Command, env Env) (*pubsub.Broker, error) {
	ctx, url, from := cmd.Context(), f.broker, ""
	trace, err := f.tracing.open(cmd, env)
	if err != nil {
		return nil, err
	}
	switch {
	case cmd.Flags().Changed("broker"):
	case env.Broker != "":
		url, from = env.Broker, " (the URL is that of $"+BrokerVariable+")"
	case env.LocalFolder != "":
		return f.openLocal(cmd, env, trace)
	default:
		url = DefaultBroker
		// Else a newcomer wonders why the other program gets nothing.
		fmt.Fprintf(env.Stderr, "%s: no broker named: using %s, which no other process can reach; name one with -b URL or $%s\n",
			cmd.Root().Name(), DefaultBroker, BrokerVariable)
	}
	b, err := env.Backends.Open(ctx, url, &pubsub.Options{Logger: f.Logger(env), Trace: trace})
	if err != nil {
		return nil, fmt.Errorf("%w%s", err, from)
	}
	return b, nil
}

// openLocal connects to this machine's local broker.
func (f *Flags) openLocal(cmd *cobra.Command, env Env, trace *pubsub.Trace) (*pubsub.Broker, error) {
	f.LocalBroker = true
	log := f.Logger(env)
	o := local.Options{
		Folder: env.LocalFolder, Name: cmd.Root().Name(), Stays: f.Stays,
		Notify: func(line string) { fmt.Fprintln(env.Stderr, line) },
	}
	// That a host ends is no reason to warn, and Notify tells of it.
	if log.Enabled(cmd.Context(), slog.LevelInfo) {
		o.Logger = log
	}
	a, err := local.Open(cmd.Context(), o)
	if err != nil {
		return nil, fmt.Errorf("open the local broker: %w; name another one with -b URL or $%s", err, BrokerVariable)
	}
	return pubsub.New(a, &pubsub.Options{Logger: log, Trace: trace}), nil
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
