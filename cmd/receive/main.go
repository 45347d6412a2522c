// Command receive prints the messages of an exchange or a queue, as the publish/subscribe
// tutorial's program of that name does, on any backend. See receive --help.
package main

import (
	"os"

	"github.com/gobindery/bindery/cmd/internal/cli"
	"github.com/gobindery/bindery/cmd/internal/receive"
)

func main() {
	ctx := cli.Signals()
	os.Exit(receive.Run(ctx, os.Args[1:], cli.System()))
}
