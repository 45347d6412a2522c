package natstest_test

import (
	"context"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/gobindery/bindery/adapters/nats/natstest"
)

var t *testing.T // that of your test

// A whole test: a message goes into a stream and comes out again.
func ExampleRunServer() {
	server := natstest.RunServer(t) // stops with the test
	nc, err := nats.Connect(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, _ := jetstream.New(nc)
	ctx := context.Background()
	stream, _ := js.CreateStream(ctx, jetstream.StreamConfig{Name: "hello"})
	js.Publish(ctx, "hello", []byte("Hello World!"))
	m, err := stream.GetMsg(ctx, 1)
	if err != nil || string(m.Data) != "Hello World!" {
		t.Errorf("got %v, %v", m, err)
	}
}
