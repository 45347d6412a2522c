package amqpserver_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobindery/bindery/adapters/amqpserver"
	"github.com/gobindery/bindery/adapters/amqpserver/internal/wire"
	"github.com/gobindery/bindery/pubsub"
	amqp "github.com/rabbitmq/amqp091-go"
	"go.uber.org/goleak"
)

// hostilities are what clients may do to a server. In a bubble of synctest,
// bounds_test.go and unread_test.go have the bounds of one client exactly; here
// are many, over TCP.
// Their number is for every test run, and for make hostile.
var hostilities = []struct {
	name      string
	few, many int
	begin     func(a *attack)
	shared    int // MiB of heap for all
	each      int // KiB of heap for a client, both its ends
}{
	{"idle connections", 200, 5000, (*attack).idle, 16, 96},
	{"handshakes that stop at each byte", 150, 5000, (*attack).stopHandshakes, 16, 96},
	{"1 KB/s, in the handshake and after it", 100, 500, (*attack).dribble, 16, 192},
	{"consumers that read nothing", 20, 300, func(a *attack) { a.consumeUnread(512, 64<<10) }, 64, 1024},
	{"consumers that read nothing of large messages", 20, 300, func(a *attack) { a.consumeUnread(4, 8<<20) }, 64, 1024},
	{"returns that nobody reads", 20, 300, (*attack).returnUnread, 16, 2048},
	{"2,046 channels, each promised 100 MB", 5, 50, (*attack).promise, 16, 4096},
	{"2,046 channels that fail and are not closed", 5, 50, (*attack).failChannels, 16, 4096},
	{"connections that come and go", 500, 10_000, (*attack).comeAndGo, 16, 0},
	{"connections that are closed and held", 100, 2000, (*attack).holdClosed, 16, 96},
}

// hostileVariable makes the clients many.
const hostileVariable = "BINDERY_HOSTILE"

// Beside clients that mean no good a working one is served, one more can come,
// and the server's memory stays in proportion; when they are gone, so is all
// that the server had for them.
func TestHostileClients(t *testing.T) {
	many := os.Getenv(hostileVariable) != ""
	for _, h := range hostilities {
		t.Run(h.name, func(t *testing.T) {
			n, pause := h.few, 10*time.Millisecond
			if many {
				n, pause = h.many, 100*time.Millisecond
			}
			// TestHandshakeDeadline is of who takes too long.
			addr := serveAs(t, &amqpserver.Server{HandshakeTimeout: time.Hour})
			a := &attack{t: t, addr: addr, n: n, pause: pause, worker: newWorker(t, addr), rounds: make(chan struct{})}
			a.worker.work(t, 50)
			before := heap()

			h.begin(a)
			slowest := a.worker.work(t, 50)
			for range a.rounds { // those of attacks that go on
				slowest = max(slowest, a.worker.work(t, 1))
			}
			newWorker(t, addr).work(t, 10)
			after := heap()
			if most := before + int64(h.shared)<<20 + int64(n*h.each)<<10; after > most {
				t.Errorf("%d clients take %d KiB of heap; want %d KiB at most", n, (after-before)>>10, (most-before)>>10)
			}
			if many {
				debug.FreeOSMemory()
				t.Logf("%d clients: %.1f MiB of heap, %.1f KiB each; resident: %.0f MiB (both ends of all); slowest of the working client's messages: %v",
					n, float64(after-before)/(1<<20), float64(after-before)/1024/float64(n), float64(resident(t))/(1<<20), slowest)
			}
			a.end()
		})
		goleak.VerifyNone(t)
	}
}

// attack is what n hostile clients do.
type attack struct {
	t      *testing.T
	addr   string
	n      int
	pause  time.Duration // of those that write slowly
	worker *worker       // not one of them
	rounds chan struct{} // gets one for each round of an attack that goes on; closed when it has gone on for long

	conns   []net.Conn
	running sync.WaitGroup // those that write
}

// end ends all connections, and waits for who writes to them.
func (a *attack) end() {
	for _, nc := range a.conns {
		nc.Close()
	}
	a.running.Wait()
}

// dial returns a client that has all the time it wants.
func (a *attack) dial() *rawClient {
	a.t.Helper()
	c := dialRaw(a.t, a.addr)
	a.conns = append(a.conns, c.nc)
	return c
}

// open returns one that has opened channel 1.
func (a *attack) open() *rawClient {
	a.t.Helper()
	c := a.dial()
	c.open()
	c.nc.SetDeadline(time.Time{})
	return c
}

func (a *attack) idle() {
	for range a.n {
		a.open()
	}
	close(a.rounds)
}

// handshake is all that a client says in it, some of it at length.
var handshake = header091 + startOk("PLAIN", "\x00guest\x00guest", pubsub.Table{"information": strings.Repeat("x", 3500)}) +
	tuneOk(2047, 131072) + method(0, &wire.ConnectionOpen{VirtualHost: "/"}) + method(1, &wire.ChannelOpen{})

