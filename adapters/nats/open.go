package nats

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/gobindery/bindery/pubsub"
)

// Options are for one connection. Nil is the same as the zero value.
type Options struct {
	// Logger gets what happens behind the program's back: reconnects, leaders of
	// queues that are gone. Nil is silent.
	Logger *slog.Logger

	// Client is added to the options of nats.go, after those of the URL: for
	// credentials, TLS, or a dialer of your own.
	Client []nats.Option
}

// Open connects to the vhost that a URL names. A server that can't be reached is
// [pubsub.ErrUnavailable], wrong credentials are [pubsub.ErrAccessRefused], and a server that
// is too old is [pubsub.ErrUnsupported]. Options may be nil.
func Open(ctx context.Context, rawURL string, o *Options) (*Conn, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		if e, ok := errors.AsType[*url.Error](err); ok {
			err = e.Err // its text has the whole URL, with the password
		}
		return nil, fmt.Errorf("%w: malformed URL: %w", pubsub.ErrInvalid, err)
	}
	return openURL(ctx, u, o)
}

// Scheme returns what a [pubsub.Mux] needs to open connections by URL. It is for the
// schemes nats and tls.
func Scheme() pubsub.Scheme {
	return pubsub.Scheme{
		Example:    "nats://localhost",
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
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { log.Debug("NATS reports an error", "error", err) }),
	}, s.options...)
	options = append(options, o.Client...)
	if deadline, ok := ctx.Deadline(); ok {
		options = append(options, nats.Timeout(min(s.timeout, max(time.Millisecond, time.Until(deadline)))))
	}
	nc, err := nats.Connect(s.servers, options...)
	if err != nil {
		return nil, connectError(s.servers, err)
	}
	c, err := newConn(ctx, nc, s, log)
	if err != nil {
		nc.Close()
		return nil, err
	}
	return c, nil
}

// connectError is the error of an attempt to connect.
func connectError(servers string, err error) error {
	kind := pubsub.ErrUnavailable
	if errors.Is(err, nats.ErrAuthorization) || errors.Is(err, nats.ErrAuthExpired) || errors.Is(err, nats.ErrAuthRevoked) {
		kind = pubsub.ErrAccessRefused
	}
	return fmt.Errorf("connect to %s: %w: %w", servers, kind, err)
}
