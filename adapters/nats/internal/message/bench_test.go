package message

import (
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/gobindery/bindery/pubsub"
)

var benchmarks = []struct {
	name string
	*pubsub.Publication
}{
	{"Key", &pubsub.Publication{Envelope: pubsub.Envelope{Exchange: "logs", RoutingKey: "kern.critical"}}},
	{"ContentType", &pubsub.Publication{Envelope: pubsub.Envelope{
		Exchange: "logs", RoutingKey: "kern.critical", Message: pubsub.Message{ContentType: "text/plain", DeliveryMode: pubsub.Persistent},
	}}},
	{"Headers", publication(pubsub.Table{"n": int32(5), "source": "web shop", "list": []any{"a", true}})},
}

func BenchmarkEncode(b *testing.B) {
	for _, m := range benchmarks {
		b.Run(m.name, func(b *testing.B) {
			b.ReportAllocs()
			h := nats.Header{}
			for b.Loop() {
				Encode(h, m.Publication)
			}
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	for _, m := range benchmarks {
		b.Run(m.name, func(b *testing.B) {
			b.ReportAllocs()
			h := nats.Header{}
			Encode(h, m.Publication)
			body := []byte("body")
			for b.Loop() {
				if _, err := Decode(h, "subject", body); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
