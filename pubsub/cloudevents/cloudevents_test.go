package cloudevents_test

import (
	"bytes"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"

	"github.com/gobindery/bindery/adapters/memory"
	"github.com/gobindery/bindery/pubsub"
	"github.com/gobindery/bindery/pubsub/cloudevents"
)

// modes are both ways to encode.
var modes = map[string]func(event.Event) (pubsub.Message, error){"binary": cloudevents.Binary, "structured": cloudevents.Structured}

// order is an event with every kind of attribute.
func order(t *testing.T) event.Event {
	t.Helper()
	e := event.New()
	e.SetID("A234-1234-1234")
	e.SetSource("/shop/1")
	e.SetType("com.example.order.placed")
	e.SetSubject("order 17")
	e.SetDataSchema("https://example.com/order.json")
	e.SetTime(time.Date(2026, 4, 5, 17, 31, 0, 123456789, time.UTC))
	e.SetExtension("flag", true)
	e.SetExtension("number", 42)
	e.SetExtension("text", "words")
	e.SetExtension("bytes", []byte{0, 255})
	e.SetExtension("when", time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC))
	e.SetExtension("where", &url.URL{Scheme: "https", Host: "example.com"})
	if err := e.SetData("application/json", map[string]int{"anvils": 1}); err != nil {
		t.Fatal(err)
	}
	return e
}

// through publishes a message and gets it.
func through(t *testing.T, m pubsub.Message) pubsub.Message {
	t.Helper()
	b := pubsub.New(memory.NewServer().Connect(nil), nil)
	defer b.Close()
	q, err := b.DeclareQueue(t.Context(), pubsub.TempQueue())
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Publish(t.Context(), "", q, m); err != nil {
		t.Fatal(err)
	}
	d, ok, err := b.Get(t.Context(), q, nil)
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	return d.Message
}

func TestBinary(t *testing.T) {
	e := order(t)
	m, err := cloudevents.Binary(e)
	if err != nil {
		t.Fatal(err)
	}
	want := pubsub.Table{
		"cloudEvents:specversion": "1.0", "cloudEvents:id": "A234-1234-1234", "cloudEvents:source": "/shop/1",
		"cloudEvents:type": "com.example.order.placed", "cloudEvents:subject": "order 17",
		"cloudEvents:dataschema": "https://example.com/order.json", "cloudEvents:time": "2026-04-05T17:31:00.123456789Z",
		"cloudEvents:flag": true, "cloudEvents:number": int64(42), "cloudEvents:text": "words", "cloudEvents:bytes": []byte{0, 255},
		"cloudEvents:when": "2026-01-02T03:04:05.000000006Z", "cloudEvents:where": "https://example.com",
	}
	if !m.Headers.Equal(want) || m.ContentType != "application/json" || string(m.Body) != `{"anvils":1}` {
		t.Errorf("the message has the headers %v, content type %q, body %s; want %v", m.Headers, m.ContentType, m.Body, want)
	}
	got, err := cloudevents.FromMessage(through(t, m))
	if err != nil {
		t.Fatal(err)
	}
	again, err := cloudevents.Binary(got)
	if err != nil || !again.Headers.Equal(want) || !bytes.Equal(again.Body, m.Body) {
		t.Errorf("it comes back as %v %v", got, err)
	}
}

func TestStructured(t *testing.T) {
	e := order(t)
	m, err := cloudevents.Structured(e)
	if err != nil {
		t.Fatal(err)
	}
	if m.ContentType != "application/cloudevents+json; charset=UTF-8" || len(m.Headers) != 0 || !bytes.Contains(m.Body, []byte(`"data":{"anvils":1}`)) {
		t.Errorf("the message has the headers %v, content type %q, body %s", m.Headers, m.ContentType, m.Body)
	}
	got, err := cloudevents.FromMessage(through(t, m))
	if err != nil || got.ID() != e.ID() || !got.Time().Equal(e.Time()) || string(got.Data()) != `{"anvils":1}` {
		t.Errorf("it comes back as %v %v", got, err)
	}
}

