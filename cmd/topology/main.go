// Command topology shows what there is on a broker: exchanges, queues and
// bindings, as lists and graphs. It explains where a message goes, and
// brings a broker to what a file says. See topology --help.
package main

import (
	"os"

	"github.com/gobindery/bindery/cmd/internal/cli"
	"github.com/gobindery/bindery/cmd/internal/topology"
)

func main() {
	ctx := cli.Signals()
	os.Exit(topology.Run(ctx, os.Args[1:], cli.System()))
}
