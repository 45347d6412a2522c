package rabbitmqtest

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"
)

// startLimit bounds how long Run and Shared wait for a node. A start takes
// seconds; the rest is for machines that run many of them at once.
const startLimit = 3 * time.Minute

// shutdownLimit bounds how long a node may take to shut down before it is killed.
const shutdownLimit = 30 * time.Second

// Options choose how a private node runs. The zero value, like a nil
// *Options, is a node with the management plugin and without TLS.
type Options struct {
	// Server is the path of the rabbitmq-server script to run. Empty means
	// what Find returns.
	Server string

	// WithoutManagement runs the node without the management plugin, so
	// that nothing can be listed and VHost fails.
	WithoutManagement bool

	// TLS adds a second listener that speaks TLS, with a certificate for
	// 127.0.0.1 and localhost from an authority made for this node. See
	// TLSURL and RootCAs.
	TLS bool

	// Config is added to the end of the node's rabbitmq.conf, one setting a
	// line, in the format of https://www.rabbitmq.com/docs/configure. A
	// later line wins over an earlier one.
	Config string
}

// Node is a private RabbitMQ node. Its methods are safe for concurrent use:
// Stop, Kill, Shutdown and Restart wait for one another.
type Node struct {
	*Server

	opts   Options
	server string // the rabbitmq-server script
	folder *folder
	ports  ports
	mark   string     // by which the node is told from others that have its port
	tls    *authority // nil without Options.TLS

	mu      sync.Mutex
	epmd    *process // lives from start to Stop
	beam    *process // the Erlang VM; nil after Kill, Shutdown and Stop
	stopped bool
}

// Start starts a private node and returns when it takes connections: AMQP's
// handshake succeeds and, unless it runs without it, the management API
// answers. The context bounds the start only. Stop ends the node.
//
// Start installs nothing; see Install.
func Start(ctx context.Context, opts *Options) (*Node, error) {
	if opts == nil {
		opts = &Options{}
	}
	return start(ctx, *opts, reservePorts, 3)
}

// Run starts a private node for one test and stops it when the test ends. A
// node that cannot be started fails the test. RabbitMQ is installed first if
// it is missing and Install can do so.
func Run(tb testing.TB, opts *Options) *Node {
	tb.Helper()
	if opts == nil {
		opts = &Options{}
	}
	o := *opts
	if o.Server == "" {
		server, err := Install(tb.Context(), nil)
		if err != nil {
			tb.Fatalf("this test needs a RabbitMQ node of its own to start and stop, for which the server of $%s does not do: %v\n"+
				"Install RabbitMQ (on Debian: apt-get install rabbitmq-server)", amqpVariable, err)
		}
		o.Server = server
	}
	ctx, cancel := context.WithTimeout(tb.Context(), startLimit)
	defer cancel()
	n, err := Start(ctx, &o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if tb.Failed() {
			tb.Logf("the log of the RabbitMQ node ends with:\n%s", n.logTail())
		}
		if err := n.Stop(); err != nil {
			tb.Error(err)
		}
	})
	return n
}

// start is Start with the choice of ports as a parameter. Between that choice and
// the moment when the node binds them, some seconds later, a process that doesn't
// reserve its ports may take one; start then begins again with others.
func start(ctx context.Context, opts Options, pick func() (ports, error), attempts int) (*Node, error) {
	var err error
	for range attempts {
		var n *Node
		if n, err = startOnce(ctx, opts, pick); !errors.Is(err, errPortTaken) {
			return n, err
		}
	}
	return nil, fmt.Errorf("%w (tried %d times)", err, attempts)
}

func startOnce(ctx context.Context, opts Options, pick func() (ports, error)) (_ *Node, err error) {
	fail := func(err error) (*Node, error) {
		return nil, fmt.Errorf("start a RabbitMQ node: %w", err)
	}
	n := &Node{opts: opts, server: opts.Server, mark: randomHex(8)}
	if n.server == "" {
		if n.server, err = Find(); err != nil {
			return fail(err)
		}
	}
	if n.ports, err = pick(); err != nil {
		return fail(err)
	}
	defer func() {
		if err != nil {
			n.tearDown()
		}
	}()
	sweepAbandoned(os.TempDir())
	if n.folder, err = newFolder(os.TempDir()); err != nil {
		return fail(err)
	}
	if opts.TLS {
		if n.tls, err = newAuthority(n.folder.path); err != nil {
			return fail(err)
		}
	}
	if err = n.writeConfig(); err != nil {
		return fail(err)
	}
	n.Server = &Server{amqp: &url.URL{
		Scheme: "amqp",
		User:   url.UserPassword("guest", "guest"),
		Host:   loopback(n.ports.amqp),
		Path:   "/",
	}, down: n.down}
	if !opts.WithoutManagement {
		n.Server.management = &url.URL{Scheme: "http", Host: loopback(n.ports.management)}
	}
	if err = n.startEpmd(ctx); err != nil {
		return fail(err)
	}
	if err = n.startBeam(ctx); err != nil {
		return fail(err)
	}
	return n, nil
}