// TestRefused: what is no valid event isn't encoded, and the error says why.
func TestRefused(t *testing.T) {
	with := func(change func(*event.Event)) event.Event {
		e := order(t)
		change(&e)
		return e
	}
	old := event.New("0.3")
	old.SetID("1")
	old.SetSource("/s")
	old.SetType("t")
	for _, c := range []struct {
		what, says string
		e          event.Event
	}{
		{"nothing", "Context", event.Event{}},
		{"no attribute", "id: MUST be a non-empty string; source: REQUIRED; type: MUST be a non-empty string", event.New()},
		{"no id", "id: ", with(func(e *event.Event) { e.SetID("") })},
		{"no source", "source: ", with(func(e *event.Event) { e.SetSource("") })},
		{"no type", "type: ", with(func(e *event.Event) { e.SetType(" ") })},
		{"a relative schema", "dataschema: ", with(func(e *event.Event) { e.SetDataSchema("order.json") })},
		{"no media type", "datacontenttype: ", with(func(e *event.Event) { e.SetDataContentType("json, or so") })},
		{"a bad extension", "extension:a-b: ", with(func(e *event.Event) { e.SetExtension("a-b", 1) })},
		{"a long number", "extension:n: ", with(func(e *event.Event) { e.SetExtension("n", int64(1)<<31) })},
		{"bytes as text", "not in UTF-8", with(func(e *event.Event) { e.SetExtension("text", "\xff") })},
		{"data beside the data", `attribute "data": `, with(func(e *event.Event) { e.SetExtension("data", "x") })},
		{"an attribute as an extension", `attribute "specversion": `, func() event.Event {
			e := old.Clone()
			e.SetExtension("specversion", "1.0")
			return e
		}()},
		{"broken base64", "illegal base64", func() event.Event {
			e := old.Clone()
			e.SetDataContentEncoding(event.Base64)
			e.DataEncoded = []byte("!")
			return e
		}()},
	} {
		for mode, encode := range modes {
			m, err := encode(c.e)
			if !errors.Is(err, pubsub.ErrInvalid) || !strings.Contains(err.Error(), mode) || !strings.Contains(err.Error(), c.says) || m.Body != nil || m.Headers != nil {
				t.Errorf("%s, in %s mode: got %v and the error %v; want one that says %q", c.what, mode, m, err, c.says)
			}
		}
	}
	// In binary mode this would be taken for another event.
	inner := with(func(e *event.Event) { e.SetDataContentType("Application/CloudEvents+json") })
	if _, err := cloudevents.Binary(inner); !errors.Is(err, pubsub.ErrInvalid) || !strings.Contains(err.Error(), "use Structured") {
		t.Errorf("an event in an event in binary mode: got the error %v", err)
	}
	m, err := cloudevents.Structured(inner)
	if err != nil {
		t.Fatal(err)
	}
	if e, err := cloudevents.FromMessage(m); err != nil || e.DataContentType() != "Application/CloudEvents+json" {
		t.Errorf("an event in an event comes back as %v, %v", e, err)
	}
}

// JSON has a type that is not said, binary mode has not.
func TestImpliedType(t *testing.T) {
	e, err := cloudevents.FromMessage(object(`"data":"just a string"`))
	if err != nil {
		t.Fatal(err)
	}
	if m, err := cloudevents.Binary(e); err != nil || m.ContentType != "application/json" || string(m.Body) != `"just a string"` {
		t.Errorf("JSON without a type is sent as %q %s, %v", m.ContentType, m.Body, err)
	}
	if e, err = cloudevents.FromMessage(object(`"data_base64":"eyAieHl6IjogMTIzIH0="`)); err != nil {
		t.Fatal(err)
	}
	m, err := cloudevents.Binary(e)
	if err != nil || m.ContentType != "" {
		t.Errorf("bytes without a type are sent as %q, %v", m.ContentType, err)
	}
	if e, err = cloudevents.FromMessage(m); err != nil {
		t.Fatal(err)
	}
	if m, err = cloudevents.Structured(e); err != nil || !strings.Contains(string(m.Body), `"data_base64":"eyAieHl6IjogMTIzIH0="`) {
		t.Errorf("and then as %s, %v", m.Body, err)
	}
}

// RFC 3339 has four digits for the year, and t and z.
func TestTimes(t *testing.T) {
	e := order(t)
	e.SetTime(time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC))
	for mode, encode := range modes {
		if m, err := encode(e); !errors.Is(err, pubsub.ErrInvalid) {
			t.Errorf("%s: the year 10000 is sent: %v %s, %v", mode, m.Headers, m.Body, err)
		}
	}
	e, err := cloudevents.FromMessage(object(`"time":"2026-01-01t00:00:00z"`))
	if err != nil || !e.Time().Equal(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("the time is %v, %v", e.Time(), err)
	}
}
