// Command emit publishes messages to an exchange, as the publish/subscribe
// tutorial's program of that name does, on any backend. See emit --help.
package main

import (
	"os"

	"github.com/gobindery/bindery/cmd/internal/cli"
	"github.com/gobindery/bindery/cmd/internal/emit"
)

func main() {
	ctx := cli.Signals()
	os.Exit(emit.Run(ctx, os.Args[1:], cli.System()))
}