// Stop ends the node for good: its processes are killed, since its data go with
// them, and its folder is removed. It returns an error if the node had ended by
// itself, with what it wrote last. Stopping twice does nothing.
func (n *Node) Stop() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.stopped {
		return nil
	}
	n.stopped = true
	var err error
	if n.beam != nil && n.beam.hasEnded() {
		err = fmt.Errorf("stop the RabbitMQ node: it had ended by itself (%v):\n%s", n.beam.err, n.logTailOf(n.beam))
	}
	return errors.Join(err, n.tearDown())
}

// Kill ends the node's Erlang VM with SIGKILL, as a crash would. Data and ports
// stay for Restart. What was declared a moment before may be lost: see Flush.
func (n *Node) Kill() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := n.mustRunLocked(); err != nil {
		return fmt.Errorf("kill the RabbitMQ node: %w", err)
	}
	n.beam.kill()
	n.beam = nil
	return nil
}

// Shutdown ends the node cleanly, as an administrator would, with all data
// written. Data and ports stay for Restart. RabbitMQ sends its clients
// connection.close with the code 320 and soon resets their connections, so that
// a client on a busy machine sees the one or the other. With the management
// plugin this takes six seconds, of which RabbitMQ waits five for a process of
// that plugin. After 30 seconds the node is killed, which is an error.
func (n *Node) Shutdown() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := n.mustRunLocked(); err != nil {
		return fmt.Errorf("shut the RabbitMQ node down: %w", err)
	}
	return n.shutdownLocked()
}

// Restart starts the node again on the same ports and with the same data, and
// returns when it takes connections. A node that runs is shut down before. The
// context bounds the start.
func (n *Node) Restart(ctx context.Context) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.stopped {
		return errors.New("restart the RabbitMQ node: Stop has removed its data; start another one")
	}
	if n.mustRunLocked() == nil {
		if err := n.shutdownLocked(); err != nil {
			return err
		}
	}
	n.beam = nil
	if err := n.startBeam(ctx); err != nil {
		return fmt.Errorf("restart the RabbitMQ node: %w", err)
	}
	return nil
}

// mustRunLocked returns an error unless the Erlang VM runs.
func (n *Node) mustRunLocked() error {
	if n.stopped {
		return errors.New("it was stopped")
	}
	if n.beam == nil || n.beam.hasEnded() {
		return errors.New("it is not running; start it with Restart")
	}
	return nil
}

// TLSURL returns the address of the TLS listener, as in
// amqps://guest:guest@127.0.0.1:23456/, or "" without Options.TLS.
func (n *Node) TLSURL() string {
	if n.tls == nil {
		return ""
	}
	u := *n.amqp
	u.Scheme = "amqps"
	u.Host = loopback(n.ports.tls)
	return u.String()
}

// RootCAs returns a pool with the authority that signed the certificate of the
// TLS listener, or nil without Options.TLS.
func (n *Node) RootCAs() *x509.CertPool {
	if n.tls == nil {
		return nil
	}
	return n.tls.pool()
}

// down reports whether the node was stopped or killed, so that nothing can or
// need be cleaned up on it.
func (n *Node) down() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.beam == nil
}

// startEpmd starts the Erlang port mapper that this node alone uses. Sharing
// the machine's would mix our node names with those of others, and the daemon
// that a node starts by itself outlives the node.
func (n *Node) startEpmd(ctx context.Context) error {
	program, err := findEpmd()
	if err != nil {
		return err
	}
	p, err := startProcess(n.command(program, "-address", "127.0.0.1", "-port", strconv.Itoa(n.ports.epmd)))
	if err != nil {
		return fmt.Errorf("start epmd: %w", err)
	}
	n.epmd = p
	return n.waitFor(ctx, p, "epmd", func(ctx context.Context) error {
		return answersAsEpmd(ctx, n.ports.epmd)
	})
}

// startBeam starts the Erlang VM and waits until the node takes connections.
func (n *Node) startBeam(ctx context.Context) error {
	p, err := startProcess(n.command(n.server))
	if err != nil {
		return err
	}
	if err := n.waitFor(ctx, p, "rabbitmq-server", n.probe); err != nil {
		p.kill()
		return err
	}
	n.beam = p
	return nil
}

// shutdownLocked asks the Erlang VM to shut down and waits for it. RabbitMQ
// takes SIGTERM for that.
func (n *Node) shutdownLocked() error {
	p := n.beam
	n.beam = nil
	p.signal(syscall.SIGTERM)
	select {
	case <-p.ended.Done():
		return nil
	case <-time.After(shutdownLimit):
		p.kill()
		return fmt.Errorf("shut the RabbitMQ node down: it still ran after %v and was killed:\n%s", shutdownLimit, n.logTailOf(p))
	}
}

// tearDown ends what is left of the node's processes, removes its folder, and lets
// its ports go.
func (n *Node) tearDown() error {
	if n.beam != nil {
		n.beam.kill()
		n.beam = nil
	}
	if n.epmd != nil {
		n.epmd.kill()
		n.epmd = nil
	}
	n.ports.block.Release()
	if n.folder == nil {
		return nil
	}
	return n.folder.remove()
}
