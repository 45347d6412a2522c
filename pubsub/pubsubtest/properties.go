package pubsubtest

import (
	"bytes"
	"math"
	"strings"
	"time"

	"github.com/gobindery/bindery/pubsub"
)

var propertiesCases = []Case{
	{"properties/all", "all properties arrive as they were sent", propertiesAll},
	{"properties/none", "a message without properties arrives without", propertiesNone},
	{"properties/each", "each property alone arrives alone", propertiesEach},
	{"properties/header types", "header values of every type arrive with type and value", propertiesHeaderTypes},
	{"properties/large headers", "header names of 200 bytes and values of 100 kB arrive", propertiesLargeHeaders},
	{"properties/bodies", "bodies arrive as they are: empty, all bytes, 1 MiB", propertiesBodies},
	{"properties/times", "times arrive in UTC, cut to whole seconds", propertiesTimes},
}

// arrives publishes a message and reports what is different when it comes by
// get and by a consumer.
func (c *conn) arrives(what string, m, want pubsub.Message) {
	c.w.Helper()
	q := c.temp()
	c.message("", q, m)
	c.message("", q, m)
	d := c.get(q)
	c.w.sameMessage(what+", by get", d, want)
	cons := c.consume(q, nil)
	c.w.sameMessage(what+", by consume", cons.next(), want)
	_, err := c.DeleteQueue(c.w.ctx, q, nil)
	c.w.ok(err)
}

// sameMessage reports what differs.
func (w *world) sameMessage(what string, d pubsub.Delivery, want pubsub.Message) {
	w.Helper()
	got := d.Message
	if !bytes.Equal(got.Body, want.Body) {
		w.Errorf("%s: got a body of %d bytes that begins with %q; want %d bytes, %q", what, len(got.Body), clip(got.Body), len(want.Body), clip(want.Body))
	}
	if !got.Headers.Equal(want.Headers) {
		w.Errorf("%s: got the headers %s; want %s", what, typed(got.Headers), typed(want.Headers))
	}
	g := got
	if !g.Timestamp.Equal(want.Timestamp) || g.Timestamp.IsZero() != want.Timestamp.IsZero() {
		w.Errorf("%s: got the timestamp %v; want %v", what, g.Timestamp, want.Timestamp)
	}
	if (g.Expiration == nil) != (want.Expiration == nil) || g.Expiration != nil && *g.Expiration != *want.Expiration {
		w.Errorf("%s: got the expiration %v; want %v", what, show(g.Expiration), show(want.Expiration))
	}
	g.Body, want.Body, g.Headers, want.Headers = nil, nil, nil, nil
	g.Timestamp, want.Timestamp = time.Time{}, time.Time{}
	g.Expiration, want.Expiration = nil, nil
	w.equal(what+": other properties", g, want)
}

func (w *world) fullMessage() pubsub.Message {
	return pubsub.Message{
		Body:            []byte("body"),
		Headers:         pubsub.Table{"h": "v"},
		ContentType:     "text/plain",
		ContentEncoding: "utf-8",
		DeliveryMode:    pubsub.Persistent,
		Priority:        7,
		CorrelationID:   "correlation",
		ReplyTo:         "reply",
		Expiration:      ms(3_600_000),
		MessageID:       "id",
		Timestamp:       time.Unix(1_700_000_000, 0).UTC(),
		Type:            "type",
		UserID:          w.opts.User,
		AppID:           "app",
	}
}

func propertiesAll(w *world) {
	c := w.open()
	c.arrives("all properties", w.fullMessage(), w.fullMessage())
	long := strings.Repeat("é", 127)
	m := pubsub.Message{
		ContentType: long, ContentEncoding: long, CorrelationID: long, ReplyTo: long, MessageID: long, Type: long, AppID: long,
		DeliveryMode: pubsub.Transient, Priority: 255, Expiration: ms(86_400_000), Timestamp: time.Unix(1, 0),
	}
	c.arrives("long properties", m, m)
}

func propertiesNone(w *world) {
	c := w.open()
	c.arrives("no properties", pubsub.Message{}, pubsub.Message{})
	c.arrives("empty headers", pubsub.Message{Headers: pubsub.Table{}}, pubsub.Message{})
}

