package wire

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/gobindery/bindery/pubsub"
	amqp "github.com/rabbitmq/amqp091-go"
)

// A table that this package reads is the same to amqp091-go, as it came and
// as this package writes it; and so is one that amqp091-go writes to this
// package.
func FuzzTableOracle(f *testing.F) {
	f.Add([]byte("\x01tt\x01" + "\x01bb\xf8" + "\x01BB\x08" + "\x01ss\xff\xf0" + "\x01uu\x00\x10" + "\x01II\xff\xff\xff\xe0" + "\x01ii\x00\x00\x00\x20" +
		"\x01ll\xff\xff\xff\xff\xff\xff\xff\xc0" + "\x01ff\x3f\xc0\x00\x00" + "\x01dd\x40\x04\x00\x00\x00\x00\x00\x00" + "\x01DD\x02\xff\xff\xfe\xc6" +
		"\x01SS\x00\x00\x00\x01s" + "\x01xx\x00\x00\x00\x02\x00\x01" + "\x01TT\x00\x00\x00\x00\x65\x53\xf1\x00" + "\x01VV" +
		"\x01AA\x00\x00\x00\x03t\x00V" + "\x01FF\x00\x00\x00\x04\x01at\x01"))
	f.Add([]byte("\x00V\x00t\x01")) // a name that is there twice
	r := rand.New(rand.NewPCG(3, 4))
	for range 50 {
		f.Add(appendTable(nil, randomTable(r, 3))[4:])
	}
	peers := newPeers(f)
	f.Fuzz(func(t *testing.T, entries []byte) {
		table, err := DecodeTable(entries)
		if err != nil {
			return // what amqp091-go takes beyond that is its own matter
		}
		p := peers.get(t)
		defer peers.put(t)
		deliver := &BasicDeliver{ConsumerTag: "tag"}
		sends := [][]byte{AppendContent(nil, 1, peerFrame, deliver, &Properties{Given: GivenHeaders, Headers: table}, nil)}
		if !bytes.ContainsRune(entries, 'L') { // a type that amqp091-go doesn't know; it is written as l
			sends = append(sends, contentWith(entries))
		}
		for _, sent := range sends {
			p.write(t, sent)
			if got := fromClient(p.delivery(t).Headers); !reflect.DeepEqual(got, table) {
				t.Fatalf("%x\nis  %#v\nand %#v to amqp091-go", sent, table, got)
			}
		}
		p.while(t, func() error {
			return p.ch.Publish("", "", false, false, amqp.Publishing{Headers: toClient(table)})
		}, func() {
			if _, h, _ := p.read(t); !reflect.DeepEqual(h.Headers, table) && len(h.Headers)+len(table) > 0 {
				t.Fatalf("amqp091-go sent %#v, and here it is %#v", table, h.Headers)
			}
		})
	})
}

