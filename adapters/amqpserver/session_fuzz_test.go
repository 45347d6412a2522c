package amqpserver_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobindery/bindery/adapters/amqpserver"
	"github.com/gobindery/bindery/adapters/amqpserver/internal/wire"
)

// Whatever a client sends, what it gets are whole frames that make sense; its
// connection ends with it, and leaves no goroutine behind; and another client
// is served. The input is a script, see there. A bubble of synctest panics
// where anything waits forever.
func FuzzSession(f *testing.F) {
	for i := range instructions {
		f.Add([]byte{byte(i)})
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 100 {
		b := make([]byte, 20+r.IntN(200))
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		frames := session(b)
		synctest.Test(t, func(t *testing.T) {
			server := servePipes(t, &amqpserver.Server{})
			other := server.dial(t)
			other.open()

			client := server.dial(t)
			go func() {
				for _, f := range frames {
					if _, err := io.WriteString(client.nc, f); err != nil {
						return
					}
				}
			}()
			var got bytes.Buffer
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				io.Copy(&got, client.nc)
			}()
			whole := true
			select {
			case <-ended:
			case <-time.After(5 * time.Minute):
				// It agreed to long heartbeats, or to none.
				whole = false
				client.nc.Close()
				<-ended
			}
			checkAnswers(t, got.Bytes(), whole)
			works(other)
			works(server.dialOpen(t))
		})
	})
}

func (l *pipes) dialOpen(t *testing.T) *rawClient {
	c := l.dial(t)
	c.open()
	return c
}

// works checks that a client is served.
func works(c *rawClient) {
	c.t.Helper()
	c.send(method(1, &wire.QueueDeclare{Queue: "works"}))
	c.expect("queue.declare-ok")
	c.send(publish(&wire.BasicPublish{RoutingKey: "works"}, []byte("body")) + method(1, &wire.BasicGet{Queue: "works", NoAck: true}))
	c.expect("basic.get-ok")
	c.skipContent()
	c.send(method(1, &wire.QueueDelete{Queue: "works"}))
	c.expect("queue.delete-ok")
}

// checkAnswers checks all that a server has sent: up to its last byte, if it
// is whole.
func checkAnswers(t *testing.T, b []byte, whole bool) {
	t.Helper()
	if string(b) == header091 {
		return
	}
	in := wire.NewReader(bytes.NewReader(b), 131072)
	last := ""                        // a method after which nothing may come
	contents := map[uint16]*content{} // of which a header or a body must come
	for {
		f, err := in.Next()
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) && !whole {
			return
		} else if err != nil {
			t.Fatalf("the server sent %q: %v", b, err)
		}
		if last != "" {
			t.Fatalf("the server sent a frame of type %d on channel %d after %s", f.Type, f.Channel, last)
		}
		switch ct := contents[f.Channel]; {
		case f.Type == wire.FrameHeartbeat:
		case f.Type == wire.FrameMethod && ct == nil:
			m, err := wire.DecodeMethod(f.Payload)
			if err != nil {
				t.Fatalf("the server sent %q: %v", f.Payload, err)
			}
			switch m := m.(type) {
			case *wire.ConnectionCloseOk:
				last = wire.Name(m)
			case *wire.ConnectionClose:
				checkCode(t, wire.Error{Code: m.ReplyCode, Text: m.ReplyText}, false)
			case *wire.ChannelClose:
				checkCode(t, wire.Error{Code: m.ReplyCode, Text: m.ReplyText}, true)
			case *wire.BasicDeliver, *wire.BasicGetOk, *wire.BasicReturn:
				contents[f.Channel] = &content{of: m}
			}
		case f.Type == wire.FrameHeader && ct != nil && !ct.begun:
			h, err := wire.DecodeHeader(f.Payload, ct.of)
			if err != nil {
				t.Fatalf("the server sent %q: %v", f.Payload, err)
			}
			ct.begun, ct.rest = true, h.Size
			if ct.rest == 0 {
				delete(contents, f.Channel)
			}
		case f.Type == wire.FrameBody && ct != nil && ct.begun && uint64(len(f.Payload)) <= ct.rest:
			if ct.rest -= uint64(len(f.Payload)); ct.rest == 0 {
				delete(contents, f.Channel)
			}
		default:
			t.Fatalf("the server sent a frame of type %d on channel %d, which awaits %+v", f.Type, f.Channel, ct)
		}
	}
}

// content is one of which a part has come.
type content struct {
	of    wire.Method
	begun bool   // the header has come
	rest  uint64 // of the body
}

// checkCode checks that the server closes with a code of RabbitMQ's, and with its name.
func checkCode(t *testing.T, e wire.Error, channel bool) {
	t.Helper()
	name, _, _ := strings.Cut(wire.Errorf(e.Code, "").Text, " - ")
	if name == "" || !strings.HasPrefix(e.Text, name+" - ") || e.Soft() != channel || e.Code == wire.InternalError {
		t.Errorf("the server closed with %s; of a channel: %v", e.Error(), channel)
	}
}
