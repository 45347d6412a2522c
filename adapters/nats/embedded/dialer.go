package embedded

import (
	"net"
	"net/url"
	"sync"
	"time"
)

// dialer dials a folder's server, wherever it is now, for one connection.
type dialer struct {
	folder *folder

	mu   sync.Mutex
	last *url.URL // what was dialed last
}

// dialTimeout is how long one attempt may take; nats.go makes others.
const dialTimeout = 2 * time.Second

// Dial dials the server, which may have moved to another process since the last time; if nobody
// runs it, this one does from now on. The address is not used.
func (d *dialer) Dial(network, _ string) (net.Conn, error) {
	u, err := d.folder.find()
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	d.last = u
	d.mu.Unlock()
	return net.DialTimeout(network, u.Host, dialTimeout)
}

// token is that of the server dialed last.
func (d *dialer) token() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.last == nil {
		return ""
	}
	return d.last.User.Username()
}
