package cli

import (
	"io"
	"os"

	"golang.org/x/term"

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
}

// System is the Env of this process.
func System() Env {
	return Env{
		Stdin:          os.Stdin,
		Stdout:         os.Stdout,
		Stderr:         os.Stderr,
		StdinTerminal:  term.IsTerminal(int(os.Stdin.Fd())),
		StderrTerminal: term.IsTerminal(int(os.Stderr.Fd())),
		Broker:         os.Getenv(BrokerVariable),
		Backends:       Backends(),
	}
}
