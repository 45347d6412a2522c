package nats

import (
	"strings"
	"testing"

	"github.com/gobindery/bindery/pubsub"
)

func TestEndpoint(t *testing.T) {
	for raw, want := range map[string]pubsub.Endpoint{
		"nats://":                       {System: "nats", Address: "localhost", Port: 4222},
		"nats://bob:secret@example:1/v": {System: "nats", Address: "example", Port: 1},
		"tls://[::1]":                   {System: "nats", Address: "::1", Port: 4222},
		"nats://a,b:2":                  {System: "nats"},
	} {
		u, err := pubsub.ParseURL(raw)
		if err != nil {
			t.Fatal(err)
		}
		s, err := readURL(u)
		if err != nil {
			t.Fatal(err)
		}
		if got := endpointOf(strings.Split(s.servers, ",")); got != want {
			t.Errorf("%s: %+v, want %+v", raw, got, want)
		}
	}
}
