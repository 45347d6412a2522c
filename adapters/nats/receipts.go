package nats

import (
	"bytes"
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

// A message counts as published when the leader of its queue has it, if there is a
// leader: then whatever is done afterwards finds it there, on all connections, as in
// RabbitMQ. A leader says what has come: to its own publisher directly, to others in groups.
// Where nobody leads, the stream's answer is enough.

// receipts are what a feed has to tell others. They belong to the goroutine that brings it messages.
type receipts struct {
	conn    *Conn
	waiting map[string][]byte // by connection: tokens, a comma after each
	n       int
}

// mostReceipts is how many are told at once.
const mostReceipts = 128

// add notes that a message has come. Its id says who wants to know.
func (r *receipts) add(id string) {
	conn, token, ok := wantsReceipt(id)
	if !ok {
		return
	}
	if conn == r.conn.id {
		if n, err := strconv.ParseUint(token, 36, 64); err == nil {
			r.conn.publisher.arrived(n)
		}
		return
	}
	if r.waiting == nil {
		r.waiting = make(map[string][]byte)
	}
	r.waiting[conn] = append(append(r.waiting[conn], token...), ',')
	r.n++
}

// flush tells what is noted, if that is enough, or all of it.
func (r *receipts) flush(all bool) {
	if !all && r.n < mostReceipts {
		return
	}
	for conn, tokens := range r.waiting {
		r.conn.nc.Publish(r.conn.names.receiptSubject(conn), tokens)
		delete(r.waiting, conn) // its space is the client's now
	}
	r.n = 0
}

// messageID is the id of a copy of a message, the same whenever it is sent. An r at its end asks for
// a receipt.
func messageID(conn string, token uint64, receipt bool) string {
	b := make([]byte, 0, len(conn)+16)
	b = append(append(b, conn...), '.')
	b = strconv.AppendUint(b, token, 36)
	if receipt {
		b = append(b, '.', 'r')
	}
	return string(b)
}

func wantsReceipt(id string) (conn, token string, ok bool) {
	id, ok = strings.CutSuffix(id, ".r")
	if !ok {
		return "", "", false
	}
	return strings.Cut(id, ".")
}

// receipt takes what a leader elsewhere says.
func (p *publisher) receipt(m *nats.Msg) {
	for token := range bytes.SplitSeq(m.Data, comma) {
		if n, err := strconv.ParseUint(string(token), 36, 64); err == nil {
			p.arrived(n)
		}
	}
}

var comma = []byte(",")

// arrived notes that a copy is with the leader of its queue: it is stored, too.
func (p *publisher) arrived(token uint64) { p.resolve(token, nil) }

// led reports whether a queue has a leader, as far as is known here; where nothing is known,
// it asks.
func (c *Conn) led(q *queue) bool {
	if q.record.Owner != "" {
		return true
	}
	incarnation := q.record.Incarnation
	c.mu.Lock()
	_, here := c.leaders[incarnation]
	_, there := c.remotes[incarnation]
	nobody := c.leaderless[incarnation]
	c.mu.Unlock()
	if here || there || nobody {
		return here || there
	}
	ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
	defer cancel()
	name, err := c.streamConsumer(ctx, q.stream)
	if err != nil {
		return false // it will be asked again
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	owner, ok := consumerOwner(name)
	if !ok || owner == c.id {
		c.leaderless[incarnation] = true
		return false
	}
	c.remotes[incarnation] = owner
	return true
}

// receiptLate is how long a receipt may take, once a message is stored, until it
// counts as published without: its leader has died.
const receiptLate = 2 * time.Second
