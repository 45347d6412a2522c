package cloudevents_test

import (
	"strings"
	"testing"

	"github.com/cloudevents/sdk-go/v2/event"

	"github.com/gobindery/bindery/pubsub"
	"github.com/gobindery/bindery/pubsub/cloudevents"
)

// TestVersion03: its schema has another name, and data in base64 arrive as they
// were, whether the SDK has them encoded or not.
func TestVersion03(t *testing.T) {
	e := event.New("0.3")
	e.SetID("1")
	e.SetSource("/s")
	e.SetType("t")
	e.SetDataSchema("https://example.com/s.json")
	e.SetDataContentEncoding(event.Base64)
	const text = "\x00\xff data"
	if err := e.SetData("text/plain", text); err != nil {
		t.Fatal(err)
	}
	for mode, encode := range modes {
		m, err := encode(e)
		if err != nil {
			t.Fatal(err)
		}
		if mode == "binary" && (m.Headers["cloudEvents:schemaurl"] != "https://example.com/s.json" || len(m.Headers) != 5 || string(m.Body) != text) {
			t.Errorf("in binary mode it has the headers %v and the body %q", m.Headers, m.Body)
		}
		if mode == "structured" && !strings.Contains(string(m.Body), `"data":"AP8gZGF0YQ==","datacontentencoding":"base64"`) {
			t.Errorf("in structured mode it is %s", m.Body)
		}
		for range 2 { // as it is read, it can be sent again
			var got string
			if e, err = cloudevents.FromMessage(through(t, m)); err != nil {
				t.Fatal(err)
			}
			if err := e.DataAs(&got); err != nil || got != text || e.SpecVersion() != "0.3" || e.DataSchema() != "https://example.com/s.json" {
				t.Errorf("from %s mode comes %q, %v:\n%v", mode, got, err, e)
			}
			if m, err = encode(e); err != nil {
				t.Fatal(err)
			}
		}
	}
	h := pubsub.Table{"cloudEvents:specversion": "0.3", "cloudEvents:id": "1", "cloudEvents:source": "/s", "cloudEvents:type": "t", "cloudEvents:datacontentencoding": "Base64"}
	got, err := cloudevents.FromMessage(pubsub.Message{Headers: h, Body: []byte("aGVsbG8=")})
	if err != nil || string(got.Data()) != "hello" {
		t.Errorf("a body in base64 is %q, %v", got.Data(), err)
	}
}

// Datacontentencoding is no attribute of 1.0; the SDK leaves
// it as an extension when it converts an event of 0.3.
func TestEncodingOf10(t *testing.T) {
	e, err := cloudevents.FromMessage(object(`"datacontenttype":"application/json","datacontentencoding":"base64","data":"aGVsbG8="`))
	if err != nil || string(e.Data()) != `"aGVsbG8="` || e.DataBase64 {
		t.Errorf("a string in JSON is %q, binary %v, %v", e.Data(), e.DataBase64, err)
	}
}
