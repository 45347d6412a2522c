package amqpserver_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobindery/bindery/adapters/amqpserver"
	"github.com/gobindery/bindery/adapters/amqpserver/internal/wire"
	"github.com/gobindery/bindery/adapters/memory"
)

// Whatever two clients send, what they get are whole frames that make sense;
// their connections end with them, and leave nothing behind; and another client
// is served. The input is how a script is sent, and the script, see there. A
// bubble of synctest panics where anything waits forever.
func FuzzSession(f *testing.F) {
	for i := range instructions {
		f.Add(uint8(i%8), uint8(i/8), []byte{0, byte(i), 0, 1, 0, byte(i)})
	}
	for i := range spoils {
		f.Add(uint8(i%8), uint8(i/8), []byte{63, byte(i)})
	}
	r := rand.New(rand.NewPCG(1, 2))
	for i := range 100 {
		b := make([]byte, 1000)
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		f.Add(uint8(i), uint8(i>>4), b)
	}
	f.Fuzz(func(t *testing.T, together, end uint8, b []byte) {
		script := newScript(b)
		synctest.Test(t, func(t *testing.T) {
			s := &amqpserver.Server{}
			server := servePipes(t, s)
			other := server.dial(t)
			other.open()

			var clients [2]*scripted
			for i := range clients {
				clients[i] = &scripted{nc: server.dial(t).nc, held: make(map[byte][]uint64), ended: make(chan struct{})}
				go clients[i].read()
			}
			play(&clients, script, 1+int(together%8))
			switch end % 4 {
			default: // the server ends them
				wait := time.After(5 * time.Minute) // or they agreed to long heartbeats, or to none
				for _, c := range clients {
					select {
					case <-c.ended:
						c.whole = true
					case <-wait:
						wait = time.After(0)
					}
				}
			case 2: // the clients go at once
			case 3:
				works(other)
				other.nc.Close()
				if err := s.Shutdown(t.Context()); err != nil {
					t.Errorf("the server does not shut down: %v", err)
				}
				clients[0].whole, clients[1].whole = true, true
			}
			for _, c := range clients {
				c.nc.Close()
				<-c.ended
				checkAnswers(t, c.got, c.whole)
			}
			synctest.Wait()
			checkNothingLeft(t, server.broker, s.Stats(), end%4 != 3)
			if end%4 != 3 {
				works(other)
				again := server.dial(t)
				again.open()
				works(again)
			}
		})
	})
}

// scripted is a client that does what a script says, and what any would do to
// go on: it opens a channel again that the server closed.
type scripted struct {
	nc      net.Conn
	done    int               // how much of what came was looked at
	address string            // of direct reply-to, once there is one
	held    map[byte][]uint64 // deliveries by channel
	ended   chan struct{}
	whole   bool // the server has sent all that it had

	mu  sync.Mutex
	got []byte // what came
}

// read takes in all that the server sends.
func (c *scripted) read() {
	defer close(c.ended)
	var buf [4 << 10]byte
	for {
		n, err := c.nc.Read(buf[:])
		c.mu.Lock()
		c.got = append(c.got, buf[:n]...)
		c.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// play sends a script's frames, some of them together.
func play(clients *[2]*scripted, s *script, together int) {
	for i, f := range s.frames {
		if i%together == 0 {
			look(clients)
		}
		c := clients[s.by[i]]
		if f = c.fill(f); f != "" {
			io.WriteString(c.nc, f) // who was closed sends no more
		}
	}
	look(clients)
}

// look waits until the server has done all, and does what the answers call for.
// A client tells the other its address for replies.
func look(clients *[2]*scripted) {
	synctest.Wait()
	for i, c := range clients {
		c.look()
		if c.address != "" {
			clients[1-i].address = c.address
		}
	}
}

// fill puts what the server chose where a script has what stands for it, or
// returns nothing where there is none.
func (c *scripted) fill(f string) string {
	if c.address != "" {
		f = strings.ReplaceAll(f, replyAddress, c.address)
	}
	i := strings.Index(f, "heldtag")
	if i < 0 || i+8 > len(f) {
		return f
	}
	held := c.held[f[2]]
	if len(held) == 0 {
		return ""
	}
	n := int(f[i+7]) % len(held)
	tag := binary.BigEndian.AppendUint64([]byte(f[:i]), held[n])
	c.held[f[2]] = slices.Delete(slices.Clone(held), n, n+1)
	return string(tag) + f[i+8:]
}

// look does what the last answers call for.
func (c *scripted) look() {
	c.mu.Lock()
	in := wire.NewReader(bytes.NewReader(c.got[c.done:]), 131072)
	c.done = len(c.got)
	c.mu.Unlock()
	for {
		f, err := in.Next()
		if err != nil {
			return
		}
		if i := bytes.Index(f.Payload, []byte(replies+".")); i >= 0 && len(f.Payload) >= i+len(replyAddress) {
			c.address = string(f.Payload[i : i+len(replyAddress)])
		}
		if f.Type != wire.FrameMethod {
			continue
		}
		m, _ := wire.DecodeMethod(f.Payload)
		id := byte(f.Channel)
		switch m := m.(type) {
		case *wire.BasicDeliver:
			c.held[id] = append(c.held[id], m.DeliveryTag)
		case *wire.BasicGetOk:
			c.held[id] = append(c.held[id], m.DeliveryTag)
		case *wire.ChannelClose:
			delete(c.held, id)
			io.WriteString(c.nc, method(f.Channel, &wire.ChannelCloseOk{})+method(f.Channel, &wire.ChannelOpen{}))
		}
	}
}

// works checks that a client is served.
func works(c *rawClient) {
	c.t.Helper()
	c.send(method(1, &wire.QueueDeclare{Queue: "works"}))
	c.expect("queue.declare-ok")
	c.send(publish(&wire.BasicPublish{RoutingKey: "works"}, []byte("body")) + method(1, &wire.BasicGet{Queue: "works", NoAck: true}))
	c.expect("basic.get-ok")
	c.content()
	c.send(method(1, &wire.QueueDelete{Queue: "works"}))
	c.expect("queue.delete-ok")
}

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
