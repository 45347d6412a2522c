package amqpserver_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/gobindery/bindery/adapters/amqpserver"
	"github.com/gobindery/bindery/adapters/amqpserver/internal/wire"
	"github.com/gobindery/bindery/adapters/memory"
)

// checkNothingLeft checks that all that a client had is given back: with
// another client there, or none.
func checkNothingLeft(t *testing.T, broker *memory.Server, s amqpserver.Stats, another bool) {
	t.Helper()
	b := broker.Connect(nil)
	defer b.Close()
	top, err := b.Topology(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range top.Queues {
		if q.Consumers+q.Unacked > 0 || q.Exclusive {
			t.Errorf("left with the client gone: %+v", q)
		}
	}
	want := 0
	if another {
		want = 1
	}
	if s.Connections != want || s.Channels != want || s.Consumers+s.Blocked != 0 || s.Confirmed+s.Refused > s.Published || s.Acked+s.Requeued+s.Rejected > s.Delivered {
		t.Errorf("figures with the client gone: %+v", s)
	}
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
	open := map[uint16]bool{0: true}
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
			case *wire.ChannelOpenOk:
				open[f.Channel] = true
			case *wire.ChannelCloseOk: // also to one that is closed, if both closed it at once
				open[f.Channel] = false
				continue
			case *wire.ConnectionCloseOk:
				last = wire.Name(m)
			case *wire.ConnectionClose:
				checkCode(t, wire.Error{Code: m.ReplyCode, Text: m.ReplyText}, false)
			case *wire.ChannelClose:
				checkCode(t, wire.Error{Code: m.ReplyCode, Text: m.ReplyText}, true)
				if open[f.Channel] {
					open[f.Channel] = false
					continue
				}
			case *wire.BasicDeliver, *wire.BasicGetOk, *wire.BasicReturn:
				contents[f.Channel] = &content{of: m}
			}
			if !open[f.Channel] {
				t.Fatalf("the server sent %s on channel %d, which is closed", wire.Name(m), f.Channel)
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
