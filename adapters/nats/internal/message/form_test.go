package message

import (
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/gobindery/bindery/pubsub"
)

// written is the header that Encode makes of p.
func written(p *pubsub.Publication) string {
	h := nats.Header{}
	Encode(h, p)
	return h.Get(Header)
}

// publication is one with these headers, to the key k of the exchange x.
func publication(headers pubsub.Table) *pubsub.Publication {
	return &pubsub.Publication{Envelope: pubsub.Envelope{Exchange: "x", RoutingKey: "k", Message: pubsub.Message{Headers: headers}}}
}

func TestFormOfProperties(t *testing.T) {
	for _, c := range []struct {
		want string
		pubsub.Envelope
	}{
		{"x=&k=", pubsub.Envelope{}},
		{"x=&k=tasks", pubsub.Envelope{RoutingKey: "tasks"}},
		{"x=logs&k=kern.critical&ct=text/plain", pubsub.Envelope{
			Exchange: "logs", RoutingKey: "kern.critical", Message: pubsub.Message{ContentType: "text/plain"},
		}},
		{"x=a%26b%3Dc&k=%25%20%2B%0D%0A%00%C3%BC%FF", pubsub.Envelope{Exchange: "a&b=c", RoutingKey: "% +\r\n\x00ü\xff"}},
		{"x=&k=&ct=1&ce=2&dm=2&pri=9&cid=3&reply=4&exp=60000&id=5&ts=1700000000&type=6&uid=7&app=8&given=32768", pubsub.Envelope{
			Message: pubsub.Message{
				Body: []byte("not in the header"), ContentType: "1", ContentEncoding: "2", DeliveryMode: pubsub.Persistent, Priority: 9, CorrelationID: "3",
				ReplyTo: "4", Expiration: new(time.Minute), MessageID: "5", Timestamp: time.Unix(1_700_000_000, 0), Type: "6", UserID: "7", AppID: "8",
				Given: 1 << 15,
			},
		}},
		{"x=&k=&dm=1&exp=0&ts=0", pubsub.Envelope{
			Message: pubsub.Message{DeliveryMode: pubsub.Transient, Expiration: new(time.Duration), Timestamp: time.Unix(0, 0)},
		}},
	} {
		if got := written(&pubsub.Publication{Envelope: c.Envelope}); got != c.want {
			t.Errorf("%+v is\n%s; want\n%s", c.Envelope, got, c.want)
		}
	}
}

func TestFormOfHeaders(t *testing.T) {
	for _, c := range []struct {
		want  string
		value any
	}{
		{"web%20shop", "web shop"},
		{"str:", ""},
		{"i32%3A5", "i32:5"},
		{"%5Ba%2Cb%5D", "[a,b]"},
		{"%7Ba%3Db%7D", "{a=b}"},
		{"nil:", nil},
		{"bool:true", true},
		{"bool:false", false},
		{"i8:-128", int8(-128)},
		{"i16:-32768", int16(math.MinInt16)},
		{"i32:5", int32(5)},
		{"i64:9223372036854775807", int64(math.MaxInt64)},
		{"u8:255", uint8(255)},
		{"u16:65535", uint16(math.MaxUint16)},
		{"u32:4294967295", uint32(math.MaxUint32)},
		{"f32:0.1", float32(0.1)},
		{"f64:0.1", 0.1},
		{"f64:-0", math.Copysign(0, -1)},
		{"f64:1e+300", 1e300},
		{"dec:12345e-2", pubsub.Decimal{Scale: 2, Value: 12345}},
		{"time:1700000000", time.Unix(1_700_000_000, 0)},
		{"b64:AQID_w", []byte{1, 2, 3, 255}},
		{"b64:", []byte{}},
		{"[]", []any{}},
		{"[str:]", []any{""}},
		{"[a,i32:5,[nil:]]", []any{"a", int32(5), []any{nil}}},
		{"{}", pubsub.Table{}},
		{"{=str:,a=web,b={c=i64:1}}", pubsub.Table{"b": pubsub.Table{"c": int64(1)}, "a": "web", "": ""}},
	} {
		want := "x=x&k=k&h.n=" + c.want
		if got := written(publication(pubsub.Table{"n": c.value})); got != want {
			t.Errorf("%#v is\n%s; want\n%s", c.value, got, want)
		}
	}
	for want, headers := range map[string]pubsub.Table{
		"x=x&k=k":         nil,
		"x=x&k=k&h=":      {},
		"x=x&k=k&h.=str:": {"": ""},
		"x=x&k=k&h.a.b=1&h.a%3Db%26c%FF=bool:true": {"a.b": "1", "a=b&c\xff": true},
	} {
		if got := written(publication(headers)); got != want {
			t.Errorf("%#v is\n%s; want\n%s", headers, got, want)
		}
	}
}

