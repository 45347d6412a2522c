package amqpserver_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing/synctest"

	"github.com/gobindery/bindery/adapters/amqpserver/internal/wire"
)

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
