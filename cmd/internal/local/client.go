package local

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"sync"
	"time"

	"github.com/gobindery/bindery/adapters/rabbitmq"
	"github.com/gobindery/bindery/pubsub"
)

const (
	// openLimit is how long Open tries.
	openLimit = 10 * time.Second

	// maxPause is the longest pause between attempts to reconnect.
	maxPause = 100 * time.Millisecond

	// precedence is how long a program that doesn't stay leaves it to the
	// receivers of the last host to become the next one. Else each of many
	// short runs would be a host, and everybody go from one to the next.
	precedence = 300 * time.Millisecond
)

// Options are for [Open].
type Options struct {
	// Folder is where the socket is: [Folder], but in tests.
	Folder string

	// Name is the program's.
	Name string

	// Stays says that the program runs until somebody ends it.
	Stays bool

	// Notify is told, in one line, of another host, and of messages that are
	// lost. It is called by several goroutines.
	Notify func(string)

	// Logger gets what the adapter and the server have to say.
	Logger *slog.Logger
}

// Open connects to the local broker, and becomes its host where there is none.
// The context bounds Open only. When the host ends, the connection finds or
// becomes the next; what was declared is declared again. Close of the Adapter
// leaves, as a host in good order.
func Open(ctx context.Context, o Options) (pubsub.Adapter, error) {
	if err := makeFolder(o.Folder); err != nil {
		return nil, fmt.Errorf("%w: %w", pubsub.ErrUnavailable, err)
	}
	c := &client{Options: o, id: newIdentity(o.Name)}
	u := url.URL{Scheme: "amqp", User: url.UserPassword(string(c.id), "none"), Host: "local"}
	ctx, cancel := context.WithTimeoutCause(ctx, openLimit, fmt.Errorf("the local broker at %s did not answer within %v: %w", socketPath(o.Folder), openLimit, context.DeadlineExceeded))
	defer cancel()
	for {
		conn, err := rabbitmq.Open(ctx, u.String(), &rabbitmq.Options{
			Logger: o.Logger, Name: o.Name, Dial: c.dial, MaxPause: maxPause, Volatile: true,
		})
		if err == nil {
			return &connection{conn, c}, nil
		}
		// The host may have ended while we connected.
		if !errors.Is(err, pubsub.ErrUnavailable) || !wait(ctx, poll) {
			return nil, errors.Join(err, c.leave())
		}
	}
}

// connection is the adapter of a client of the local broker.
type connection struct {
	*rabbitmq.Conn
	client *client
}

// Close ends the connection, and the host if this is it.
func (c *connection) Close() error { return errors.Join(c.Conn.Close(), c.client.leave()) }

// client is a program's part in the local broker. Safe for concurrent use: its
// adapter dials two connections.
type client struct {
	Options
	id identity

	mu    sync.Mutex
	left  bool
	host  *host // nil while another is
	known identity
}

// dial connects to the host, and becomes it where there is none.
func (c *client) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	began := time.Now()
	for {
		conn, err := (&net.Dialer{}).DialContext(ctx, "unix", socketPath(c.Folder))
		if err == nil {
			c.met()
			return conn, nil
		}
		if !nobody(err) {
			return nil, err
		}
		if c.Stays || time.Since(began) > precedence || !c.receiversRun() {
			became, err := c.tryHost()
			if err != nil {
				return nil, err
			}
			if became {
				continue
			}
		}
		if !wait(ctx, poll) {
			return nil, context.Cause(ctx)
		}
	}
}

// receiversRun reports whether receivers of the last host still do.
func (c *client) receiversRun() bool {
	last, _ := readState(c.Folder) // tryHost tells of an error
	for _, id := range last.receivers {
		if id.runs() {
			return true
		}
	}
	return false
}

// tryHost becomes the host, and reports whether it did.
func (c *client) tryHost() (bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.left {
		return false, pubsub.ErrClosed
	}
	if c.host != nil {
		return false, nil // the other connection was faster, and dialing works in a moment
	}
	var err error
	c.host, err = tryHost(c.Folder, c.id, c.Logger)
	return c.host != nil, err
}

// met tells the user of another host than before.
func (c *client) met() {
	c.mu.Lock()
	defer c.mu.Unlock()
	// Under the lock: else the other connection may meet a later host between
	// this look and its use, and the one before would be told as the latest.
	s, err := readState(c.Folder)
	if err != nil || s.host == "" {
		return // it is gone again
	}
	before := c.known
	c.known = s.host
	if before == "" || before == s.host {
		return
	}
	who := "another program"
	if s.host == c.id {
		who = "this " + c.Name
	}
	c.Notify(fmt.Sprintf(" [*] The local broker ended; %s is its host now. What was only in its memory is gone.", who))
}

// leave ends the host, if this is it.
func (c *client) leave() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left = true
	if c.host == nil {
		return nil
	}
	lost, err := c.host.leave()
	c.host = nil
	if lost > 0 {
		messages := "1 message"
		if lost > 1 {
			messages = fmt.Sprintf("%d messages", lost)
		}
		c.Notify(fmt.Sprintf(" [*] This %s was the local broker's host: what nobody had taken is gone with it (%s).", c.Name, messages))
	}
	return err
}

// wait waits for d and reports whether ctx still goes on.
func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
