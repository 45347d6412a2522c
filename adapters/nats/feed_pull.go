package nats

import (
	"encoding/json"
	"time"

	"github.com/nats-io/nats.go"
)

// A request for messages is good for so long, the server tells that it is alive so often
// meanwhile, and it asks for so many at most.
const (
	pullExpires   = 60 * time.Second
	pullHeartbeat = 5 * time.Second
	pullMost      = 1024
)

// want asks for messages if there is room, and none are to come: the server serves
// requests in turns, so that with two it would be unknown how many bytes are left of each.
func (f *feed) want() {
	room := min(f.room(), pullMost)
	if room <= 0 {
		return // as for each message, while the window is full
	}
	most := f.conn.pullBytes()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.consumer == "" || f.sub == nil || f.outstanding > 0 {
		return
	}
	if f.tooLarge { // the server has taken larger ones before
		room, most, f.tooLarge = 1, 0, false
	}
	f.outstanding, f.allowance, f.fruitless = room, most, true
	f.request(room, most)
}

// pullBytes is how many bytes a feed asks for at once. A server closes the connection of a
// client that it has too much for (max_pending, 64 MiB by default), and so all
// feeds together ask for half of that, but each for the largest message at least.
func (c *Conn) pullBytes() int {
	const (
		all      = 32 << 20
		overhead = 64 << 10 // subjects, which don't count in a message's size
	)
	c.mu.Lock()
	feeds := len(c.leaders) + 1 // and the one of the exclusive queues
	c.mu.Unlock()
	return max(all/feeds, c.limit+overhead)
}

func (f *feed) request(n, bytes int) {
	body, _ := json.Marshal(struct {
		Batch     int           `json:"batch"`
		MaxBytes  int           `json:"max_bytes,omitempty"`
		Expires   time.Duration `json:"expires"`
		Heartbeat time.Duration `json:"idle_heartbeat"`
	}{n, bytes, pullExpires, pullHeartbeat})
	f.conn.nc.PublishRequest(f.pull, f.inbox, body) // tend asks again if it fails
}

// came counts what came of what was asked for. Where it has as many bytes as were asked for, the
// server says nothing more. The caller holds the lock.
func (f *feed) came(size int) {
	f.fruitless = false
	f.outstanding = max(0, f.outstanding-1)
	if f.allowance == 0 {
		return
	}
	if f.allowance -= size; f.allowance <= 0 {
		f.outstanding, f.allowance = 0, 0
	}
}

// status deals with what the server says about a request for messages.
func (f *feed) status(m *nats.Msg, status string) {
	f.mu.Lock()
	f.heard = time.Now()
	text := m.Header.Get("Description")
	if status == "100" {
		f.mu.Unlock()
		return
	}
	full := text == "Message Size Exceeds MaxBytes"
	f.outstanding, f.tooLarge = 0, full && f.fruitless
	f.mu.Unlock()
	if full || status == "408" || status == "404" {
		f.want()
		return
	}
	// The consumer is deleted, or moved to another server, or nobody answers.
	f.conn.log.Debug("a pull ended", "stream", f.stream, "status", status, "description", text)
	f.check(false)
}
