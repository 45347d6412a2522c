package e2e

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/gobindery/bindery/pubsub"
)

func TestFormats(t *testing.T) {
	second := 90 * time.Second
	full := pubsub.Message{
		Body:            []byte("<b>line\nbreak</b> \u2028 å"),
		ContentType:     "text/plain",
		ContentEncoding: "identity",
		DeliveryMode:    pubsub.Persistent,
		Priority:        7,
		CorrelationID:   "corr",
		ReplyTo:         "answers",
		Expiration:      &second,
		MessageID:       "m-1",
		Timestamp:       time.Date(2024, 2, 29, 12, 0, 1, 0, time.UTC),
		Type:            "audit",
		AppID:           "tests",
		Headers: pubsub.Table{
			"nil": nil, "bool": true, "int": int64(math.MinInt64), "float": 1.5,
			"text": "a<b", "bad": "\xff", "bytes": []byte{0, 255}, "time": time.Unix(0, 0),
			"decimal": pubsub.Decimal{Scale: 2, Value: -105}, "list": []any{"x", int32(1)}, "table": pubsub.Table{"k": "v"},
		},
	}
	const headers = `{"bad":{"base64":"/w=="},"bool":true,"bytes":{"base64":"AP8="},"decimal":-1.05,"float":1.5,"int":-9223372036854775808,"list":["x",1],"nil":null,"table":{"k":"v"},"text":"a<b","time":"1970-01-01T00:00:00Z"}`
	for _, c := range []struct {
		format string
		m      pubsub.Message
		want   string
	}{
		{"body", full, "<b>line\nbreak</b> \u2028 å\n"},
		{"body", pubsub.Message{Body: []byte{0xff, 0}}, "\xff\x00\n"},
		{"json", full, `{"exchange":"logs","routing_key":"a.b","redelivered":false,"headers":` + headers +
			`,"content_type":"text/plain","content_encoding":"identity","delivery_mode":2,"priority":7,"correlation_id":"corr","reply_to":"answers","expiration_ms":90000,"message_id":"m-1","timestamp":"2024-02-29T12:00:01Z","type":"audit","app_id":"tests","body":"<b>line\nbreak</b> \u2028 å"}` + "\n"},
		{"json", pubsub.Message{}, `{"exchange":"logs","routing_key":"a.b","redelivered":false,"body":""}` + "\n"},
		{"json", pubsub.Message{Body: []byte{0xff, 0}}, `{"exchange":"logs","routing_key":"a.b","redelivered":false,"body_base64":"/wA="}` + "\n"},
		{"verbose", full, `exchange="logs" key="a.b" redelivered=false headers=` + headers + ` body="<b>line\nbreak</b> \u2028 å"` + "\n"},
		{"verbose", pubsub.Message{Body: []byte("\x1b[31m\xff")}, `exchange="logs" key="a.b" redelivered=false headers={} body="\x1b[31m\xff"` + "\n"},
	} {
		t.Run(c.format, func(t *testing.T) {
			o := shared()
			r := start(t, o, "receive", "-o", c.format).bound(t)
			if err := open(t, o).Publish(t.Context(), "logs", "a.b", c.m); err != nil {
				t.Fatal(err)
			}
			r.waitOut(t, strings.Count(c.want, "\n"))
			r.stop()
			r.ends(t, 0, bound)
			if r.out() != c.want {
				t.Errorf("receive printed\n%s\nwant\n%s", r.out(), c.want)
			}
		})
	}
}
