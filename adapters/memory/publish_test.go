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

// A message is copied unless its publisher gives that up; then receivers get
// its very body, but can't append to it, and the publisher's headers keep BCC.
func TestImmutable(t *testing.T) {
	b := pubsub.New(memory.NewServer().Connect(nil), nil)
	t.Cleanup(func() { must(t, b.Close()) })
	ctx := t.Context()
	for _, q := range []string{"q", "blind"} {
		_, err := b.DeclareQueue(ctx, pubsub.Queue{Name: q})
		must(t, err)
	}
	for _, immutable := range []bool{false, true} {
		body := append(make([]byte, 0, 10), "body"...)
		m := pubsub.Message{Body: body, Headers: pubsub.Table{"k": "v", "BCC": []any{"blind"}}}
		var options []pubsub.PublishOption
		if immutable {
			options = append(options, pubsub.Immutable)
		}
		must(t, b.Publish(ctx, "", "q", m, options...))
		for _, q := range []string{"q", "blind"} {
			d, _, err := b.Get(ctx, q, &pubsub.GetOptions{AutoAck: true})
			must(t, err)
			if kept := &d.Body[0] == &body[0]; string(d.Body) != "body" || cap(d.Body) != 4 || kept != immutable {
				t.Errorf("immutable %v: %s has %q with room for %d, the publisher's own: %v", immutable, q, d.Body, cap(d.Body), kept)
			}
			if _, bcc := d.Headers["BCC"]; bcc || d.Headers["k"] != "v" {
				t.Errorf("immutable %v: %s has the headers %v", immutable, q, d.Headers)
			}
		}
		if len(m.Headers) != 2 {
			t.Errorf("immutable %v: the publisher's headers became %v", immutable, m.Headers)
		}
	}
}
