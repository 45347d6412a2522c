package cli

import (
	"io"
	"os"

	"golang.org/x/term"

	"github.com/gobindery/bindery/cmd/internal/local"
	"github.com/gobindery/bindery/pubsub"
)

// BrokerVariable is the environment variable with the URL of the broker that is
// used where no flag names one.
const BrokerVariable = "BINDERY_BROKER"

// Env is what a command has around it: its standard streams, and the backends
// that it can reach. Tests make their own.
type Env struct {
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer // written to by several goroutines

	// StdinTerminal and StderrTerminal say that a person types or reads there.
	StdinTerminal  bool
	StderrTerminal bool

	// Broker is the value of $BINDERY_BROKER.
	Broker string

	// Backends are the brokers that a URL may name.
	Backends pubsub.Mux
	// LocalFolder is the folder of this machine's local broker, which is used where
	// no other is named. Empty, it is a broker in memory, for this process alone.
	LocalFolder string
}

// System is the Env of this process.
func System() Env {
	env := Env{
		Stdin:          os.Stdin,
		Stdout:         os.Stdout,
		Stderr:         os.Stderr,
		StdinTerminal:  term.IsTerminal(int(os.Stdin.Fd())),
		StderrTerminal: term.IsTerminal(int(os.Stderr.Fd())),
		Broker:         os.Getenv(BrokerVariable),
		Backends:       Backends(),
	}
	if local.Supported {
		env.LocalFolder = local.Folder()
	}
	return env
}
