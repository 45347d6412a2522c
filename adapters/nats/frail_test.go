package nats_test

import (
	"bytes"
	"errors"
	"net"
	"strconv"
	"strings"
	"sync"
)

// frail is a network that can be cut before a given request to JetStream: its connections
// read what the client writes, and count. It is a dialer for nats.go.
type frail struct {
	mu       sync.Mutex
	armed    bool
	left     int      // how many requests pass yet
	requests []string // the subjects of those that have passed since it was armed
	conns    []net.Conn
	dead     chan struct{} // closed when it is cut
}

var errCut = errors.New("the network is cut")

func newFrail() *frail { return &frail{dead: make(chan struct{})} }

// arm lets n more requests pass.
func (f *frail) arm(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.armed, f.left, f.requests = true, n, nil
}

// passed returns the requests that have passed since arm.
func (f *frail) passed() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.requests
}

// Dial connects, unless the network is cut.
func (f *frail) Dial(network, address string) (net.Conn, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.isDead() {
		return nil, errCut
	}
	c, err := net.Dial(network, address)
	if err != nil {
		return nil, err
	}
	f.conns = append(f.conns, c)
	return &frailConn{Conn: c, net: f}, nil
}

func (f *frail) isDead() bool {
	select {
	case <-f.dead:
		return true
	default:
		return false
	}
}

// cut ends all connections.
func (f *frail) cut() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.cutLocked()
}

func (f *frail) cutLocked() {
	if f.isDead() {
		return
	}
	close(f.dead)
	for _, c := range f.conns {
		c.Close()
	}
}

// pass reports whether a command to the server may pass. It cuts the network otherwise.
func (f *frail) pass(subject string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.isDead() {
		return false
	}
	if !f.armed || !strings.HasPrefix(subject, "$JS.API.") && !strings.HasPrefix(subject, "$KV.") {
		return true
	}
	if f.left == 0 {
		f.cutLocked()
		return false
	}
	f.left--
	f.requests = append(f.requests, subject)
	return true
}

// frailConn is one connection.
type frailConn struct {
	net.Conn
	net  *frail
	rest []byte // the beginning of a command
}

// Write sends whole commands, as long as they may pass.
func (c *frailConn) Write(b []byte) (int, error) {
	c.rest = append(c.rest, b...)
	for {
		n, subject := command(c.rest)
		if n == 0 {
			return len(b), nil
		}
		if !c.net.pass(subject) {
			return 0, errCut
		}
		if _, err := c.Conn.Write(c.rest[:n]); err != nil {
			return 0, err
		}
		c.rest = c.rest[n:]
	}
}

// command returns the length of the first command of the client protocol, with its
// payload, and its subject if it publishes. The length is 0 if it isn't complete.
func command(b []byte) (n int, subject string) {
	end := bytes.Index(b, []byte("\r\n"))
	if end < 0 {
		return 0, ""
	}
	n = end + 2
	fields := strings.Fields(string(b[:end]))
	if len(fields) > 2 && (strings.EqualFold(fields[0], "PUB") || strings.EqualFold(fields[0], "HPUB")) {
		size, err := strconv.Atoi(fields[len(fields)-1])
		if err != nil {
			panic("frail: " + string(b[:end]))
		}
		n, subject = n+size+2, fields[1]
	}
	if n > len(b) {
		return 0, ""
	}
	return n, subject
}
