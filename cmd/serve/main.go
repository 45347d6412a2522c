// Command serve speaks RabbitMQ's protocol over any backend, in memory for
// one. See serve --help.
package main

import (
	"os"

	"github.com/gobindery/bindery/cmd/internal/cli"
	"github.com/gobindery/bindery/cmd/internal/serve"
)

func main() {
	ctx := cli.Signals()
	os.Exit(serve.Run(ctx, os.Args[1:], cli.System()))
}
