// Command demo broadcasts a real log to two receivers, one that writes to disk
// and one on the screen, and checks that both got every line. It runs emit and
// receive themselves, over the in-memory broker, in one process.
package main

import (
	"os"

	"github.com/gobindery/bindery/cmd/internal/cli"
)

func main() {
	os.Exit(run(cli.Signals(), os.Stdout, os.Stderr, logs))
}
