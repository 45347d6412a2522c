package rabbitmqtest

import (
	"net/url"
	"strconv"
	"strings"
	"testing"
)

func itoa(n int) string { return strconv.Itoa(n) }

func TestParseServer(t *testing.T) {
	for _, c := range []struct {
		amqp, management   string
		wantURL, wantHTTP  string
		wantUser, wantPass string
	}{
		{"amqp://localhost", "", "amqp://guest:guest@localhost", "http://localhost:15672", "guest", "guest"},
		{"amqp://a:p%40ss@h:1234/x", "", "amqp://a:p%40ss@h:1234/x", "http://h:15672", "a", "p@ss"},
		{"amqp://[::1]:5672/", "", "amqp://guest:guest@[::1]:5672/", "http://[::1]:15672", "guest", "guest"},
		{"amqps://h/", "https://m:8443/", "amqps://guest:guest@h/", "https://m:8443", "guest", "guest"},
		{"amqp://a:b@h", "http://c:d@m:1/", "amqp://a:b@h", "http://m:1", "c", "d"},
	} {
		s, err := parseServer(c.amqp, c.management)
		if err != nil {
			t.Errorf("%s: %v", c.amqp, err)
			continue
		}
		if s.URL() != c.wantURL || s.ManagementURL() != c.wantHTTP {
			t.Errorf("%s: got %s and %s", c.amqp, s.URL(), s.ManagementURL())
		}
		m, err := s.Management(t.Context())
		if err != nil {
			t.Errorf("%s: %v", c.amqp, err)
			continue
		}
		if m.Username != c.wantUser || m.Password != c.wantPass || m.Endpoint != c.wantHTTP {
			t.Errorf("%s: management as %s:%s at %s", c.amqp, m.Username, m.Password, m.Endpoint)
		}
	}
	for _, c := range []struct{ amqp, management, want string }{
		{"nats://h", "", "$BINDERY_AMQP_URL: the scheme must be amqp or amqps"},
		{"amqp:///x", "", "$BINDERY_AMQP_URL: the host is missing"},
		{"amqp://h:port", "", "$BINDERY_AMQP_URL: "},
		{"amqp://h", "h:15672", "$BINDERY_MANAGEMENT_URL: "},
		{"amqp://h", "http://", "$BINDERY_MANAGEMENT_URL: the host is missing"},
	} {
		_, err := parseServer(c.amqp, c.management)
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%q %q: got %v, want %s", c.amqp, c.management, err, c.want)
		}
	}
}

// The variables lead to the server they name, and to none of our own.
func TestObtainRunningServer(t *testing.T) {
	s := Shared(t) // another test's variables would be seen here; so not parallel
	t.Setenv(amqpVariable, s.URL())
	t.Setenv(managementVariable, s.ManagementURL())
	got, node, err := obtain(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if node != nil {
		defer node.Stop()
		t.Error("a private node was started")
	}
	if got.URL() != s.URL() || got.ManagementURL() != s.ManagementURL() {
		t.Errorf("got %s and %s", got.URL(), got.ManagementURL())
	}
	got.VHost(t)

	u, err := url.Parse(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword("guest", "wrong")
	t.Setenv(amqpVariable, u.String())
	_, _, err = obtain(t.Context())
	if err == nil || !strings.Contains(err.Error(), "$BINDERY_AMQP_URL") || strings.Contains(err.Error(), "wrong") {
		t.Errorf("wrong password: got %v", err)
	}

	t.Setenv(amqpVariable, s.URL())
	t.Setenv(managementVariable, "http://127.0.0.1:1")
	_, _, err = obtain(t.Context())
	if err == nil || !strings.Contains(err.Error(), "rabbitmq_management") || !strings.Contains(err.Error(), "127.0.0.1:1") {
		t.Errorf("no management: got %v", err)
	}
}

// runner is a test run for Main.
type runner func() int

func (r runner) Run() int { return r() }

// Shared works only inside Main, which stops what it started.
func TestMainAndShared(t *testing.T) {
	outer := Shared(t)
	t.Setenv(amqpVariable, outer.URL())
	t.Setenv(managementVariable, outer.ManagementURL())

	// The Main around this test steps aside.
	node := shared.node
	shared.main, shared.server, shared.node = false, nil, nil
	defer func() { shared.main, shared.server, shared.node = true, outer, node }()

	message := FatalMessage(t, func(tb testing.TB) { Shared(tb) })
	if !strings.Contains(message, "rabbitmqtest.Main(m).Run()") {
		t.Errorf("outside Main: got %q", message)
	}
	code := Main(runner(func() int {
		if s := Shared(t); s == outer || s.URL() != outer.URL() {
			t.Errorf("inside Main: got %s", s.URL())
		}
		return 3
	})).Run()
	if code != 3 {
		t.Errorf("Main: got the exit code %d, want that of the tests, 3", code)
	}
	if shared.main || shared.server != nil {
		t.Error("Main has left something")
	}

	// A failure is remembered, and fails each test.
	t.Setenv(amqpVariable, "http://127.0.0.1")
	Main(runner(func() int {
		for range 2 {
			message := FatalMessage(t, func(tb testing.TB) { Shared(tb) })
			if !strings.Contains(message, "the scheme must be amqp") {
				t.Errorf("bad variable: got %q", message)
			}
		}
		return 0
	})).Run()
}

func TestNoServer(t *testing.T) {
	_, err := findServer("", nil)
	text := noServer(err).Error()
	for _, want := range []string{"needs RabbitMQ", "apt-get install rabbitmq-server", "BINDERY_AMQP_URL=amqp://", "docker compose"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in: %s", want, text)
		}
	}
}
