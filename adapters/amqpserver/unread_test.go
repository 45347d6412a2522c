package amqpserver_test

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobindery/bindery/adapters/amqpserver"
	"github.com/gobindery/bindery/adapters/amqpserver/internal/wire"
)

// heap is how many bytes are in use, garbage aside.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// publish is a whole publish on channel 1.
func publish(m *wire.BasicPublish, body []byte) string {
	return string(wire.AppendContent(nil, 1, 131072, m, &wire.Properties{}, body))
}

// What a client asks for and doesn't read waits where it is: the server
// queues little of it, and reads no more of what the client asks. When it is
// read, all of it comes.
func TestUnreadIsBounded(t *testing.T) {
	const (
		n    = 1000
		size = 64 << 10
		most = 8 << 20 // of n*size, which are 64 MB
	)
	body := make([]byte, size)
	fill := method(1, &wire.QueueDeclare{Queue: "q", NoWait: true}) + strings.Repeat(publish(&wire.BasicPublish{RoutingKey: "q"}, body), n)
	var fan, consume strings.Builder
	for i := range 200 {
		q := fmt.Sprint("q", i)
		fan.WriteString(method(1, &wire.QueueDeclare{Queue: q, NoWait: true}) + method(1, &wire.QueueBind{Queue: q, Exchange: "amq.fanout", NoWait: true}))
		consume.WriteString(method(1, &wire.BasicConsume{Queue: q, NoWait: true}))
	}
	for range 5 {
		fan.WriteString(publish(&wire.BasicPublish{Exchange: "amq.fanout"}, make([]byte, 1<<20))) // shared by the queues
	}
	for _, c := range []struct {
		name, prepare, ask, answer string
		n                          int
	}{
		{"gets", fill, strings.Repeat(method(1, &wire.BasicGet{Queue: "q"}), n), "basic.get-ok", n},
		{"a consumer", fill, method(1, &wire.BasicConsume{Queue: "q", NoWait: true}), "basic.deliver", n},
		{"200 consumers", fan.String(), consume.String(), "basic.deliver", 100},
		{"returns", "", strings.Repeat(publish(&wire.BasicPublish{RoutingKey: "nowhere", Mandatory: true}, body), n), "basic.return", n},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client := servePipes(t, &amqpserver.Server{}).dial(t)
				client.open()
				client.send(c.prepare + method(1, &wire.BasicQos{}))
				client.expect("basic.qos-ok")
				ask, before := []byte(c.ask), heap()
				var asking sync.WaitGroup
				asking.Go(func() { client.nc.Write(ask) }) // as far as it is read
				for i := range c.n {
					if i < 10 {
						synctest.Wait() // the server waits for the client
						if grown := heap() - before; grown > most {
							t.Errorf("%d bytes wait for a client that has read %d answers", grown, i)
						}
					}
					client.expect(c.answer)
					client.content()
				}
				client.nc.Close()
				asking.Wait()
			})
		})
	}
}

// content reads what comes after a method with content, and returns the body.
func (c *rawClient) content() (body []byte) {
	c.t.Helper()
	f, err := c.in.Next()
	if err != nil {
		c.t.Fatal(err)
	}
	h, err := wire.DecodeHeader(f.Payload, &wire.BasicDeliver{})
	if err != nil {
		c.t.Fatal(err)
	}
	for uint64(len(body)) < h.Size {
		if f, err = c.in.Next(); err != nil {
			c.t.Fatal(err)
		}
		body = append(body, f.Payload...)
	}
	return body
}

