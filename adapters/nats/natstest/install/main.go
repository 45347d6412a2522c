// Command install makes sure that Debian's NATS server is there for tests, as
// natstest.Install does, and prints where it is:
//
//	go run github.com/gobindery/bindery/adapters/nats/natstest/install
//
// It exits with 1 if there is none and none can be installed.
package main

import (
	"fmt"
	"os"

	"github.com/gobindery/bindery/adapters/nats/natstest"
)

func main() {
	server, err := natstest.Install()
	if err != nil {
		fmt.Fprintln(os.Stderr, "install:", err)
		os.Exit(1)
	}
	fmt.Println(server)
}
