package page

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"time"
)

// ErrAddress: the address is none, or could be reached from other machines.
var ErrAddress = errors.New("it must be an address of this machine alone, as 127.0.0.1:8080 or [::1]:8080")

// Listen listens for browsers on an address of this machine's loopback
// interface, as 127.0.0.1:0; port 0 is any free one. A name but localhost, and
// any other address, is [ErrAddress].
func Listen(address string) (net.Listener, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("%q is no HOST:PORT: %w", address, ErrAddress)
	}
	if host == "localhost" {
		host = "127.0.0.1" // whatever a resolver says
	}
	if ip, err := netip.ParseAddr(host); err != nil || !ip.IsLoopback() {
		return nil, fmt.Errorf("%q could be reached by others, and the page asks nobody for a password: %w", address, ErrAddress)
	}
	l, err := net.Listen("tcp", net.JoinHostPort(host, port))
	if err != nil {
		return nil, fmt.Errorf("listen for browsers: %w; port 0 is any free one", err)
	}
	return l, nil
}

// Serve answers the browsers that come by l until ctx ends, and closes l and
// the page. It returns nil then, and else why it can't go on.
func (p *Page) Serve(ctx context.Context, l net.Listener) error {
	server := &http.Server{
		Handler:           p,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       time.Minute,
		MaxHeaderBytes:    64 << 10, // a view is asked for in a URL
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	var err error
	select {
	case err = <-served:
	case <-ctx.Done():
	}
	p.Close() // the streams of events end, so that Shutdown need not wait for them
	bounded, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = server.Shutdown(bounded)
	_ = server.Close() // who has not been answered by now will not be
	if err != nil {
		return fmt.Errorf("serve the page: %w", err)
	}
	<-served
	return nil
}
