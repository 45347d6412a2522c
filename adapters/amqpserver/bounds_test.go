package amqpserver_test

import (
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobindery/bindery/adapters/amqpserver"
	"github.com/gobindery/bindery/adapters/amqpserver/internal/wire"
)

// A content header promises a body, and no memory is taken for it.
func TestPromisedBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := servePipes(t, &amqpserver.Server{}).dial(t)
		client.open()
		header := contentHeader(60, 0, 100<<20, "\x00\x00")
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		const channels = 500 // which are promised 50 GB
		for id := uint16(2); id < 2+channels; id++ {
			client.send(method(id, &wire.ChannelOpen{}) + method(id, &wire.BasicPublish{}) + onChannel(id, header))
			client.expect("channel.open-ok")
		}
		synctest.Wait()
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; took > 32<<20 {
			t.Errorf("%d bytes were allocated for %d headers", took, channels)
		}
	})
}

// onChannel returns a frame as one of another channel.
func onChannel(id uint16, frame string) string {
	return frame[:1] + string([]byte{byte(id >> 8), byte(id)}) + frame[3:]
}

// A client has HandshakeTimeout for all of its handshake, wherever it stops
// and however slowly its bytes come.
func TestHandshakeDeadline(t *testing.T) {
	const timeout = 10 * time.Second
	whole := header091 + startOk("PLAIN", "\x00guest\x00guest", nil) + tuneOk(2047, 131072) + method(0, &wire.ConnectionOpen{VirtualHost: "/"})
	closes := func(name, first, slowly string) {
		synctest.Test(t, func(t *testing.T) {
			client := servePipes(t, &amqpserver.Server{HandshakeTimeout: timeout}).dial(t)
			began := time.Now()
			var sending sync.WaitGroup
			sending.Go(func() {
				io.WriteString(client.nc, first)
				for i := range slowly {
					time.Sleep(timeout / 20)
					if _, err := io.WriteString(client.nc, slowly[i:i+1]); err != nil {
						return
					}
				}
			})
			io.Copy(io.Discard, client.nc)
			if took := time.Since(began); took != timeout {
				t.Errorf("%s: it was closed after %v, want %v", name, took, timeout)
			}
			sending.Wait()
		})
	}
	for n := range len(whole) {
		closes(fmt.Sprintf("%d of %d bytes", n, len(whole)), whole[:n], "")
	}
	for _, n := range []int{0, len(header091), len(whole) / 2} {
		closes(fmt.Sprintf("%d of %d bytes, and the rest one by one", n, len(whole)), whole[:n], whole[n:])
	}
}

// Any byte ends a silence: a frame may take longer to come than the client may
// be silent. One that says nothing more is closed.
func TestSlowFrame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := servePipes(t, &amqpserver.Server{}).dial(t)
		client.send(header091)
		client.expect("connection.start")
		client.send(startOk("PLAIN", "\x00guest\x00guest", nil))
		client.expect("connection.tune")
		const heartbeat, silence = 2, 5 * time.Second // two heartbeats are missing, and a half
		client.send(method(0, &wire.ConnectionTuneOk{ChannelMax: 1, FrameMax: 4096, Heartbeat: heartbeat}) + method(0, &wire.ConnectionOpen{VirtualHost: "/"}))
		client.expect("connection.open-ok")
		answers := make(chan string)
		go func() {
			for last := ""; last != closed; {
				f, err := client.in.Next()
				last = closed
				if err == nil && f.Type == wire.FrameHeartbeat {
					last = "heartbeat"
					continue
				}
				if m, _ := wire.DecodeMethod(f.Payload); err == nil {
					last = wire.Name(m)
				}
				answers <- last
			}
		}()
		for _, b := range []byte(method(1, &wire.ChannelOpen{})) {
			time.Sleep(silence - time.Millisecond)
			client.send(string([]byte{b}))
		}
		if got := <-answers; got != "channel.open-ok" {
			t.Errorf("a frame that came slowly got %s", got)
		}
		began := time.Now()
		if got := <-answers; got != closed || time.Since(began) != silence {
			t.Errorf("a silent client got %s after %v; want the end after %v", got, time.Since(began), silence)
		}
	})
}

// An ack of the greatest tag there is, which a loop up to it never passes.
func TestLastTagInTransaction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, multiple := range []bool{false, true} {
			client := servePipes(t, &amqpserver.Server{}).dial(t)
			client.open()
			client.send(method(1, &wire.TxSelect{}) + method(1, &wire.BasicAck{DeliveryTag: 1<<64 - 1, Multiple: multiple}))
			client.expect("tx.select-ok", "channel.close")
		}
	})
}

// Of a message whose header came before the server ran short of memory, no
// more of the body is read at twice the limit.
func TestAlarmWithinBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var used atomic.Int64
		const limit = 10 << 20
		client := servePipes(t, &amqpserver.Server{MemoryLimit: limit, MemoryUsed: used.Load}).dial(t)
		client.open()
		body := make([]byte, limit)
		whole := publish(&wire.BasicPublish{Exchange: "amq.fanout"}, body)
		const begun = 1 << 20
		client.send(whole[:begun])
		used.Store(2 * limit)
		time.Sleep(time.Second) // the server sees it

		sent := make(chan struct{})
		rest := &counting{Reader: strings.NewReader(whole[begun:])}
		go func() {
			defer close(sent)
			io.CopyBuffer(struct{ io.Writer }{client.nc}, rest, make([]byte, 4<<10))
		}()
		synctest.Wait()
		if n := rest.n.Load(); n > 1<<20 {
			t.Errorf("%d bytes were read while the server is short of memory", n)
		}
		used.Store(limit)
		<-sent // it may go on, or never give back what it takes
		client.send(method(1, &wire.BasicQos{}))
		client.expect("basic.qos-ok")
	})
}

// counting counts what is read.
type counting struct {
	io.Reader
	n atomic.Int64
}

func (c *counting) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	c.n.Add(int64(n))
	return n, err
}
