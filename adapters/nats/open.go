package nats

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/gobindery/bindery/pubsub"
)

// Options are for one connection. Nil is the same as the zero value.
type Options struct {
	// Logger gets what happens behind the program's back: reconnects, leaders of
	// queues that are gone. Nil is silent.
	Logger *slog.Logger

	// Ingress lets messages in that other NATS clients publish for exchanges of the
	// vhost, as the URL's parameter ingress=1 does. See the package's comment.
	Ingress bool

	// Client is added to the options of nats.go, after those of the URL: for
	// credentials, TLS, or a dialer of your own.
	Client []nats.Option
}

// Open connects to the vhost that a URL names. A server that can't be reached is
// [pubsub.ErrUnavailable], wrong credentials are [pubsub.ErrAccessRefused], and a server that
// is too old or without JetStream is [pubsub.ErrUnsupported]. Errors don't show the password.
// Options may be nil.
func Open(ctx context.Context, rawURL string, o *Options) (*Conn, error) {
	u, err := pubsub.ParseURL(rawURL)
	if err != nil {
		return nil, err
	}
	return openURL(ctx, u, o)
}

// Scheme returns what a [pubsub.Mux] needs to open connections by URL. It is for the
// schemes nats and tls.
func Scheme() pubsub.Scheme {
	return pubsub.Scheme{
		Example:    "nats://user:password@host:4222/vhost",
		Hosts:      true,
		Redact:     redact,
		Parameters: parameters,
		Open: func(ctx context.Context, u *url.URL, log *slog.Logger) (pubsub.Adapter, error) {
			return openURL(ctx, u, &Options{Logger: log})
		},
	}
}

func openURL(ctx context.Context, u *url.URL, o *Options) (*Conn, error) {
	s, err := readURL(u)
	if err != nil {
		return nil, err
	}
	if o == nil {
		o = &Options{}
	}
	s.ingress = s.ingress || o.Ingress
	log := o.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	options := append([]nats.Option{
		nats.Name("bindery"),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(250 * time.Millisecond),
		nats.ReconnectJitter(100*time.Millisecond, 250*time.Millisecond),
		nats.ReconnectBufSize(-1), // what was not sent is sent again by who wants an answer
		nats.Timeout(s.timeout),
		nats.PingInterval(5 * time.Second),
		nats.MaxPingsOutstanding(2),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				log.Warn("the connection to NATS is lost; it is opened again", "error", err)
			}
		}),
		nats.ReconnectHandler(func(nc *nats.Conn) { log.Info("connected to NATS again", "server", nc.ConnectedUrlRedacted()) }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { report(log, err) }),
	}, s.options...)
	options = append(options, o.Client...)
	if deadline, ok := ctx.Deadline(); ok {
		options = append(options, nats.Timeout(min(s.timeout, max(time.Millisecond, time.Until(deadline)))))
	}
	nc, err := connect(s, options)
	if err != nil {
		return nil, connectError(err)
	}
	c, err := newConn(ctx, nc, s, log)
	if err != nil {
		nc.Close()
		return nil, err
	}
	if s.ingress {
		if err := c.letIn(ctx); err != nil {
			return nil, errors.Join(err, c.Close())
		}
	}
	return c, nil
}

// connect connects to one of the servers.
func connect(s *settings, options []nats.Option) (*nats.Conn, error) {
	nc, err := nats.Connect(s.servers, options...)
	if !errors.Is(err, nats.ErrNoServers) {
		return nc, err
	}
	// That is all that nats.go says, though one may have refused the user.
	var each []error
	for server := range strings.SplitSeq(s.servers, ",") {
		nc, err := nats.Connect(server, options...)
		if err == nil {
			return nc, nil // it is back, or found others
		}
		if errors.Is(err, nats.ErrNoServers) {
			err = cmp.Or(dialError(server, s.timeout), err)
		}
		each = append(each, fmt.Errorf("%s: %w", server, err))
	}
	return nil, errors.Join(each...)
}

// dialError is why a server can't be dialed, or nil.
func dialError(server string, timeout time.Duration) error {
	u, err := url.Parse(server)
	if err != nil {
		return err
	}
	conn, err := net.DialTimeout("tcp", net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), "4222")), timeout)
	if err != nil {
		return err
	}
	return conn.Close()
}

// connectError is the error of an attempt to connect.
func connectError(err error) error {
	for _, refused := range []error{nats.ErrAuthorization, nats.ErrAuthExpired, nats.ErrAuthRevoked, nats.ErrAccountAuthExpired} {
		if errors.Is(err, refused) {
			return fmt.Errorf("connect to NATS: %w: %w; check user and password, token, credentials or nkey", pubsub.ErrAccessRefused, err)
		}
	}
	return fmt.Errorf("connect to NATS: %w: %w", pubsub.ErrUnavailable, err)
}

// report logs what a server says against a request of ours. Without a permission
// requests get no answer, and that would be all there is to see.
func report(log *slog.Logger, err error) {
	if errors.Is(err, nats.ErrPermissionViolation) {
		log.Warn("the NATS user lacks a permission", "error", err)
		return
	}
	log.Debug("NATS reports an error", "error", err)
}
