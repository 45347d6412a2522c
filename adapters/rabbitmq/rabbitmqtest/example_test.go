package rabbitmqtest_test

import (
	"context"
	"fmt"
	"log"

	amqp091 "github.com/rabbitmq/amqp091-go"

	"github.com/gobindery/bindery/adapters/rabbitmq/rabbitmqtest"
)

// A node outside a test: for a benchmark's program, or to try something out.
func ExampleStart() {
	ctx := context.Background()
	n, err := rabbitmqtest.Start(ctx, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer n.Stop()

	conn, err := amqp091.Dial(n.URL())
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	fmt.Println(conn.Properties["product"])
	// Output: RabbitMQ
}
