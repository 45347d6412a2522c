package rabbitmq

import (
	"testing"

	"github.com/gobindery/bindery/pubsub"
)

func TestEndpoint(t *testing.T) {
	for raw, want := range map[string]pubsub.Endpoint{
		"amqp://":                                {System: "rabbitmq", Address: "localhost", Port: 5672},
		"amqps://bob:secret@example/v":           {System: "rabbitmq", Address: "example", Port: 5671},
		"amqp://bob:secret@[::1]:1/?heartbeat=5": {System: "rabbitmq", Address: "::1", Port: 1},
	} {
		a, err := parseURL(raw)
		if err != nil {
			t.Fatal(err)
		}
		if got := (&Conn{addr: a}).Endpoint(); got != want {
			t.Errorf("%s: %+v, want %+v", raw, got, want)
		}
	}
}
