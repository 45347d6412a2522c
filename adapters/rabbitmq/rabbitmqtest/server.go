package rabbitmqtest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"testing"
	"time"

	rabbithole "github.com/michaelklishin/rabbit-hole/v3"
)

// cleanupLimit bounds what is undone when a test ends.
const cleanupLimit = 30 * time.Second

// Server is a RabbitMQ server that tests use: a private node or one that runs
// already. Its methods are safe for concurrent use.
type Server struct {
	amqp       *url.URL    // with credentials
	management *url.URL    // without path; nil if the server runs without it
	down       func() bool // reports that nothing can be cleaned up; may be nil
}

// URL returns the server's address with credentials, as in
// amqp://guest:guest@127.0.0.1:23456/. Tests that share a server want VHost.
func (s *Server) URL() string { return s.amqp.String() }

// ManagementURL returns the address of the management API without credentials,
// as in http://127.0.0.1:23457, or "" if the server runs without it. The
// credentials are those of URL, and of the URLs that VHost returns.
func (s *Server) ManagementURL() string {
	if s.management == nil {
		return ""
	}
	u := *s.management
	u.User = nil
	return u.String()
}

// Management returns a client for the management API, for what this package
// has no method for. Its requests end with the context.
func (s *Server) Management(ctx context.Context) (*rabbithole.Client, error) {
	if s.management == nil {
		return nil, errors.New("this RabbitMQ node runs without the management plugin (Options.WithoutManagement)")
	}
	user := s.amqp.User
	if s.management.User != nil {
		user = s.management.User
	}
	password, _ := user.Password()
	c, err := rabbithole.NewClient(s.ManagementURL(), user.Username(), password)
	if err != nil {
		return nil, err
	}
	c.SetTransport(boundTransport{ctx, &http.Transport{DisableKeepAlives: true}})
	return c, nil
}

// boundTransport makes requests end with a context, which the client's methods
// do not take.
type boundTransport struct {
	ctx  context.Context
	base http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (t boundTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	return t.base.RoundTrip(r.WithContext(t.ctx))
}

// VHost makes a virtual host for one test, with all permissions for a user of
// its own who may also use the management API, and returns its URL. Both are
// deleted when the test ends, and with them everything in the virtual host.
func (s *Server) VHost(tb testing.TB) string {
	tb.Helper()
	u, err := s.CreateVHost(tb.Context(), tb.Name())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if s.down != nil && s.down() {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), cleanupLimit)
		defer cancel()
		if err := s.DeleteVHost(ctx, u); err != nil {
			tb.Error(err)
		}
	})
	return u
}

// notPlain matches what does not go into the name of a virtual host, so that it
// reads the same in a URL.
var notPlain = regexp.MustCompile(`[^A-Za-z0-9]+`)

// CreateVHost is VHost outside a test. The label becomes part of the name of
// the virtual host. DeleteVHost deletes it.
func (s *Server) CreateVHost(ctx context.Context, label string) (string, error) {
	label = notPlain.ReplaceAllString(label, "-")
	label = label[:min(len(label), 100)]
	name := "test-" + label + "-" + randomHex(4)
	fail := func(err error) (string, error) {
		return "", fmt.Errorf("create the virtual host %s: %w", name, err)
	}
	c, err := s.Management(ctx)
	if err != nil {
		return fail(err)
	}
	u := *s.amqp
	u.User = url.UserPassword(name, randomHex(8))
	u.Path = "/" + name
	password, _ := u.User.Password()
	if err := closing(c.PutVhost(name, rabbithole.VhostSettings{})); err != nil {
		return fail(err)
	}
	err = closing(c.PutUser(name, rabbithole.UserSettings{
		Password: password,
		Tags:     rabbithole.UserTags{"management"},
	}))
	if err == nil {
		err = closing(c.UpdatePermissionsIn(name, name, rabbithole.Permissions{
			Configure: ".*", Write: ".*", Read: ".*",
		}))
	}
	if err != nil {
		return fail(errors.Join(err, s.DeleteVHost(ctx, u.String())))
	}
	return u.String(), nil
}

// DeleteVHost deletes the virtual host and the user of a URL that CreateVHost
// returned. RabbitMQ closes the connections to it. What is gone already is no
// error.
func (s *Server) DeleteVHost(ctx context.Context, vhost string) error {
	u, err := url.Parse(vhost)
	if err != nil {
		return fmt.Errorf("delete a virtual host: %w", err)
	}
	name := u.User.Username()
	if u.Path != "/"+name {
		return fmt.Errorf("delete the virtual host of %s: CreateVHost did not make it", u.Redacted())
	}
	c, err := s.Management(ctx)
	if err == nil {
		err = errors.Join(
			closing(c.DeleteVhost(name)), // the client takes a 404 for success
			closing(c.DeleteUser(name)),
		)
	}
	if err != nil {
		return fmt.Errorf("delete the virtual host %s: %w", name, err)
	}
	return nil
}

// DropConnections makes the server close every connection of the user of a
// URL, which is all connections to a virtual host made by VHost, and returns
// how many there were. The clients receive connection.close with the code 320.
func (s *Server) DropConnections(ctx context.Context, amqp string) (int, error) {
	u, err := url.Parse(amqp)
	if err != nil {
		return 0, fmt.Errorf("drop connections: %w", err)
	}
	user := u.User.Username()
	fail := func(err error) (int, error) {
		return 0, fmt.Errorf("drop the connections of the user %s: %w", user, err)
	}
	c, err := s.Management(ctx)
	if err != nil {
		return fail(err)
	}
	// Listed and closed by user, since these two requests ask for what the
	// server tracks itself. The list of all connections is a statistic, and a
	// connection is missing there for up to five seconds.
	open, err := c.ListConnectionsOfUser(user)
	if err != nil {
		return fail(err)
	}
	if err := closing(c.CloseAllConnectionsOfUser(user)); err != nil {
		return fail(err)
	}
	return len(open), nil
}

// whoami returns nil when the management API knows our credentials.
func (s *Server) whoami(ctx context.Context) error {
	c, err := s.Management(ctx)
	if err != nil {
		return err
	}
	if _, err := c.Whoami(); err != nil {
		return fmt.Errorf("management API at %s: %w", s.ManagementURL(), err)
	}
	return nil
}

// closing closes the body of a response that has nothing to say.
func closing(r *http.Response, err error) error {
	if err == nil {
		r.Body.Close()
	}
	return err
}

// randomHex returns n random bytes in hexadecimal.
func randomHex(n int) string {
	b := make([]byte, n)
	rand.Read(b) // never fails
	return hex.EncodeToString(b)
}
