package embedded

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"sync"
	"time"

	natsgo "github.com/nats-io/nats.go"

	"github.com/gobindery/bindery/adapters/nats"
	"github.com/gobindery/bindery/pubsub"
)

// patience is how long Open waits for a server that another process starts.
const patience = 15 * time.Second

// parameters are what the query of a URL may have.
var parameters = map[string]string{
	"vhost":   `name of the virtual host; the default is "/"`,
	"sync":    "always, or interval: when what is stored is written through to the disk; the default is every two minutes",
	"ingress": "1 if messages that other NATS clients publish for exchanges are let in here; the default is 0",
}

// Options are for one connection. Nil is the same as the zero value.
type Options struct {
	// VHost is the virtual host; empty is "/".
	VHost string

	// SyncAlways has all that is stored written through to the disk before it is
	// confirmed. It counts for the process that runs the server.
	SyncAlways bool

	// Ingress is [nats.Options]'s.
	Ingress bool

	// Logger gets what happens behind the program's back, the server's warnings
	// included. Nil is silent.
	Logger *slog.Logger
}

// Conn is one connection. It is a [pubsub.Adapter] and [pubsub.Lister], and safe for
// concurrent use.
type Conn struct {
	*nats.Conn
	leave func() // once
}

var _ pubsub.Lister = (*Conn)(nil)

// Open connects to the server of a folder, which is made if it is missing, and runs the
// server if nobody does. A folder that can't be used is [pubsub.ErrUnavailable].
// Options may be nil.
func Open(ctx context.Context, path string, o *Options) (*Conn, error) {
	if o == nil {
		o = &Options{}
	}
	f, err := enter(path, o)
	if err != nil {
		return nil, err
	}
	if err := f.ready(ctx); err != nil {
		f.leave()
		return nil, err
	}
	vhost := o.VHost
	if vhost == "" {
		vhost = "/"
	}
	d := &dialer{folder: f}
	// The dialer knows where the server is. An address is no name to look up.
	u := url.URL{Scheme: "nats", Host: "127.0.0.1:4222", Path: "/" + vhost, RawPath: "/" + url.PathEscape(vhost)}
	c, err := nats.Open(ctx, u.String(), &nats.Options{
		Logger: o.Logger, Ingress: o.Ingress,
		Client: []natsgo.Option{natsgo.SetCustomDialer(d), natsgo.TokenHandler(d.token)},
	})
	if err != nil {
		f.leave()
		return nil, fmt.Errorf("the server of the folder %s: %w", f.path, err)
	}
	return &Conn{c, sync.OnceFunc(f.leave)}, nil
}

// Close closes the connection, as [nats.Conn.Close] does. With the last one of this process
// the server ends, if it runs here.
func (c *Conn) Close() error {
	err := c.Conn.Close()
	c.leave()
	return err
}

// Scheme returns what a [pubsub.Mux] needs to open folders by URL, as in
// nats+embedded:/var/lib/shop or nats+embedded:data?vhost=test.
func Scheme() pubsub.Scheme {
	return pubsub.Scheme{
		Example:    "nats+embedded:/path/to/folder",
		Parameters: parameters,
		Open: func(ctx context.Context, u *url.URL, log *slog.Logger) (pubsub.Adapter, error) {
			path, o, err := readURL(u)
			if err != nil {
				return nil, err
			}
			o.Logger = log
			return Open(ctx, path, o)
		},
	}
}

// readURL reads what Scheme says.
func readURL(u *url.URL) (path string, o *Options, err error) {
	if u.Host != "" || u.User != nil {
		return "", nil, fmt.Errorf("%w: the URL has two slashes after the scheme, and so a host; write %s:FOLDER", pubsub.ErrInvalid, u.Scheme)
	}
	path = u.Path
	if u.Opaque != "" {
		if path, err = url.PathUnescape(u.Opaque); err != nil {
			return "", nil, fmt.Errorf("%w: the folder: %w", pubsub.ErrInvalid, err)
		}
	}
	if path == "" {
		return "", nil, fmt.Errorf("%w: the URL names no folder; write %s:FOLDER", pubsub.ErrInvalid, u.Scheme)
	}
	query := u.Query()
	o = &Options{VHost: query.Get("vhost")}
	if len(o.VHost) > 255 {
		return "", nil, fmt.Errorf("%w: the vhost's name is %d bytes long; at most 255 are possible", pubsub.ErrInvalid, len(o.VHost))
	}
	switch sync := query.Get("sync"); sync {
	case "", "interval":
	case "always":
		o.SyncAlways = true
	default:
		return "", nil, fmt.Errorf("%w: sync is %q; it must be always or interval", pubsub.ErrInvalid, sync)
	}
	switch ingress := query.Get("ingress"); ingress {
	case "", "0":
	case "1":
		o.Ingress = true
	default:
		return "", nil, fmt.Errorf("%w: ingress is %q; it must be 0 or 1", pubsub.ErrInvalid, ingress)
	}
	return path, o, nil
}
