package cloudevents_test

import (
	"errors"
	"maps"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/cloudevents/sdk-go/v2/types"

	"github.com/gobindery/bindery/pubsub"
	"github.com/gobindery/bindery/pubsub/cloudevents"
)

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
		{"as Azure writes it", pubsub.Message{ContentType: "application/json", MessageID: "3/7", Body: []byte(`{"a":1}`), Headers: h("cloudEvents:source", "/hubs/chat/client/x", "cloudEvents:time", "2026-01-01T00:00:00Z", "cloudEvents:awpsversion", "1.0", "cloudEvents:hub", "chat")}, ""},
		{"as Knative writes it", pubsub.Message{ContentType: "application/json", Body: []byte(`{"a":1}`), Headers: pubsub.Table{"specversion": "1.0", "id": "1", "source": "/s", "type": "t", "content-type": "application/json", "time": "0001-01-01T00:00:00Z",
			"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "tracestate": "", "knativeerrorcode": int32(500), "x-death": []any{}, "load": 0.5, "deaths": pubsub.Table{}}}, ""},
		{"as Knative reads it", pubsub.Message{Headers: pubsub.Table{"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/s", "ce-type": "t", "id": "2"}}, ""},
		{"both separators", pubsub.Message{Headers: h("cloudEvents_specversion", "2.0", "cloudEvents_id", "2")}, ""},
		{"its content type twice", pubsub.Message{ContentType: "text/plain", Headers: h("cloudEvents:datacontenttype", "text/plain")}, ""},
		{"strings for all", pubsub.Message{Headers: h("cloudEvents:number", "42", "cloudEvents:flag", "true", "cloudEvents:time", "2026-01-01T00:00:00+01:00")}, ""},
		{"a header without a value", pubsub.Message{Headers: h("cloudEvents:subject", nil, "cloudEvents:none", nil)}, ""},
		{"other integers", pubsub.Message{Headers: h("cloudEvents:small", int8(-1), "cloudEvents:big", uint32(1))}, ""},
		{"JSON of another type", pubsub.Message{ContentType: "application/cloudevents+json", Body: []byte(`{"specversion":"1.0","id":"1","source":"/s","type":"t","datacontenttype":"application/geo+json","data":{"type":"Point"}}`)}, ""},
		{"JSON that is called text", pubsub.Message{ContentType: "application/cloudevents+json", Body: []byte(`{"specversion":"1.0","id":"1","source":"/s","type":"t","datacontenttype":"text/plain","data":5}`)}, ""},
		{"nulls", pubsub.Message{ContentType: "application/cloudevents+json", Body: []byte(`{"specversion":"1.0","id":"1","source":"/s","type":"t","subject":null,"ext":null,"datacontenttype":"text/plain","data":null}`)}, ""},
		{"an integer as 1.0", pubsub.Message{ContentType: "application/cloudevents+json", Body: []byte(`{"specversion":"1.0","id":"1","source":"/s","type":"t","n":-2147483648.0}`)}, ""},
		{"a broken number", pubsub.Message{ContentType: "application/cloudevents+json", Body: []byte(`{"specversion":"1.0","id":"1","source":"/s","type":"t","n":1.5}`)}, "attribute n: 1.5 is no"},
		{"a list", pubsub.Message{ContentType: "application/cloudevents+json", Body: []byte(`{"specversion":"1.0","id":"1","source":"/s","type":"t","n":[1]}`)}, "attribute n: [1] is no"},
		{"an id that is a number", pubsub.Message{ContentType: "application/cloudevents+json", Body: []byte(`{"specversion":"1.0","id":1,"source":"/s","type":"t"}`)}, "attribute id"},
		{"data twice", pubsub.Message{ContentType: "application/cloudevents+json", Body: []byte(`{"specversion":"1.0","id":"1","source":"/s","type":"t","data":1,"data_base64":"AA=="}`)}, "both data and data_base64"},
		// The SDK's own reader panics at these two.
		{"base64 that is a number", pubsub.Message{ContentType: "application/cloudevents+json", Body: []byte(`{"data_base64":1,"specversion":"1.0","id":"1","source":"/s","type":"t"}`)}, "data_base64: "},
		{"no encoding", pubsub.Message{ContentType: "application/cloudevents+json", Body: []byte(`{"datacontentencoding":"","specversion":"0.3","id":"1","source":"/s","type":"t"}`)}, "attribute datacontentencoding"},
		{"broken base64", pubsub.Message{ContentType: "application/cloudevents+json", Body: []byte(`{"specversion":"1.0","id":"1","source":"/s","type":"t","data_base64":"!"}`)}, "data_base64: "},
		{"an array", pubsub.Message{ContentType: "application/cloudevents+json", Body: []byte(`[]`)}, "no event in JSON"},
		{"no version", pubsub.Message{ContentType: "application/cloudevents+json", Body: []byte(`{"id":"1","source":"/s","type":"t"}`)}, `version ""`},
		{"a broken content type", pubsub.Message{ContentType: "application/cloudevents+json;;"}, "content type"},
		{"bytes as text", pubsub.Message{Headers: h("cloudEvents:subject", "\xff")}, "attribute subject: \"\\xff\" is not in UTF-8"},
		{"bytes as JSON", pubsub.Message{ContentType: "application/cloudevents+json", Body: []byte("{\"specversion\":\"1.0\",\"id\":\"\xff\"}")}, "not in UTF-8"},
		{"a fraction", pubsub.Message{Headers: h("cloudEvents:n", 1.5)}, "attribute n: 1.5 is a float64"},
		{"a long integer", pubsub.Message{Headers: h("cloudEvents:n", int64(1)<<31)}, "attribute n: "},
		{"data among the headers", pubsub.Message{Headers: h("cloudEvents:data", "x")}, "attribute data: no extension"},
		{"no name", pubsub.Message{Headers: h("cloudEvents:", "x")}, "no extension can have this name"},
		{"Knative without a source", pubsub.Message{Headers: pubsub.Table{"specversion": "1.0", "id": "1", "type": "t"}}, "source"},
		{"text", pubsub.Message{Body: []byte("info: Hello World!"), ContentType: "text/plain"}, `no header cloudEvents:specversion, and its content type is "text/plain"`},
		{"a version to come", pubsub.Message{Headers: h("cloudEvents:specversion", "2.0")}, `version "2.0"`},
		{"no id", pubsub.Message{Headers: h("cloudEvents:id", "")}, "id"},
		{"a wrong type", pubsub.Message{Headers: h("cloudEvents:id", int32(1))}, "attribute id: invalid value for id: 1"},
		{"a wrong time", pubsub.Message{Headers: h("cloudEvents:time", "noon")}, "attribute time"},
		{"a bad extension", pubsub.Message{Headers: h("cloudEvents:list", []any{})}, "list"},
		{"two content types", pubsub.Message{Headers: h("cloudEvents:datacontenttype", "text/plain")}, "attribute datacontenttype is text/plain"},
		{"a batch", pubsub.Message{ContentType: "application/cloudevents-batch+json", Body: []byte("[]")}, "not a batch"},
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
}

// TestValues: what becomes of what other programs send.
func TestValues(t *testing.T) {
	m := pubsub.Message{ContentType: "application/json", Body: []byte("{}"), Headers: pubsub.Table{
		"specversion": "1.0", "id": "1", "source": "/s", "type": "t", "content-type": "application/json", "traceparent": "00-1-2-03", "code": int32(500), "x-death": []any{},
	}}
	e, err := cloudevents.FromMessage(m)
	if want := map[string]any{"code": int32(500)}; err != nil || !maps.Equal(e.Extensions(), want) || e.DataContentType() != "application/json" {
		t.Errorf("Knative's has the extensions %v and the content type %q, %v; want %v", e.Extensions(), e.DataContentType(), err, want)
	}
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	e, err = cloudevents.FromMessage(pubsub.Message{Body: []byte{0, 255}, Headers: pubsub.Table{
		"cloudEvents:specversion": "1.0", "cloudEvents:id": "1", "cloudEvents:source": "/s", "cloudEvents:type": "t",
		"cloudEvents:time": at, "cloudEvents:when": at, "cloudEvents:flag": false, "cloudEvents:number": int64(-7), "cloudEvents:bytes": []byte{1}, "cloudEvents:Name": "x",
	}})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"when": types.Timestamp{Time: at}, "flag": false, "number": int32(-7), "bytes": []byte{1}, "name": "x"}
	if !reflect.DeepEqual(e.Extensions(), want) || !e.Time().Equal(at) || !e.DataBase64 {
		t.Errorf("got the extensions %v, time %v; want %v, %v", e.Extensions(), e.Time(), want, at)
	}
}