// A large message that many get and nobody reads waits once, and each gets it
// whole when it reads, in frames of the size that it agreed to.
func TestUnreadShareMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := servePipes(t, &amqpserver.Server{})
		const clients, size = 20, 4<<20 + 1
		body := make([]byte, size)
		for i := range body {
			body[i] = byte(i * 7 >> 3)
		}
		publisher := server.dial(t)
		publisher.open()
		var all []*rawClient
		for i := range clients {
			c := server.dial(t)
			frameMax := [...]uint32{4096, 50_000, 131_072}[i%3]
			c.send(header091 + startOk("PLAIN", "\x00guest\x00guest", nil) + tuneOk(2047, frameMax) + method(0, &wire.ConnectionOpen{VirtualHost: "/"}) + method(1, &wire.ChannelOpen{}))
			c.expect("connection.start", "connection.tune", "connection.open-ok", "channel.open-ok")
			c.in = wire.NewReader(c.nc, frameMax)
			q := fmt.Sprint("q", i)
			c.send(method(1, &wire.QueueDeclare{Queue: q, NoWait: true}) + method(1, &wire.QueueBind{Queue: q, Exchange: "amq.fanout"}))
			c.expect("queue.bind-ok")
			all = append(all, c)
		}
		publisher.send(publish(&wire.BasicPublish{Exchange: "amq.fanout"}, body))
		synctest.Wait()
		before := heap()
		for i, c := range all {
			c.send(method(1, &wire.BasicGet{Queue: fmt.Sprint("q", i), NoAck: true}) + method(1, &wire.BasicQos{}))
		}
		synctest.Wait()
		if grown := heap() - before; grown > size {
			t.Errorf("%d clients that read nothing take %d bytes of a message of %d", clients, grown, size)
		}
		for _, c := range all {
			c.expect("basic.get-ok")
			if !bytes.Equal(c.content(), body) {
				t.Error("a body came otherwise than it was sent")
			}
			c.expect("basic.qos-ok")
		}
	})
}

// Who reads slowly is served, however much waits for it. Who reads nothing is
// closed after WriteTimeout.
func TestSlowReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const timeout = 10 * time.Second
		client := servePipes(t, &amqpserver.Server{WriteTimeout: timeout, Heartbeat: -1}).dial(t)
		client.in = wire.NewReader(slow{client.nc, timeout / 20}, 131072)
		client.open()
		client.send(method(1, &wire.QueueDeclare{Queue: "q", NoWait: true}) + publish(&wire.BasicPublish{RoutingKey: "q"}, make([]byte, 4<<20)))
		client.send(method(1, &wire.BasicGet{Queue: "q", NoAck: true}))
		client.expect("basic.get-ok")
		client.content() // takes 500 s
		client.send(method(1, &wire.QueueDeclare{Queue: "q", Passive: true}))
		client.expect("queue.declare-ok")

		client.send(method(1, &wire.QueueDeclare{Queue: "q", Passive: true}))
		began := time.Now()
		synctest.Wait()
		time.Sleep(timeout + 1)
		client.expect(closed)
		if took := time.Since(began); took > timeout+time.Second {
			t.Errorf("who reads nothing was closed after %v", took)
		}
	})
}

// slow reads a little at a time.
type slow struct {
	io.Reader
	pause time.Duration
}

func (s slow) Read(b []byte) (int, error) {
	time.Sleep(s.pause)
	return s.Reader.Read(b[:min(len(b), 4<<10)])
}

// After a heartbeat an idle connection does not keep what a burst of
// deliveries took.
func TestIdleKeepsLittle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := servePipes(t, &amqpserver.Server{})
		before := heap()
		const clients = 50
		for range clients {
			client := server.dial(t)
			client.send(strings.Join(preparations()[:opened-1], ""))
			client.expect("connection.start", "connection.tune", "connection.open-ok", "channel.open-ok")
			client.send(string(wire.AppendContent(nil, 1, 4096, &wire.BasicPublish{RoutingKey: "nowhere", Mandatory: true}, &wire.Properties{}, make([]byte, 200<<10))))
			client.expect("basic.return")
			client.content()
			go io.Copy(io.Discard, client.nc)
		}
		time.Sleep(31 * time.Second) // half of 60 s, and a bit
		if kept := heap() - before; kept > clients*100<<10 {
			t.Errorf("an idle connection keeps %d KiB", kept/clients>>10)
		}
	})
}
