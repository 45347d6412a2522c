package rabbitmqtest

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	amqp091 "github.com/rabbitmq/amqp091-go"
)

// pollEvery is how often a condition is tried that nothing signals.
const pollEvery = 25 * time.Millisecond

// waitFor returns when ready returns nil, and with an error when the process
// ends before or the context does. That ready is about this process, and not about
// another that has its port, is for ready to tell.
func (n *Node) waitFor(ctx context.Context, p *process, name string, ready func(context.Context) error) error {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		// A try may hang on what somebody else listens with, while the process
		// has found its port taken and ended. So it ends with the process.
		try, cancel := context.WithCancel(ctx)
		stop := context.AfterFunc(p.ended, cancel)
		err := ready(try)
		stop()
		cancel()
		if err == nil {
			return nil
		}
		select {
		case <-p.ended.Done():
			return n.whyEnded(p, name)
		case <-ctx.Done():
			return fmt.Errorf("%s was not ready in time: %w: %w\n%s", name, context.Cause(ctx), err, n.logTailOf(p))
		case <-tick.C:
		}
	}
}

// whyEnded returns the error of a process that ended before it was ready.
func (n *Node) whyEnded(p *process, name string) error {
	text := n.logTailOf(p)
	// RabbitMQ says eaddrinuse of a listener, and "in use" of the port of its
	// distribution. epmd ends without a word.
	if name == "epmd" || strings.Contains(text, "eaddrinuse") || strings.Contains(text, "in use") {
		return fmt.Errorf("%w: %s ended (%v):\n%s", errPortTaken, name, p.err, text)
	}
	return fmt.Errorf("%s ended (%v):\n%s", name, p.err, text)
}

// probe returns nil when the node takes connections: it, and no other that has its port.
func (n *Node) probe(ctx context.Context) error {
	conn, err := dialAMQP(ctx, n.URL())
	if err != nil {
		return err
	}
	mark := conn.Properties[markProperty]
	if err := conn.Close(); err != nil {
		return err
	}
	if mark != n.mark {
		return fmt.Errorf("on port %d there is another server", n.ports.amqp)
	}
	if n.management == nil {
		return nil
	}
	return n.whoami(ctx)
}

// answersAsEpmd returns nil when an epmd that knows no node yet answers on the port. A
// connection alone would not do, since the port may have become somebody else's.
// See https://www.erlang.org/doc/apps/erts/erl_dist_protocol#epmd-protocol, NAMES_REQ.
func answersAsEpmd(ctx context.Context, port int) error {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp4", loopback(port))
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(time.Second)); err != nil {
		return err
	}
	if _, err := conn.Write([]byte{0, 1, 'n'}); err != nil {
		return err
	}
	var own [4]byte // an epmd begins with the number of its port
	if _, err := io.ReadFull(conn, own[:]); err != nil {
		return err
	}
	if got := binary.BigEndian.Uint32(own[:]); got != uint32(port) {
		return fmt.Errorf("what listens on port %d is no epmd", port)
	}
	names, err := io.ReadAll(conn)
	if err == nil && len(names) > 0 {
		err = fmt.Errorf("the epmd on port %d is another node's: %s", port, names)
	}
	return err
}

// handshake opens an AMQP connection, up to connection.open-ok, and closes it.
func handshake(ctx context.Context, url string) error {
	conn, err := dialAMQP(ctx, url)
	if err != nil {
		return err
	}
	return conn.Close()
}

// dialAMQP opens an AMQP connection. The context bounds the handshake, for
// which the client itself has no context.
func dialAMQP(ctx context.Context, url string) (*amqp091.Connection, error) {
	stop := func() bool { return true }
	conn, err := amqp091.DialConfig(url, amqp091.Config{
		Dial: func(network, address string) (net.Conn, error) {
			d := net.Dialer{Timeout: 10 * time.Second}
			conn, err := d.DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			stop = context.AfterFunc(ctx, func() { conn.SetDeadline(time.Now()) })
			// For the handshake; the client clears it afterwards.
			return conn, conn.SetDeadline(time.Now().Add(10 * time.Second))
		},
	})
	stop()
	return conn, err
}
