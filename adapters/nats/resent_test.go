package nats_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"testing"
	"time"

	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/gobindery/bindery/adapters/nats"
	"github.com/gobindery/bindery/adapters/nats/natstest"
	"github.com/gobindery/bindery/pubsub"
)

// deafAfter is a dialer for nats.go. Its first connection hears nothing more once it has
// sent something that contains a text, until it is closed.
type deafAfter struct {
	text   []byte
	dialed bool
}

func (d *deafAfter) Dial(network, address string) (net.Conn, error) {
	c, err := net.Dial(network, address)
	if err != nil || d.dialed {
		return c, err
	}
	d.dialed = true
	return &deafConn{Conn: c, text: d.text, deaf: make(chan struct{})}, nil
}

type deafConn struct {
	net.Conn
	text []byte
	deaf chan struct{} // closed when it hears nothing more
}

func (c *deafConn) Write(b []byte) (int, error) {
	if bytes.Contains(b, c.text) {
		select {
		case <-c.deaf:
		default:
			close(c.deaf)
		}
	}
	return c.Conn.Write(b)
}

func (c *deafConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	select {
	case <-c.deaf:
		for err == nil { // until the server has ended
			_, err = c.Conn.Read(b)
		}
		return 0, err
	default:
		return n, err
	}
}

// A message that was acked isn't stored once more in the queue for its consumers when its
// publisher, who has heard nothing, sends it again, and the server has begun anew: which
// knows only the ids of what it has.
func TestSentAgainAfterRestart(t *testing.T) {
	server := natstest.RunServer(t, natstest.OwnProcess())
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	reading, reader := open(t, server.URL())
	if _, err := reader.DeclareQueue(ctx, pubsub.Queue{Name: "q", Durable: true}); err != nil {
		t.Fatal(err)
	}
	c, err := reader.Consume(ctx, "q", nil)
	if err != nil {
		t.Fatal(err)
	}
	dialer := &deafAfter{text: []byte(nats.Prefix(reading) + ".q.q.")}
	publishing, err := nats.Open(ctx, server.URL(), &nats.Options{Client: []natsgo.Option{natsgo.SetCustomDialer(dialer)}})
	if err != nil {
		t.Fatal(err)
	}
	publisher := pubsub.New(publishing, nil)
	defer publisher.Close()
	first := publisher.PublishAsync(ctx, "", "q", pubsub.Message{Body: []byte("first")})
	receive := func(want string) {
		t.Helper()
		d, err := c.Receive(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if string(d.Body) != want {
			t.Fatalf("received %q; want %q", d.Body, want)
		}
		if err := d.Ack(ctx); err != nil {
			t.Fatal(err)
		}
	}
	receive("first")
	stream := nats.StreamOf(reading, "q")
	eventually(t, "the message is gone from its stream", func() (string, bool) {
		s := stateOf(t, server, stream)
		return fmt.Sprintf("%+v", s), s.LastSeq == 1 && s.Msgs == 0
	})
	if err := server.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := server.Restart(ctx); err != nil {
		t.Fatal(err)
	}
	if err := first.Wait(ctx); err != nil {
		t.Fatal(err)
	}
	if err := publisher.Publish(ctx, "", "q", pubsub.Message{Body: []byte("second")}); err != nil {
		t.Fatal(err)
	}
	receive("second")
	if s := stateOf(t, server, stream); s.LastSeq != 3 {
		t.Errorf("the last message has the sequence %d: the first was not stored again, and this tests nothing", s.LastSeq)
	}
	info, err := reader.InspectQueue(ctx, "q")
	if err != nil || info.Ready != 0 {
		t.Errorf("the queue is %+v, %v; want nothing in it", info, err)
	}
	eventually(t, "the stream is empty", func() (string, bool) {
		s := stateOf(t, server, stream)
		return fmt.Sprintf("%+v", s), s.Msgs == 0
	})
}

// stateOf asks how much is in a stream.
func stateOf(t *testing.T, s *natstest.Server, stream string) (state jetstream.StreamState) {
	t.Helper()
	js, done := jetStream(t, s.URL())
	defer done()
	is, err := js.Stream(t.Context(), stream)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return state
	}
	if err != nil {
		t.Fatal(err)
	}
	return is.CachedInfo().State
}
