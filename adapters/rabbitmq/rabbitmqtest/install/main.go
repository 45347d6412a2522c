// Command install makes sure that there is a RabbitMQ server for tests, as
// rabbitmqtest.Install does, and prints where it is:
//
//	go run github.com/gobindery/bindery/adapters/rabbitmq/rabbitmqtest/install
//
// What apt-get says goes to stderr. It does nothing where $BINDERY_AMQP_URL
// names a server. It exits with 1 if there is none and none can be installed.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/gobindery/bindery/adapters/rabbitmq/rabbitmqtest"
)

func main() {
	if os.Getenv("BINDERY_AMQP_URL") != "" {
		fmt.Println("the server of $BINDERY_AMQP_URL")
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	server, err := rabbitmqtest.Install(ctx, os.Stderr)
	if err != nil {
		fmt.Fprintln(os.Stderr, "install:", err)
		fmt.Fprintln(os.Stderr, "Install RabbitMQ by hand, or set BINDERY_AMQP_URL to a running server, as in amqp://guest:guest@127.0.0.1:5672/")
		os.Exit(1)
	}
	fmt.Println(server)
}
