package cloudevents_test

import (
	"bytes"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/cloudevents/sdk-go/v2/event"

	"github.com/gobindery/bindery/adapters/memory"
	"github.com/gobindery/bindery/pubsub"
	"github.com/gobindery/bindery/pubsub/cloudevents"
)

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

// TestForeign: what other programs send, and what is no event.
func TestForeign(t *testing.T) {
	h := func(more ...any) pubsub.Table {
		t := pubsub.Table{"cloudEvents:specversion": "1.0", "cloudEvents:id": "1", "cloudEvents:source": "/s", "cloudEvents:type": "t"}
		for i := 0; i < len(more); i += 2 {
			t[more[i].(string)] = more[i+1]
		}
		return t
	}
	for _, c := range []struct {
		what string
		m    pubsub.Message
		says string // "" if it is an event
	}{
		{"the least", pubsub.Message{Headers: h()}, ""},
		{"a time of AMQP", pubsub.Message{Headers: h("cloudEvents:time", time.Unix(1000, 0))}, ""},
		{"foreign headers", pubsub.Message{Headers: h("x-death", []any{})}, ""},
		{"underscores", pubsub.Message{Headers: pubsub.Table{"cloudEvents_specversion": "1.0", "cloudEvents_id": "1", "cloudEvents_source": "/s", "cloudEvents_type": "t"}}, ""},
		{"no format", pubsub.Message{ContentType: "application/cloudevents", Body: []byte(`{"specversion":"1.0","id":"1","source":"/s","type":"t"}`)}, ""},
		{"text", pubsub.Message{Body: []byte("info: Hello World!"), ContentType: "text/plain"}, `no header cloudEvents:specversion, and its content type is "text/plain"`},
		{"a version to come", pubsub.Message{Headers: h("cloudEvents:specversion", "2.0")}, `version "2.0"`},
		{"no id", pubsub.Message{Headers: h("cloudEvents:id", "")}, "id"},
		{"a wrong type", pubsub.Message{Headers: h("cloudEvents:id", int32(1))}, "attribute id is a int32"},
		{"a wrong time", pubsub.Message{Headers: h("cloudEvents:time", "noon")}, "attribute time"},
		{"a bad extension", pubsub.Message{Headers: h("cloudEvents:list", []any{})}, "list"},
		{"its content type twice", pubsub.Message{Headers: h("cloudEvents:datacontenttype", "text/plain")}, "datacontenttype"},
		{"a batch", pubsub.Message{ContentType: "application/cloudevents-batch+json", Body: []byte("[]")}, "the only format"},
		{"avro", pubsub.Message{ContentType: "application/cloudevents+avro"}, "the only format"},
		{"broken JSON", pubsub.Message{ContentType: "application/cloudevents+json", Body: []byte("{")}, "no event in JSON"},
		{"no source", pubsub.Message{ContentType: "application/cloudevents+json", Body: []byte(`{"specversion":"1.0","id":"1","type":"t"}`)}, "source"},
	} {
		e, err := cloudevents.FromMessage(c.m)
		switch {
		case c.says == "" && (err != nil || e.ID() != "1"):
			t.Errorf("%s: got %v, %v; want the event", c.what, e, err)
		case c.says != "" && (!errors.Is(err, cloudevents.ErrNotEvent) || !strings.Contains(err.Error(), c.says)):
			t.Errorf("%s: got the error %v; want one that says %q", c.what, err, c.says)
		}
	}
	for mode, encode := range map[string]func(event.Event) (pubsub.Message, error){"binary": cloudevents.Binary, "structured": cloudevents.Structured} {
		if _, err := encode(event.New()); !errors.Is(err, pubsub.ErrInvalid) || !strings.Contains(err.Error(), mode) {
			t.Errorf("%s mode of an event without an id: got the error %v", mode, err)
		}
	}
}

// FuzzRoundTrip: an event comes back as it was, in both modes.
func FuzzRoundTrip(f *testing.F) {
	f.Add("1", "/s", "t", "subject", "text/plain", "value", int32(-3), int64(1_700_000_000_123_456_789), []byte("data"))
	f.Add("é", "https://example.com/?q=1", "a.b", "", "application/json", "", int32(0), int64(0), []byte(`{"n":[1,2]}`))
	f.Add("2", "/s", "t", "", "application/octet-stream", "x", int32(7), int64(1), []byte{0, 255, 254})
	f.Fuzz(func(t *testing.T, id, source, kind, subject, contentType, text string, number int32, at int64, data []byte) {
		for _, s := range []string{id, source, kind, subject, contentType, text} {
			if !utf8.ValidString(s) {
				return // which no event can have
			}
		}
		e := event.New()
		e.SetID(id)
		e.SetSource(source)
		e.SetType(kind)
		e.SetSubject(subject)
		e.SetTime(time.Unix(0, at).UTC())
		e.SetExtension("text", text)
		e.SetExtension("number", number)
		if len(data) > 0 {
			if err := e.SetData(contentType, data); err != nil {
				return
			}
		}
		if e.Validate() != nil || strings.HasPrefix(strings.ToLower(contentType), "application/cloudevents") {
			return // an event in an event can't be told from one in structured mode
		}
		for mode, encode := range map[string]func(event.Event) (pubsub.Message, error){"binary": cloudevents.Binary, "structured": cloudevents.Structured} {
			m, err := encode(e)
			if err != nil {
				t.Fatalf("%s: %v", mode, err)
			}
			got, err := cloudevents.FromMessage(m)
			if err != nil {
				t.Fatalf("%s: %v\n%v", mode, err, m)
			}
			// JSON has numbers only: its reader takes an integer as one.
			if got.ID() != e.ID() || got.Source() != e.Source() || got.Type() != e.Type() || got.Subject() != e.Subject() || !got.Time().Equal(e.Time()) ||
				got.Extensions()["text"] != text || got.Extensions()["number"] != number || got.DataContentType() != e.DataContentType() || !bytes.Equal(got.Data(), e.Data()) {
				t.Fatalf("%s: got\n%v; want\n%v", mode, got, e)
			}
		}
	})
}