func propertiesEach(w *world) {
	c := w.open()
	full := w.fullMessage()
	for what, m := range map[string]pubsub.Message{
		"body":             {Body: full.Body},
		"headers":          {Headers: full.Headers},
		"content type":     {ContentType: full.ContentType},
		"content encoding": {ContentEncoding: full.ContentEncoding},
		"delivery mode":    {DeliveryMode: pubsub.Transient},
		"priority":         {Priority: 1},
		"correlation id":   {CorrelationID: full.CorrelationID},
		"reply-to":         {ReplyTo: full.ReplyTo},
		"expiration":       {Expiration: full.Expiration},
		"message id":       {MessageID: full.MessageID},
		"timestamp":        {Timestamp: full.Timestamp},
		"type":             {Type: full.Type},
		"user id":          {UserID: full.UserID},
		"app id":           {AppID: full.AppID},
	} {
		c.arrives(what+" alone", m, m)
	}
}

func propertiesHeaderTypes(w *world) {
	c := w.open()
	when := time.Unix(1_700_000_000, 0).UTC()
	deep := pubsub.Table{"end": true}
	for range 20 {
		deep = pubsub.Table{"t": deep, "l": []any{deep}}
		deep["l"] = []any{int32(1)} // keeps it small
	}
	every := pubsub.Table{
		"nil":     nil,
		"true":    true,
		"false":   false,
		"int8":    int8(-128),
		"int16":   int16(-32768),
		"int32":   int32(math.MinInt32),
		"int64":   int64(math.MinInt64),
		"max64":   int64(math.MaxInt64),
		"uint8":   uint8(255),
		"uint16":  uint16(65535),
		"uint32":  uint32(math.MaxUint32),
		"small":   int64(1),
		"float32": float32(1.5),
		"float64": math.Pi,
		"huge":    -math.MaxFloat64,
		"decimal": pubsub.Decimal{Scale: 2, Value: -314},
		"string":  "ünï\x00 漢字",
		"empty":   "",
		"bytes":   []byte{0, 255, '\n'},
		"nobytes": []byte{},
		"time":    when,
		"epoch":   time.Unix(0, 0).UTC(),
		"list":    []any{nil, "a", int8(1), int64(1), 1.5, []any{}, []byte("x"), pubsub.Table{"k": when}},
		"nolist":  []any{},
		"table":   pubsub.Table{"a": int32(1), "b": pubsub.Table{"c": []any{true}}},
		"notable": pubsub.Table{},
		"deep":    deep,
		"":        "the empty name",
		"naïve":   "a name",
		"x-death": "not a history",
	}
	m := pubsub.Message{Headers: every}
	c.arrives("headers of every type", m, m)
	for name, v := range every {
		m := pubsub.Message{Headers: pubsub.Table{name: v}}
		c.arrives("header "+name, m, m)
	}
	c.arrives("headers of types that become another",
		pubsub.Message{Headers: pubsub.Table{"int": 1, "uint": uint(2), "uint64": uint64(3), "map": map[string]any{"k": []any{4}}}},
		pubsub.Message{Headers: pubsub.Table{"int": int64(1), "uint": int64(2), "uint64": int64(3), "map": pubsub.Table{"k": []any{int64(4)}}}})
}

func propertiesLargeHeaders(w *world) {
	c := w.open()
	m := pubsub.Message{Headers: pubsub.Table{
		strings.Repeat("n", 200): strings.Repeat("v", 100_000),
		"n":                      int32(3),
	}}
	c.arrives("large headers", m, m)
}

func propertiesBodies(w *world) {
	c := w.open()
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	for what, body := range map[string][]byte{
		"no body":                     nil,
		"an empty body":               {},
		"all bytes":                   all,
		"a body of frame size":        bytes.Repeat(all, 512)[:131072-8],
		"a body just over frame size": bytes.Repeat(all, 512)[:131072-7],
		"a body of 1 MiB":             bytes.Repeat(all, 4096),
	} {
		c.arrives(what, pubsub.Message{Body: body}, pubsub.Message{Body: body})
	}
}

func propertiesTimes(w *world) {
	c := w.open()
	zone := time.FixedZone("somewhere", 3*3600+1800)
	local := time.Date(2024, 2, 29, 23, 59, 59, 987654321, zone)
	q := c.temp()
	c.message("", q, pubsub.Message{Timestamp: local, Headers: pubsub.Table{"t": local, "l": []any{local}}})
	d := c.get(q)
	want := time.Date(2024, 2, 29, 20, 29, 59, 0, time.UTC)
	list, _ := d.Headers["l"].([]any)
	if len(list) != 1 {
		w.Fatalf("the header with a list of one time arrived as %v", d.Headers["l"])
	}
	for what, got := range map[string]any{"timestamp": d.Timestamp, "header": d.Headers["t"], "header in a list": list[0]} {
		t, ok := got.(time.Time)
		if !ok || !t.Equal(want) || t.Location() != time.UTC {
			w.Errorf("%s: got %v; want %v", what, got, want)
		}
	}
}
