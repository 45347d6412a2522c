package rabbitmq

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/gobindery/bindery/pubsub"
)

// Options are for [Open]. Nil is the same as the zero value. What a URL says as
// well counts more.
type Options struct {
	// TLS is how to speak TLS with an amqps URL. Nil trusts the system's
	// authorities, from TLS 1.2 on. Its ServerName is the host's if it is empty.
	TLS *tls.Config

	// Logger gets lost connections and attempts to reconnect (Warn), and their
	// success (Info). Nil is silent.
	Logger *slog.Logger

	// Name is what RabbitMQ shows as the name of the connections. Empty is the
	// program's name.
	Name string

	// Management is the URL of the management API, which only Topology needs.
	// Empty is port 15672 of the same host by http, or 15671 by https if the
	// broker is reached by TLS. It may hold a user and a password of its own.
	Management string

	// Heartbeat is how long the other side may be silent, about: both show twice
	// in that time that they live, and a connection without a sign for one and
	// a half of it is given up. Zero is 10 s.
	Heartbeat time.Duration

	// Dial opens a TCP connection. Nil is [net.Dialer.DialContext].
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)

	// MaxPause is the longest pause between two attempts to reconnect. Zero is
	// 5 s.
	MaxPause time.Duration

	// Volatile says that the broker keeps nothing when it ends, so that also
	// what is durable is declared again after a reconnect.
	Volatile bool
}

// Conn is a [pubsub.Adapter] for a RabbitMQ server. It is safe for concurrent use.
type Conn struct {
	log        *slog.Logger
	addr       *address
	management *url.URL
	tls        *tls.Config

	names     names
	records   records
	running   crew
	maxPause  time.Duration // between attempts
	publisher *publisher
	consuming *link
	gets      getter

	mu            sync.Mutex
	closed        bool
	subscriptions map[*subscription]struct{}

	closeOnce sync.Once
}

var (
	_ pubsub.Adapter = (*Conn)(nil)
	_ pubsub.Lister  = (*Conn)(nil)
)

const (
	defaultHeartbeat = 10 * time.Second

	// frameSize is the largest frame, in bytes: RabbitMQ's default.
	frameSize = 128 << 10

	// replyTo is the pseudo-queue of https://www.rabbitmq.com/docs/direct-reply-to.
	replyTo = "amq.rabbitmq.reply-to"
)

// Open connects to the server that an amqp or amqps URL names. Options may be
// nil. The context bounds Open only.
//
// A URL that can't be one is [pubsub.ErrInvalid], a server that can't be reached
// [pubsub.ErrUnavailable], wrong credentials [pubsub.ErrAccessRefused] and a
// missing vhost [pubsub.ErrNotFound]. No error shows the password.
func Open(ctx context.Context, rawURL string, o *Options) (*Conn, error) {
	a, err := parseURL(rawURL)
	if err != nil {
		return nil, err
	}
	return openAddress(ctx, a, o)
}

// Scheme is for [pubsub.Mux], as "amqp" and as "amqps".
func Scheme() pubsub.Scheme {
	return pubsub.Scheme{
		Open: func(ctx context.Context, u *url.URL, log *slog.Logger) (pubsub.Adapter, error) {
			a, err := addressOf(u)
			if err != nil {
				return nil, err
			}
			// Not as a *Conn, which would make an Adapter that isn't nil.
			c, err := openAddress(ctx, a, &Options{Logger: log})
			if err != nil {
				return nil, err
			}
			return c, nil
		},
		Parameters: parameters,
		Example:    "amqp://user:password@host:5672/vhost",
	}
}