// What a person may write, though Encode doesn't.
func TestFormAsPeopleWriteIt(t *testing.T) {
	for _, c := range []struct {
		header string
		want   pubsub.Envelope
	}{
		{"k=tasks", pubsub.Envelope{RoutingKey: "tasks"}},
		{"", pubsub.Envelope{}},
		{"&&k=a:b c&", pubsub.Envelope{RoutingKey: "a:b c"}},
		{"k=%c3%bc&x=topics", pubsub.Envelope{Exchange: "topics", RoutingKey: "ü"}},
		{"k=k&later=1&h2.n=i32:x&=", pubsub.Envelope{RoutingKey: "k"}},
		{"k=k&h.url=http://host&h.n=uuid:1", pubsub.Envelope{
			RoutingKey: "k", Message: pubsub.Message{Headers: pubsub.Table{"url": "http://host", "n": "uuid:1"}},
		}},
		{"h.a=&h.b&h.l=[,]&h.e=[,a]&h", pubsub.Envelope{
			Message: pubsub.Message{Headers: pubsub.Table{"a": "", "b": "", "l": []any{"", ""}, "e": []any{"", "a"}}},
		}},
		{"h.BCC=[secret]", pubsub.Envelope{Message: pubsub.Message{Headers: pubsub.Table{}}}},
	} {
		got, err := Decode(nats.Header{Header: {c.header}}, "subject", nil)
		if err != nil {
			t.Errorf("%s: %v", c.header, err)
			continue
		}
		checkSame(t, got, &pubsub.Publication{Envelope: c.want})
	}
}

func TestFormThatIsWrong(t *testing.T) {
	many := strings.Repeat(",", maxEntries)
	for header, why := range map[string]string{
		"x=%":                `header Bindery, field "x=%": "%" is no byte`,
		"k=%2":               `"%2" is no byte`,
		"k=a%zz":             `"%zz" is no byte`,
		"bcc=%g0":            `"%g0" is no byte`,
		"dm=3":               "from 0 to 2",
		"pri=256":            "from 0 to 255",
		"pri=-1":             "from 0 to 255",
		"exp=9223372036855":  "from 0 to 9223372036854",
		"exp=":               "invalid syntax",
		"ts=now":             "invalid syntax",
		"given=65536":        "from 0 to 65535",
		"h.%=a":              "is no byte",
		"h.n=%4":             "is no byte",
		"h.n=i8:128":         "out of range",
		"h.n=i16:32768":      "out of range",
		"h.n=i32:2147483648": "out of range",
		"h.n=i64:x":          "invalid syntax",
		"h.n=u8:256":         "out of range",
		"h.n=u16:65536":      "out of range",
		"h.n=u32:-1":         "invalid syntax",
		"h.n=bool:maybe":     "invalid syntax",
		"h.n=f32:1e39":       "out of range",
		"h.n=f64:NaN":        "no finite number",
		"h.n=f64:-inf":       "no finite number",
		"h.n=dec:5":          "has no e-",
		"h.n=dec:xe-1":       "invalid syntax",
		"h.n=dec:1e-256":     "out of range",
		"h.n=time:":          "invalid syntax",
		"h.n=b64:*":          "illegal base64",
		"h.n=a,b":            "too much at its end",
		"h.n=[a":             "a comma or ] is missing",
		"h.n=[":              "a ] is missing",
		"h.n=[a,":            "a ] is missing",
		"h.n=[a}":            "a comma or ] is missing",
		"h.n={a=b":           "a comma or } is missing",
		"h.n={a}":            "has no =",
		"h.n={%=b}":          "is no byte",
		"h.n=[[]i8:1]":       "a comma or ] is missing",
		"h.n=[" + many + "]": "more than 8192 entries",
		"h.n=" + strings.Repeat("[", maxNesting) + "[": "more than 32 deep",
		"h.n=" + strings.Repeat("{=", 1_000_000):       "more than 32 deep",
	} {
		p, err := Decode(nats.Header{Header: {header}}, "a.subject", nil)
		if err == nil {
			t.Errorf("%.60s is %+v; want an error", header, p.Envelope)
			continue
		}
		if got := err.Error(); !strings.Contains(got, why) || !strings.Contains(got, `on subject "a.subject"`) || len(got) > 300 {
			t.Errorf("%.60s: error %q; want one with %q", header, got, why)
		}
	}
}

func TestFormTakesWhatPubsubAllows(t *testing.T) {
	deep := any("x")
	for range maxNesting / 2 {
		deep = []any{pubsub.Table{"t": deep}}
	}
	long := make([]any, maxEntries)
	p := publication(pubsub.Table{"deep": deep, "long": long})
	checkSame(t, there(t, p), p)
}

func TestFormOfForeignMessages(t *testing.T) {
	got, err := Decode(nats.Header{"Trace": {"a: b\x00"}, "List": {"1", "2"}, "bindery": {"x=x"}, "CC": {"c"}, "none": {}}, "some.subject", []byte("body"))
	if err != nil {
		t.Fatal(err)
	}
	checkSame(t, got, &pubsub.Publication{Envelope: pubsub.Envelope{
		RoutingKey: "some.subject",
		Message: pubsub.Message{Body: []byte("body"), Headers: pubsub.Table{
			"Trace": "a: b\x00", "List": []any{"1", "2"}, "bindery": "x=x", "CC": "c", "none": []any{},
		}},
	}})
	for _, none := range []nats.Header{nil, {}} {
		got, err := Decode(none, "some.subject", nil)
		if err != nil {
			t.Fatal(err)
		}
		checkSame(t, got, &pubsub.Publication{Envelope: pubsub.Envelope{RoutingKey: "some.subject"}})
	}
	many := nats.Header{}
	for i := range maxEntries + 1 {
		many.Set(strconv.Itoa(i), "")
	}
	if _, err := Decode(many, "some.subject", nil); err == nil || !strings.Contains(err.Error(), "more than 8192 headers") {
		t.Errorf("too many headers: error %v", err)
	}
}
