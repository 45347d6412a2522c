package rabbitmq

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/gobindery/bindery/pubsub"
)

// defaultTimeout is how long one attempt to connect may take.
const defaultTimeout = 30 * time.Second

// dialer opens connections to one server.
type dialer struct {
	addr      *address
	tls       *tls.Config // nil: without TLS
	dial      func(ctx context.Context, network, addr string) (net.Conn, error)
	heartbeat time.Duration
	name      string
	timeout   time.Duration
}

// open connects, logs in and opens the vhost. The role goes into the name
// under which RabbitMQ lists the connection. idle is mergeConn's; may be nil.
func (d *dialer) open(ctx context.Context, role string, idle func()) (*session, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, d.timeout, fmt.Errorf("no answer within %v: %w", d.timeout, context.DeadlineExceeded))
	defer cancel()
	fail := func(err error) (*session, error) {
		if ctx.Err() != nil {
			// What failed did so because its time was over.
			err = fmt.Errorf("%w: %w", pubsub.ErrUnavailable, context.Cause(ctx))
		}
		return nil, fmt.Errorf("connect to %s: %w", d.addr.hostPort(), err)
	}
	conn, err := d.dial(ctx, "tcp", d.addr.hostPort())
	if err != nil {
		return fail(fmt.Errorf("%w: %w", pubsub.ErrUnavailable, err))
	}
	if d.tls != nil {
		secure := tls.Client(conn, d.tls)
		if err := secure.HandshakeContext(ctx); err != nil {
			conn.Close()
			return fail(fmt.Errorf("%w: TLS: %w", pubsub.ErrUnavailable, err))
		}
		conn = secure
	}
	wire := newMergeConn(conn)
	wire.idle = idle
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	s, err := d.handshake(wire, role)
	if !stop() && err == nil {
		// ctx ended just now, and the socket is closed or will be.
		<-s.ended
		err = context.Cause(ctx)
	}
	if err != nil {
		wire.Close()
		return fail(openError(err, d.addr))
	}
	return s, nil
}

// handshake speaks AMQP's opening on a socket.
func (d *dialer) handshake(wire *mergeConn, role string) (*session, error) {
	properties := amqp.NewConnectionProperties()
	properties["product"] = "Bindery"
	properties.SetClientConnectionName(d.name + " (" + role + ")")
	conn, err := amqp.Open(wire, amqp.Config{
		SASL:       []amqp.Authentication{&login{d.addr.user, d.addr.password, properties}},
		Vhost:      d.addr.vhost,
		FrameSize:  frameSize,
		Heartbeat:  d.heartbeat,
		Properties: properties,
		Locale:     "en_US",
		// Recovery stays off: see the package's documentation.
	})
	if err != nil {
		return nil, err
	}
	s := &session{conn: conn, wire: wire, ended: make(chan struct{})}
	closes := conn.NotifyClose(make(chan *amqp.Error, 1))
	go func() {
		// The channel closes once amqp091-go has shut everything down, so
		// this goroutine ends with the connection.
		defer close(s.ended)
		for err := range closes {
			s.why = err
		}
	}()
	return s, nil
}

// login is the SASL mechanism PLAIN.
type login struct {
	user, password string
	properties     amqp.Table // the connection's
}

// Mechanism implements amqp091.Authentication.
func (l *login) Mechanism() string { return "PLAIN" }

// Response implements amqp091.Authentication. It is asked for after amqp091-go
// has put its capabilities into the properties, and before they are sent: here
// is the one place to add a capability that it doesn't have. With this one
// RabbitMQ says at once that the password is wrong, instead of closing the
// socket after three seconds without a word.
// See https://www.rabbitmq.com/docs/auth-notification.
func (l *login) Response() string {
	if c, ok := l.properties["capabilities"].(amqp.Table); ok {
		c["authentication_failure_close"] = true
	}
	return "\x00" + l.user + "\x00" + l.password
}