func (a *attack) stopHandshakes() {
	for i := range a.n {
		a.dial().send(handshake[:i%len(handshake)])
	}
	close(a.rounds)
}

// dribble goes through the handshake, publishes a large message and never
// comes to an end of it.
func (a *attack) dribble() {
	begin := handshake + method(1, &wire.BasicPublish{}) + contentHeader(60, 0, 100<<20, "\x00\x00")
	body := frame(wire.FrameBody, 1, strings.Repeat("x", 4000))
	for range a.n {
		a.dial()
	}
	for _, nc := range a.conns {
		nc.SetDeadline(time.Time{})
	}
	const pace = 100 // bytes of a client in a round
	rounds := (len(begin) + 2*len(body)) / pace
	tick := time.NewTicker(a.pause)
	a.running.Go(func() {
		defer tick.Stop()
		defer close(a.rounds)
		for i := range 2 * rounds {
			for j, nc := range a.conns {
				// Each is somewhere else: some are within the handshake at any time.
				at := i - rounds*j/len(a.conns)
				if at < 0 {
					continue
				}
				var b strings.Builder
				for k := at * pace; k < (at+1)*pace; k++ {
					if k < len(begin) {
						b.WriteByte(begin[k])
					} else {
						b.WriteByte(body[(k-len(begin))%len(body)])
					}
				}
				if _, err := io.WriteString(nc, b.String()); err != nil && !errors.Is(err, net.ErrClosed) {
					a.t.Errorf("a client that writes slowly is closed: %v", err)
					return
				}
			}
			<-tick.C
			a.rounds <- struct{}{}
		}
	})
}

// unread makes the system take in little for a client, so that what it doesn't
// read is the server's to keep.
func (a *attack) unread() *rawClient {
	a.t.Helper()
	c := a.open()
	if err := c.nc.(*net.TCPConn).SetReadBuffer(4 << 10); err != nil {
		a.t.Fatal(err)
	}
	return c
}

func (a *attack) consumeUnread(messages, size int) {
	for i := range a.n {
		q := fmt.Sprint("unread", i)
		c := a.unread()
		c.send(method(1, &wire.QueueDeclare{Queue: q, Exclusive: true, NoWait: true}) + method(1, &wire.QueueBind{Queue: q, Exchange: "amq.fanout", NoWait: true}))
		c.send(method(1, &wire.BasicConsume{Queue: q, NoAck: true}))
		c.expect("basic.consume-ok")
	}
	// The queues share the messages.
	body := make([]byte, size)
	for range messages {
		if err := a.worker.ch.Publish("amq.fanout", "", false, false, amqp.Publishing{Body: body}); err != nil {
			a.t.Fatal(err)
		}
	}
	close(a.rounds)
}

func (a *attack) returnUnread() {
	flood := []byte(strings.Repeat(publish(&wire.BasicPublish{RoutingKey: "nowhere", Mandatory: true}, make([]byte, 64<<10)), 16))
	for range a.n {
		c := a.unread()
		a.running.Go(func() {
			for { // until the server reads no more, and then the end
				if _, err := c.nc.Write(flood); err != nil {
					return
				}
			}
		})
	}
	close(a.rounds)
}

// channels are those that a client opens beside the first.
const channels = 2046

func (a *attack) promise() {
	header := contentHeader(60, 0, 100<<20, "\x00\x00")
	a.eachChannel(func(id uint16) string { return method(id, &wire.BasicPublish{}) + onChannel(id, header) })
}

func (a *attack) failChannels() {
	a.eachChannel(func(id uint16) string { return method(id, &wire.QueueDeclare{Queue: "none", Passive: true}) })
}

// eachChannel opens all channels of all clients, and sends something on each.
func (a *attack) eachChannel(then func(id uint16) string) {
	for range a.n {
		c := a.open()
		a.running.Go(func() { io.Copy(io.Discard, c.nc) })
		for id := uint16(2); id < 2+channels; id++ {
			c.send(method(id, &wire.ChannelOpen{}) + then(id))
		}
	}
	close(a.rounds)
}

func (a *attack) comeAndGo() {
	var first error
	for i := range a.n {
		nc, err := net.Dial("tcp", a.addr)
		if err != nil {
			first = errors.Join(first, err)
			break
		}
		io.WriteString(nc, handshake[:i%len(handshake)])
		nc.Close()
	}
	if first != nil {
		a.t.Error(first)
	}
	close(a.rounds)
}

func (a *attack) holdClosed() {
	for range a.n {
		c := a.open()
		c.send(method(0, &wire.ConnectionClose{}))
		c.expect("connection.close-ok")
	}
	close(a.rounds)
}

// resident returns how many bytes of this process are in memory, zero where
// the system doesn't say.
func resident(t *testing.T) int {
	b, err := os.ReadFile("/proc/self/statm")
	if errors.Is(err, os.ErrNotExist) {
		return 0
	} else if err != nil {
		t.Fatal(err)
	}
	var size, pages int
	fmt.Sscan(string(b), &size, &pages)
	return pages * os.Getpagesize()
}
