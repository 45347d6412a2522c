package cloudevents_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/cloudevents/sdk-go/v2/event"

	"github.com/gobindery/bindery/pubsub"
	"github.com/gobindery/bindery/pubsub/cloudevents"
)

// FuzzRoundTrip: an event comes back as it was, in both modes, and the SDK
// agrees.
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
		e.SetExtension("flag", number%2 == 0)
		if len(data) > 0 {
			if err := e.SetData(contentType, data); err != nil {
				return
			}
		}
		if e.Validate() != nil || isStructured(contentType) {
			return // see TestRefused
		}
		checkRoundTrip(t, e)
	})
}

func isStructured(contentType string) bool {
	return strings.HasPrefix(strings.ToLower(contentType), "application/cloudevents")
}

// FuzzFromMessage: whatever comes is an event or ErrNotEvent; and an event can be
// sent on, in both modes, as it is.
func FuzzFromMessage(f *testing.F) {
	const structured = "application/cloudevents+json"
	for _, body := range []string{
		`{"specversion":"1.0","id":"1","source":"/s","type":"t","time":"2026-01-01T00:00:00Z","n":1,"b":true,"datacontenttype":"text/plain","data":"x"}`,
		`{"specversion":"0.3","id":"1","source":"/s","type":"t","schemaurl":"http://x","datacontentencoding":"base64","data":"aGVsbG8="}`,
		`{"data_base64":1,"specversion":"1.0"}`, `{"datacontentencoding":"","specversion":"0.3"}`, `[]`,
		`{"specversion":"1.0","id":"1","source":"/s","type":"t","datacontenttype":"a/b+json","data":{"x":[1,null]}}`,
	} {
		f.Add(structured, "", "", "", "", "", []byte(body))
	}
	f.Add("application/json", "cloudEvents:", "1.0", "n", "", "", []byte(" \"\xff\" "))
	f.Add("text/plain", "cloudEvents:", "1.0", "subject", "x", "2026-01-01T00:00:00Z", []byte("x"))
	f.Add("", "cloudEvents_", "0.3", "schemaurl", "http://x", "noon", []byte{255})
	f.Add("", "ce-", "1.0", "dataschema", "x", "", []byte(nil))
	f.Add("", "", "1.0", "datacontentencoding", "base64", "", []byte("aGVsbG8="))
	f.Fuzz(func(t *testing.T, contentType, prefix, version, name, value, at string, body []byte) {
		m := pubsub.Message{ContentType: contentType, Body: body, Headers: pubsub.Table{
			prefix + "specversion": version, prefix + "id": "1", prefix + "source": "/s", prefix + "type": "t", prefix + name: value,
		}}
		if at != "" {
			m.Headers[prefix+"time"] = at
		}
		e, err := cloudevents.FromMessage(m)
		if err != nil {
			if !errors.Is(err, cloudevents.ErrNotEvent) {
				t.Fatal(err)
			}
			return
		}
		for mode, encode := range modes {
			again, err := encode(e)
			if mode == "binary" && isStructured(e.DataContentType()) {
				if !errors.Is(err, pubsub.ErrInvalid) {
					t.Fatalf("%v: got the error %v", e, err)
				}
				return
			}
			if err != nil {
				t.Fatalf("%s: %v\n%v", mode, err, e)
			}
			got, err := cloudevents.FromMessage(again)
			if err != nil {
				t.Fatalf("%s: %v\n%v", mode, err, again)
			}
			want := e
			if mode == "structured" {
				got.DataEncoded, want.DataEncoded = compact(got.Data()), compact(want.Data())
			}
			same(t, mode, got, want)
		}
	})
}

// compact is JSON without the white space between its values, which structured
// mode doesn't keep.
func compact(data []byte) []byte {
	var out bytes.Buffer
	if json.Compact(&out, data) != nil {
		return data
	}
	return out.Bytes()
}
