package amqpserver

import (
	"errors"
	"net"
	"slices"
	"syscall"
	"time"
)

// scarce are errors of accept that pass: the system has none left of what a
// connection takes, or its client has gone already.
var scarce = []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.ECONNABORTED}

// acceptPause is the longest pause until the next try.
const acceptPause = time.Second

// accept waits for a client. While there is no place for one, those that are
// connected are served.
func (s *Server) accept(l net.Listener) (net.Conn, error) {
	for pause := 5 * time.Millisecond; ; pause = min(2*pause, acceptPause) {
		nc, err := l.Accept()
		passes := func(e error) bool { return errors.Is(err, e) }
		if err == nil || !slices.ContainsFunc(scarce, passes) {
			return nc, err
		}
		s.warn("can't accept a connection; trying again", "address", l.Addr().String(), "pause", pause, "error", err)
		t := time.NewTimer(pause)
		select {
		case <-t.C:
		case <-s.closing:
			t.Stop() // the listener is closed
		}
	}
}
