package nats

import (
	"bytes"
	"context"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/gobindery/bindery/adapters/nats/natstest"
	"github.com/gobindery/bindery/pubsub"
)

// lossy is a network that loses messages: its connections read what goes to and fro, and leave out
// what its hooks say. It is a dialer for nats.go.
type lossy struct {
	mu       sync.Mutex
	out, in  func(subject string, body []byte) (lost bool)
	untilNew bool // the hooks go with the next connection
}

// lose sets what is lost of what is sent and of what comes; nil loses nothing. The hooks are called by
// the goroutines that write and read, and must not use the connection.
func (l *lossy) lose(out, in func(subject string, body []byte) bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.out, l.in, l.untilNew = out, in, false
}

// loseUntilNew is lose until the client connects again.
func (l *lossy) loseUntilNew(out, in func(subject string, body []byte) bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.out, l.in, l.untilNew = out, in, true
}

// Dial connects.
func (l *lossy) Dial(network, address string) (net.Conn, error) {
	c, err := net.Dial(network, address)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.untilNew {
		l.out, l.in, l.untilNew = nil, nil, false
	}
	return &lossyConn{Conn: c, net: l}, nil
}

// lossyConn is one connection.
type lossyConn struct {
	net.Conn
	net  *lossy
	sent []byte // the beginning of a frame
	got  []byte // the same, of what comes
	kept []byte // whole frames that Read has not returned
}

// Write sends whole frames.
func (c *lossyConn) Write(b []byte) (int, error) {
	var kept []byte
	c.net.mu.Lock()
	lost := c.net.out
	c.net.mu.Unlock()
	kept, c.sent = sift(append(c.sent, b...), lost)
	if _, err := c.Conn.Write(kept); err != nil {
		return 0, err
	}
	return len(b), nil
}

// Read returns whole frames, piece by piece.
func (c *lossyConn) Read(b []byte) (int, error) {
	for len(c.kept) == 0 {
		n, err := c.Conn.Read(b)
		if err != nil {
			return 0, err
		}
		c.net.mu.Lock()
		lost := c.net.in
		c.net.mu.Unlock()
		c.kept, c.got = sift(append(c.got, b[:n]...), lost)
	}
	n := copy(b, c.kept)
	c.kept = c.kept[n:]
	return n, nil
}

// sift returns the whole frames of NATS's protocol at the beginning of b that are not lost, and what
// follows them.
func sift(b []byte, lost func(subject string, body []byte) bool) (kept, rest []byte) {
	for {
		end := bytes.Index(b, []byte("\r\n"))
		if end < 0 {
			return kept, b
		}
		end += 2
		head := strings.Fields(string(b[:end]))
		whole, drop := end, false
		if len(head) > 2 && (strings.HasSuffix(head[0], "PUB") || strings.HasSuffix(head[0], "MSG")) {
			size, err := strconv.Atoi(head[len(head)-1])
			if err != nil {
				panic("lossy: " + string(b[:end]))
			}
			if whole += size + 2; whole > len(b) {
				return kept, b
			}
			drop = lost != nil && lost(head[1], b[end:end+size])
		}
		if !drop {
			kept = append(kept, b[:whole]...)
		}
		b = b[whole:]
	}
}

// losing connects a test to a vhost until its end, by a network that loses nothing yet.
func losing(t *testing.T, url string) (*lossy, *Conn, *pubsub.Broker) {
	t.Helper()
	l := new(lossy)
	c, err := Open(t.Context(), url, &Options{Client: []nats.Option{nats.SetCustomDialer(l)}})
	if err != nil {
		t.Fatal(err)
	}
	b := pubsub.New(c, nil)
	t.Cleanup(func() {
		l.lose(nil, nil)
		b.Close()
	})
	return l, c, b
}

// newVHost runs a server for a test, and returns the URL of a vhost on it.
func newVHost(t *testing.T) string {
	t.Helper()
	return natstest.RunServer(t).URL() + "/test"
}

// queueOf declares a queue, and returns what a connection knows of it.
func queueOf(t *testing.T, c *Conn, b *pubsub.Broker, q pubsub.Queue) *queue {
	t.Helper()
	if _, err := b.DeclareQueue(t.Context(), q); err != nil {
		t.Fatal(err)
	}
	is, ok := c.topology.table.Load().Queue(q.Name)
	if !ok {
		t.Fatalf("queue %s is not there", q.Name)
	}
	return is
}

// inStream is how many messages a stream has.
func inStream(t *testing.T, c *Conn, stream string) int {
	t.Helper()
	s, err := c.streamState(t.Context(), stream)
	if err != nil {
		t.Fatal(err)
	}
	return s.Messages
}

// becomes waits until something holds, for as long as a busy machine may need.
func becomes(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for late := time.Now().Add(30 * time.Second); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(late) {
			t.Fatalf("not within 30 s: %s", what)
		}
	}
}

// soon is a context for what must not take for ever.
func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// take receives n messages, and acks none.
func take(t *testing.T, c *pubsub.Consumer, n int) (got []pubsub.Delivery) {
	t.Helper()
	ctx := soon(t)
	for range n {
		d, err := c.Receive(ctx)
		if err != nil {
			t.Fatalf("after %d of %d messages: %v", len(got), n, err)
		}
		got = append(got, d)
	}
	return got
}

// publishTo publishes n messages to a queue, each confirmed; their bodies are their numbers.
func publishTo(t *testing.T, b *pubsub.Broker, queue string, n int) {
	t.Helper()
	for i := range n {
		if err := b.Publish(soon(t), "", queue, pubsub.Message{Body: []byte(strconv.Itoa(i))}, pubsub.Mandatory); err != nil {
			t.Fatal(err)
		}
	}
}
