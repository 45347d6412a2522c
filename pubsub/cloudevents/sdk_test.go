package cloudevents_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/cloudevents/sdk-go/v2/event"

	"github.com/gobindery/bindery/pubsub/cloudevents"
)

// same fails the test unless two events are one, as binary mode has it.
func same(t *testing.T, what string, got, want event.Event) {
	t.Helper()
	g, err := cloudevents.Binary(got)
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	w, err := cloudevents.Binary(want)
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	if !g.Headers.Equal(w.Headers) || g.ContentType != w.ContentType || !bytes.Equal(g.Body, w.Body) {
		t.Fatalf("%s: got\n%v\nwant\n%v", what, got, want)
	}
}

// checkRoundTrip checks that nothing is lost in either mode, and that this
// package and the SDK read each other's JSON. Extensions come back from that as
// the types that it has.
func checkRoundTrip(t *testing.T, e event.Event) {
	t.Helper()
	m, err := cloudevents.Binary(e)
	if err != nil {
		t.Fatal(err)
	}
	got, err := cloudevents.FromMessage(m)
	if err != nil {
		t.Fatalf("%v\n%v", err, m)
	}
	same(t, "binary mode", got, e)

	if m, err = cloudevents.Structured(e); err != nil {
		t.Fatal(err)
	}
	if got, err = cloudevents.FromMessage(m); err != nil {
		t.Fatalf("%v\n%s", err, m.Body)
	}
	if got.ID() != e.ID() || got.Source() != e.Source() || got.Type() != e.Type() || got.Subject() != e.Subject() || !got.Time().Equal(e.Time()) || got.DataSchema() != e.DataSchema() ||
		got.DataContentType() != e.DataContentType() || !bytes.Equal(got.Data(), e.Data()) || len(got.Extensions()) != len(e.Extensions()) {
		t.Fatalf("structured mode: got\n%v\nwant\n%v", got, e)
	}
	var read event.Event
	if err := json.Unmarshal(m.Body, &read); err != nil {
		t.Fatalf("the SDK can't read %s: %v", m.Body, err)
	}
	same(t, "structured mode, read by the SDK", read, got)
	if m.Body, err = json.Marshal(e); err != nil {
		t.Fatalf("the SDK can't write %v: %v", e, err)
	}
	if read, err = cloudevents.FromMessage(m); err != nil {
		t.Fatalf("%v\n%s", err, m.Body)
	}
	same(t, "structured mode, written by the SDK", read, got)
}

// TestWithSDK: events of both versions, with everything and with the least.
func TestWithSDK(t *testing.T) {
	full := order(t)
	least := event.New()
	least.SetID("1")
	least.SetSource("urn:x")
	least.SetType("t")
	text := least.Clone()
	if err := text.SetData("text/plain; charset=utf-8", "<é> & \u2028"); err != nil {
		t.Fatal(err)
	}
	bytes := least.Clone()
	if err := bytes.SetData("image/png", []byte{0x89, 0, 0xff}); err != nil {
		t.Fatal(err)
	}
	for _, e := range []event.Event{full, least, text, bytes} {
		checkRoundTrip(t, e)
		if !e.DataBase64 { // which the SDK gets wrong in 0.3
			e.Context = e.Context.AsV03()
			checkRoundTrip(t, e)
		}
	}
}
