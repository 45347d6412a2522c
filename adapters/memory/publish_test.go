package memory_test

import (
	"testing"

	"github.com/gobindery/bindery/adapters/memory"
	"github.com/gobindery/bindery/pubsub"
)

// What a server relays arrives with the flags it gave, and with a table of
// headers that is empty but there; that is not the publisher's any more.
func TestRelayedMessage(t *testing.T) {
	conn := memory.NewServer().Connect(nil)
	t.Cleanup(func() { must(t, conn.Close()) })
	_, err := conn.DeclareQueue(t.Context(), pubsub.Queue{Name: "q"})
	must(t, err)
	const contentType = pubsub.PropertyFlags(1 << 15)
	headers := pubsub.Table{}
	conn.Publish(t.Context(), &pubsub.Publication{Envelope: pubsub.Envelope{
		RoutingKey: "q", Message: pubsub.Message{Headers: headers, Given: contentType},
	}})
	headers["late"] = true
	got, err := conn.Get(t.Context(), "q", pubsub.GetOptions{AutoAck: true})
	must(t, err)
	if got.Given != contentType || got.Headers == nil || len(got.Headers) != 0 {
		t.Errorf("got the flags %b and the headers %v", got.Given, got.Headers)
	}
}
