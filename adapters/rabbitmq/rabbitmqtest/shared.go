package rabbitmqtest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"sync"
	"testing"
	"time"
)

// The environment variables: two that name a running server, and one for the
// private node.
const (
	amqpVariable       = "BINDERY_AMQP_URL"
	managementVariable = "BINDERY_MANAGEMENT_URL"

	stallsVariable = "BINDERY_STALLS"
)

// shared is the one server of this test process.
var shared struct {
	sync.Mutex
	main   bool    // Main runs and will stop it
	server *Server // once asked for
	node   *Node   // if the server is a private node
	err    error   // why there is none
}

// Runner is what Main takes and returns; *testing.M is one.
type Runner interface{ Run() int }

// Main wraps the tests of a package that use Shared. Its Run runs them and
// then stops the server, if one was started:
//
//	os.Exit(rabbitmqtest.Main(m).Run())
//
// or, to look for goroutines left over after that:
//
//	goleak.VerifyTestMain(rabbitmqtest.Main(m))
func Main(m Runner) Runner { return mainRunner{m} }

type mainRunner struct{ tests Runner }

// Run runs the tests, stops the shared server, and returns the exit code.
func (m mainRunner) Run() int {
	shared.Lock()
	shared.main = true
	shared.Unlock()

	code := m.tests.Run()

	shared.Lock()
	defer shared.Unlock()
	shared.main = false
	node := shared.node
	shared.server, shared.node, shared.err = nil, nil, nil
	if node == nil {
		return code
	}
	if err := node.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, "rabbitmqtest:", err)
		return max(code, 1)
	}
	return code
}

// Shared returns the server that the tests of this process share: the one of
// $BINDERY_AMQP_URL, or else a private node, started for the first test that
// asks and stopped by Main. Without a server the test fails.
//
// Tests should each work in a virtual host of their own, as made by VHost. A
// test that stops, kills or blocks its server needs Run instead.
func Shared(tb testing.TB) *Server {
	tb.Helper()
	shared.Lock()
	defer shared.Unlock()
	if !shared.main {
		tb.Fatal("rabbitmqtest.Shared: nothing would stop the server after the tests; add to this package: " +
			"func TestMain(m *testing.M) { os.Exit(rabbitmqtest.Main(m).Run()) }")
	}
	if shared.server == nil && shared.err == nil {
		// Not the test's context: the server outlives it, and whether there
		// is one is remembered for all tests.
		shared.server, shared.node, shared.err = obtain(context.Background())
	}
	if shared.err != nil {
		tb.Fatal(shared.err)
	}
	return shared.server
}

// obtain returns a server as Shared describes.
func obtain(ctx context.Context) (*Server, *Node, error) {
	if amqp := os.Getenv(amqpVariable); amqp != "" {
		s, err := running(ctx, amqp, os.Getenv(managementVariable))
		return s, nil, err
	}
	path, err := Install(ctx, nil)
	if err != nil {
		return nil, nil, noServer(err)
	}
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	node, err := Start(ctx, &Options{Server: path})
	if err != nil {
		return nil, nil, err
	}
	if os.Getenv(stallsVariable) != "" {
		if err := node.Stall(ctx); err != nil {
			return nil, nil, errors.Join(err, node.Stop())
		}
	}
	return node.Server, node, nil
}

// noServer tells what to do where there is no RabbitMQ.
func noServer(err error) error {
	return fmt.Errorf("this test needs RabbitMQ: $%s is not set, and %w\n"+
		"Do one of these:\n"+
		"  install RabbitMQ (on Debian: apt-get install rabbitmq-server), or\n"+
		"  start one elsewhere (docker compose up -d --wait rabbitmq) and set %s=amqp://guest:guest@127.0.0.1:5672/",
		amqpVariable, err, amqpVariable)
}

// running returns the server of the two environment variables, if it answers.
func running(ctx context.Context, amqp, management string) (*Server, error) {
	s, err := parseServer(amqp, management)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	if err := handshake(ctx, amqp); err != nil {
		return nil, fmt.Errorf("connect to the server of $%s, %s: %w", amqpVariable, s.amqp.Redacted(), err)
	}
	if err := s.whoami(ctx); err != nil {
		return nil, fmt.Errorf("%w; tests make their virtual hosts there: "+
			"enable the plugin rabbitmq_management, and set $%s if it is at another address",
			err, managementVariable)
	}
	return s, nil
}

// parseServer reads the two environment variables; the second may be empty.
func parseServer(amqp, management string) (*Server, error) {
	u, err := url.Parse(amqp)
	if err == nil && u.Scheme != "amqp" && u.Scheme != "amqps" {
		err = errors.New("the scheme must be amqp or amqps")
	}
	if err == nil && u.Hostname() == "" {
		err = errors.New("the host is missing")
	}
	if err != nil {
		return nil, fmt.Errorf("$%s: %w; it should look like amqp://guest:guest@127.0.0.1:5672/", amqpVariable, err)
	}
	if u.User == nil {
		u.User = url.UserPassword("guest", "guest")
	}
	if management == "" {
		management = "http://" + net.JoinHostPort(u.Hostname(), "15672")
	}
	m, err := url.Parse(management)
	if err == nil && m.Scheme != "http" && m.Scheme != "https" {
		err = errors.New("the scheme must be http or https")
	}
	if err == nil && m.Host == "" {
		err = errors.New("the host is missing")
	}
	if err != nil {
		return nil, fmt.Errorf("$%s: %w; it should look like http://127.0.0.1:15672", managementVariable, err)
	}
	return &Server{amqp: u, management: &url.URL{Scheme: m.Scheme, User: m.User, Host: m.Host}}, nil
}
