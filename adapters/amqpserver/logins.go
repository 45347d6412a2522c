package amqpserver

import (
	"crypto/subtle"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"
)

// logins slows down who guesses passwords. To let each wrong one wait is not
// enough: a guesser has many connections at once. So only a few of one address
// may wait, and more are refused unseen. A right password never waits.
type logins struct {
	mu      sync.Mutex
	waiting map[netip.Prefix]int // wrong passwords, by where they came from
}

// waitingMost is how many wrong passwords of one address may wait at once.
const waitingMost = 8

// full reports whether as many wrong passwords of an address wait as may.
func (l *logins) full(from netip.Prefix) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.waiting[from] >= waitingMost
}

// add counts wrong passwords that begin to wait, or have waited.
func (l *logins) add(from netip.Prefix, n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.waiting == nil {
		l.waiting = make(map[netip.Prefix]int)
	}
	if l.waiting[from] += n; l.waiting[from] == 0 {
		delete(l.waiting, from)
	}
}

// check returns nil for a right password. A wrong one takes LoginDelay, also if
// the client goes, which else would come again at once. The client is told
// before.
func (c *conn) check(user, password string, tell func()) error {
	s, from := c.server, origin(c.nc.RemoteAddr())
	right := s.Authenticate
	if right == nil {
		right = guest
	}
	slow := s.LoginDelay > 0
	if slow && s.logins.full(from) {
		s.failedLogins.Add(1)
		tell()
		return fmt.Errorf("%w: the password of user %q was not looked at, because %d wrong ones have just come from %v", errHandshake, user, waitingMost, from)
	}
	if right(user, password) {
		return nil
	}
	if slow {
		s.logins.add(from, 1)
		defer s.logins.add(from, -1)
	}
	s.failedLogins.Add(1)
	tell()
	if slow {
		t := time.NewTimer(s.LoginDelay)
		defer t.Stop()
		select {
		case <-t.C:
		case <-s.closing:
		}
	}
	return fmt.Errorf("%w: user %q gave a wrong password, or isn't known", errHandshake, user)
}

func guest(user, password string) bool {
	return user == "guest" && subtle.ConstantTimeCompare([]byte(password), []byte("guest")) == 1
}

// origin is what counts as one address: of IPv6, where a client has many, the
// network. What is no address of a network is the zero Prefix.
func origin(a net.Addr) netip.Prefix {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.Prefix{}
	}
	ip := tcp.AddrPort().Addr().Unmap().WithZone("")
	bits := ip.BitLen()
	if ip.Is6() {
		bits = 64
	}
	p, _ := ip.Prefix(bits) // bits is within bounds
	return p
}