// contentWith is a delivery whose headers are a table's entries as they are.
func contentWith(entries []byte) []byte {
	be := binary.BigEndian
	b := AppendMethod(nil, 1, &BasicDeliver{ConsumerTag: "tag"})
	start := len(b)
	b = append(openFrame(b, FrameHeader, 1), 0, 60, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	b = be.AppendUint16(b, GivenHeaders)
	b = append(be.AppendUint32(b, uint32(len(entries))), entries...)
	return closeFrame(b, start)
}

// randomTable has values of all kinds, up to some depth.
func randomTable(r *rand.Rand, depth int) pubsub.Table {
	t := pubsub.Table{}
	kinds := allKinds()
	for name, v := range kinds {
		switch r.IntN(8) {
		case 0:
			t[name] = v
		case 1:
			if depth > 0 {
				t[name+"'"] = randomTable(r, depth-1)
			}
		case 2:
			if depth > 0 {
				t[name+"\""] = []any{v, randomTable(r, depth-1), v}
			}
		}
	}
	return t
}

// A message and where it is published are the same to amqp091-go, both ways.
func FuzzContentOracle(f *testing.F) {
	f.Add(uint16(0xfffc), "exchange", "key", "property", uint64(1), uint8(2), []byte("body"))
	f.Add(uint16(0), "", "", "", uint64(0), uint8(0), []byte{})
	f.Add(uint16(0xfffc), strings.Repeat("é", 127), "\x00", " ", uint64(1)<<63, uint8(255), make([]byte, 5000))
	peers := newPeers(f)
	f.Fuzz(func(t *testing.T, given uint16, exchange, key, text string, n uint64, octet uint8, body []byte) {
		exchange, key, text = short(exchange), short(key), short(text)
		if text == "" {
			given &^= GivenExpiration // what is empty isn't there, to amqp091-go
		}
		p := peers.get(t)
		defer peers.put(t)

		props := Properties{Given: given &^ 3}
		want := amqp.Publishing{Body: body}
		set := func(bit uint16, ours, theirs *string, v string) {
			if props.Given&bit != 0 {
				*ours, *theirs = v, v
			}
			if v == "" {
				props.Given &^= bit
			}
		}
		set(GivenContentType, &props.ContentType, &want.ContentType, text)
		set(GivenContentEncoding, &props.ContentEncoding, &want.ContentEncoding, key)
		set(GivenCorrelationID, &props.CorrelationID, &want.CorrelationId, exchange)
		set(GivenReplyTo, &props.ReplyTo, &want.ReplyTo, key)
		set(GivenExpiration, &props.Expiration, &want.Expiration, text)
		set(GivenMessageID, &props.MessageID, &want.MessageId, key)
		set(GivenType, &props.Type, &want.Type, text)
		set(GivenUserID, &props.UserID, &want.UserId, exchange)
		set(GivenAppID, &props.AppID, &want.AppId, key)
		props.Given &^= GivenClusterID // amqp091-go has none
		if props.Given&GivenHeaders != 0 {
			props.Headers = pubsub.Table{key: text, "n": int64(n), "octets": append([]byte{}, body...)}
			want.Headers = toClient(props.Headers)
		}
		if props.Given&GivenTimestamp != 0 {
			props.Timestamp = time.Unix(int64(n>>16), 0).UTC()
			want.Timestamp = props.Timestamp
		}
		octets := func(bit uint16, ours, theirs *uint8) {
			if octet == 0 {
				props.Given &^= bit
			}
			if props.Given&bit != 0 {
				*ours, *theirs = octet, octet
			}
		}
		octets(GivenDeliveryMode, &props.DeliveryMode, &want.DeliveryMode)
		octets(GivenPriority, &props.Priority, &want.Priority)

		// What amqp091-go writes.
		publish := &BasicPublish{Exchange: exchange, RoutingKey: key, Mandatory: n&1 == 1, Immediate: n&2 == 2}
		p.while(t, func() error {
			return p.ch.Publish(exchange, key, publish.Mandatory, publish.Immediate, want)
		}, func() {
			m, h, got := p.read(t)
			if !reflect.DeepEqual(m, publish) || !reflect.DeepEqual(h.Properties, props) || string(got) != string(body) {
				t.Fatalf("amqp091-go sent %+v, %+v, %q\nhere it is      %+v, %+v, %q", publish, want, body, m, h.Properties, got)
			}
		})

		// What it reads.
		deliver := &BasicDeliver{ConsumerTag: "tag", DeliveryTag: n, Redelivered: n&1 == 1, Exchange: exchange, RoutingKey: key}
		p.write(t, AppendContent(nil, 1, peerFrame, deliver, &props, body))
		d := p.delivery(t)
		got := amqp.Publishing{
			Headers: d.Headers, ContentType: d.ContentType, ContentEncoding: d.ContentEncoding, DeliveryMode: d.DeliveryMode, Priority: d.Priority,
			CorrelationId: d.CorrelationId, ReplyTo: d.ReplyTo, Expiration: d.Expiration, MessageId: d.MessageId, Timestamp: d.Timestamp, Type: d.Type, UserId: d.UserId, AppId: d.AppId,
		}
		same(t, deliver, got, d.Body, want)
		gotDeliver := &BasicDeliver{ConsumerTag: d.ConsumerTag, DeliveryTag: d.DeliveryTag, Redelivered: d.Redelivered, Exchange: d.Exchange, RoutingKey: d.RoutingKey}
		if !reflect.DeepEqual(gotDeliver, deliver) {
			t.Fatalf("sent     %+v\nreceived %+v", deliver, gotDeliver)
		}
		back := &BasicReturn{ReplyCode: uint16(n), ReplyText: text, Exchange: exchange, RoutingKey: key}
		p.write(t, AppendContent(nil, 1, peerFrame, back, &props, body))
		b := <-p.returns
		got = amqp.Publishing{
			Headers: b.Headers, ContentType: b.ContentType, ContentEncoding: b.ContentEncoding, DeliveryMode: b.DeliveryMode, Priority: b.Priority,
			CorrelationId: b.CorrelationId, ReplyTo: b.ReplyTo, Expiration: b.Expiration, MessageId: b.MessageId, Timestamp: b.Timestamp, Type: b.Type, UserId: b.UserId, AppId: b.AppId,
		}
		same(t, back, got, b.Body, want)
		if b.ReplyCode != back.ReplyCode || b.ReplyText != text || b.Exchange != exchange || b.RoutingKey != key {
			t.Fatalf("sent %+v, received %+v", back, b)
		}
	})
}

// same checks what the client received of a message.
func same(t *testing.T, m Method, got amqp.Publishing, body []byte, want amqp.Publishing) {
	t.Helper()
	headers, wantHeaders := fromClient(got.Headers), fromClient(want.Headers)
	at := got.Timestamp.UTC()
	if want.Timestamp.IsZero() {
		at = got.Timestamp
	}
	got.Headers, got.Body, got.Timestamp = want.Headers, want.Body, at
	if !reflect.DeepEqual(got, want) || !reflect.DeepEqual(headers, wantHeaders) || string(body) != string(want.Body) {
		t.Fatalf("%s: sent %+v, received %+v, %#v, %q", Name(m), want, got, headers, body)
	}
}

// short makes a string one that a short string may hold.
func short(s string) string {
	s = strings.ToValidUTF8(s, "")
	for i := range s {
		if i > 250 {
			return s[:i]
		}
	}
	return s
}

// peers keeps one while all goes well.
type peers struct{ p *peer }

func newPeers(f *testing.F) *peers {
	ps := &peers{}
	f.Cleanup(func() {
		if ps.p != nil {
			ps.p.close()
		}
	})
	return ps
}

func (ps *peers) get(t *testing.T) *peer {
	if ps.p == nil {
		ps.p = newPeer(t)
	}
	return ps.p
}

func (ps *peers) put(t *testing.T) {
	if t.Failed() {
		ps.p.close()
		ps.p = nil
	}
}