func openAddress(ctx context.Context, a *address, o *Options) (*Conn, error) {
	if o == nil {
		o = &Options{}
	}
	d := &dialer{addr: a, dial: o.Dial, heartbeat: o.Heartbeat, name: o.Name, timeout: defaultTimeout}
	if d.dial == nil {
		d.dial = (&net.Dialer{}).DialContext
	}
	if a.heartbeat > 0 {
		d.heartbeat = a.heartbeat
	}
	if d.heartbeat == 0 {
		d.heartbeat = defaultHeartbeat
	}
	if d.heartbeat < time.Second {
		return nil, fmt.Errorf("%w: heartbeat is %v; it must be a second or more, or 0 for %v", pubsub.ErrInvalid, d.heartbeat, defaultHeartbeat)
	}
	if a.name != "" {
		d.name = a.name
	}
	if d.name == "" {
		d.name = filepath.Base(os.Args[0])
	}
	if a.timeout > 0 {
		d.timeout = a.timeout
	}
	c := &Conn{addr: a, log: o.Logger, maxPause: o.MaxPause, subscriptions: make(map[*subscription]struct{})}
	c.records.volatile = o.Volatile
	if c.maxPause == 0 {
		c.maxPause = defaultMaxPause
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	var err error
	if a.tls {
		if c.tls, err = a.tlsConfig(o.TLS); err != nil {
			return nil, err
		}
		d.tls = c.tls
	}
	if c.management, err = managementURL(a, o.Management); err != nil {
		return nil, err
	}
	if err := c.connect(ctx, d); err != nil {
		return nil, err
	}
	return c, nil
}

// connect opens the two connections.
func (c *Conn) connect(ctx context.Context, d *dialer) error {
	c.publisher = newPublisher(c)
	c.publisher.link = &link{
		role:     "publishing",
		log:      c.log,
		maxPause: c.maxPause,
		dial:     func(ctx context.Context) (*session, error) { return d.open(ctx, "publishing", c.publisher.idle) },
		prepare:  c.publisher.prepare,
		lost:     c.publisher.lost,
	}
	c.consuming = &link{
		role:     "consuming",
		log:      c.log,
		maxPause: c.maxPause,
		dial:     func(ctx context.Context) (*session, error) { return d.open(ctx, "consuming", nil) },
		prepare:  c.recover,
		lost:     func(*session) {},
	}
	if err := c.publisher.link.start(ctx); err != nil {
		return err
	}
	if err := c.consuming.start(ctx); err != nil {
		c.publisher.link.close()
		return err
	}
	c.publisher.started.Store(true)
	return nil
}

// restored returns once the connection for topology and consuming has answered
// something that was sent after the call. If the broker was restarted before, it is
// another one by then, and what was declared on the last is there again.
func (c *Conn) restored(ctx context.Context) error { return c.CheckExchange(ctx, "amq.direct") }

// Publish implements pubsub.Adapter.
func (c *Conn) Publish(ctx context.Context, p *pubsub.Publication) {
	if err := c.publisher.publish(ctx, p); err != nil {
		p.Confirm(err)
	}
}

// addSubscription notes a subscription for Close, unless that has begun.
func (c *Conn) addSubscription(sub *subscription) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	c.subscriptions[sub] = struct{}{}
	return true
}

func (c *Conn) removeSubscription(sub *subscription) {
	c.mu.Lock()
	_, ok := c.subscriptions[sub]
	delete(c.subscriptions, sub)
	c.mu.Unlock()
	if ok && c.consumers(sub.queue) == 0 {
		c.records.unused(sub.queue)
	}
}

// consumers counts the consumers of a queue that are ours.
func (c *Conn) consumers(queue string) (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for sub := range c.subscriptions {
		if sub.queue == queue {
			n++
		}
	}
	return n
}

// Close implements pubsub.Adapter.
func (c *Conn) Close() error {
	c.closeOnce.Do(func() {
		c.mu.Lock()
		c.closed = true
		var subs []*subscription
		for sub := range c.subscriptions {
			subs = append(subs, sub)
		}
		c.mu.Unlock()
		for _, sub := range subs {
			sub.flush()
		}
		var links sync.WaitGroup
		links.Go(c.publisher.close)
		links.Go(c.consuming.close)
		links.Wait()
		for _, sub := range subs {
			sub.stop() // if it waits to consume again
			<-sub.done
		}
		c.running.wait()
	})
	return nil
}
