package wire

import (
	"net"
	"sync"
	"testing"
	"time"

	"github.com/gobindery/bindery/pubsub"
	amqp "github.com/rabbitmq/amqp091-go"
)

// peer is amqp091-go at the other end of a pipe: it reads what this package
// writes, and this package reads what it writes. So each is an oracle for the
// other.
type peer struct {
	client     *amqp.Connection
	ch         *amqp.Channel
	deliveries <-chan amqp.Delivery
	returns    <-chan amqp.Return

	nc net.Conn // our end
	in *Reader
}

// peerFrame is the largest frame. What a fuzzer makes is smaller.
const peerFrame = 1 << 24

// newPeer goes through the handshake, opens channel 1 and consumes with the
// tag "tag".
func newPeer(t *testing.T) *peer {
	theirs, ours := net.Pipe()
	p := &peer{nc: ours, in: NewReader(ours, peerFrame)}
	p.while(t, func() (err error) {
		p.client, err = amqp.Open(theirs, amqp.Config{SASL: []amqp.Authentication{&amqp.PlainAuth{Username: "u", Password: "p"}}, Vhost: "/"})
		return err
	}, func() {
		if err := p.in.Full(make([]byte, 8)); err != nil {
			t.Fatal(err)
		}
		p.write(t, AppendMethod(nil, 0, &ConnectionStart{VersionMinor: 9, ServerProperties: allKinds(), Mechanisms: "PLAIN", Locales: "en_US"}))
		p.read(t)
		p.write(t, AppendMethod(nil, 0, &ConnectionTune{FrameMax: peerFrame}))
		p.read(t) // connection.tune-ok
		p.read(t) // connection.open
		p.write(t, AppendMethod(nil, 0, &ConnectionOpenOk{}))
	})
	p.while(t, func() (err error) {
		p.ch, err = p.client.Channel()
		return err
	}, func() {
		p.read(t)
		p.write(t, AppendMethod(nil, 1, &ChannelOpenOk{}))
	})
	p.returns = p.ch.NotifyReturn(make(chan amqp.Return, 1))
	p.while(t, func() (err error) {
		p.deliveries, err = p.ch.Consume("", "tag", true, false, false, true, nil)
		return err
	}, func() { p.read(t) })
	return p
}

func (p *peer) close() {
	p.nc.Close()
	p.client.Close()
}

// while runs what the client does while our end does its part.
func (p *peer) while(t *testing.T, theirs func() error, ours func()) {
	t.Helper()
	p.nc.SetDeadline(time.Now().Add(30 * time.Second))
	var err error
	var running sync.WaitGroup
	running.Go(func() { err = theirs() })
	ours()
	running.Wait()
	if err != nil {
		t.Fatal(err)
	}
}

func (p *peer) write(t *testing.T, b []byte) {
	t.Helper()
	if _, err := p.nc.Write(b); err != nil {
		t.Fatalf("the client doesn't read %x: %v", b, err)
	}
}

// read reads a method, and its content if it is a publish.
func (p *peer) read(t *testing.T) (m Method, h Header, body []byte) {
	t.Helper()
	frame := func() []byte {
		f, err := p.in.Next()
		if err != nil {
			t.Fatalf("a frame of the client's can't be read: %v", err)
		}
		return f.Payload
	}
	b := frame()
	m, err := DecodeMethod(b)
	if err != nil {
		t.Fatalf("the client's method %x can't be read: %v", b, err)
	}
	if _, ok := m.(*BasicPublish); !ok {
		return m, h, nil
	}
	b = frame()
	if h, err = DecodeHeader(b, m); err != nil {
		t.Fatalf("the client's header %x can't be read: %v", b, err)
	}
	for uint64(len(body)) < h.Size {
		body = append(body, frame()...)
	}
	return m, h, body
}

// delivery returns the client's next one.
func (p *peer) delivery(t *testing.T) amqp.Delivery {
	t.Helper()
	select {
	case d, ok := <-p.deliveries:
		if !ok {
			t.Fatal("the client closed the connection over a delivery")
		}
		return d
	case <-time.After(30 * time.Second):
		t.Fatal("the client makes nothing of a delivery")
	}
	panic("unreachable")
}

// toClient is a table as the client has it, fromClient one of the client's as
// this module has it.
func toClient(t pubsub.Table) amqp.Table {
	if t == nil {
		return nil
	}
	return convert(t).(amqp.Table)
}

func fromClient(t amqp.Table) pubsub.Table {
	if t == nil {
		return nil
	}
	return convert(t).(pubsub.Table)
}

// convert turns the types of one into those of the other.
func convert(v any) any {
	switch v := v.(type) {
	case pubsub.Table:
		t := make(amqp.Table, len(v))
		for k, e := range v {
			t[k] = convert(e)
		}
		return t
	case amqp.Table:
		t := make(pubsub.Table, len(v))
		for k, e := range v {
			t[k] = convert(e)
		}
		return t
	case []any:
		l := make([]any, len(v)) // a list without entries is nil at the client
		for i, e := range v {
			l[i] = convert(e)
		}
		return l
	case pubsub.Decimal:
		return amqp.Decimal{Scale: v.Scale, Value: v.Value}
	case amqp.Decimal:
		return pubsub.Decimal{Scale: v.Scale, Value: v.Value}
	case time.Time:
		return v.UTC()
	}
	return v
}
