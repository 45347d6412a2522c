package rabbitmq_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gobindery/bindery/adapters/rabbitmq"
	"github.com/gobindery/bindery/adapters/rabbitmq/rabbitmqtest"
	"github.com/gobindery/bindery/pubsub"
)

// openFails checks that Open fails so, within a time, and without showing the
// password.
func openFails(t *testing.T, rawURL string, o *rabbitmq.Options, sentinel error, words ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c, err := rabbitmq.Open(ctx, rawURL, o)
	if err == nil {
		c.Close()
		t.Errorf("opened %s", rawURL)
		return
	}
	if c != nil {
		t.Error("Open returned a connection with an error")
	}
	fails(t, err, sentinel, words...)
	if u, err2 := url.Parse(rawURL); err2 == nil {
		if p, _ := u.User.Password(); len(p) > 4 && strings.Contains(err.Error(), p) {
			t.Errorf("the error shows the password: %v", err)
		}
	}
}

func TestOpenFails(t *testing.T) {
	server := rabbitmqtest.Shared(t)
	good, err := url.Parse(server.VHost(t))
	if err != nil {
		t.Fatal(err)
	}
	change := func(f func(u *url.URL)) string {
		u := *good
		f(&u)
		return u.String()
	}
	user := good.User.Username()
	openFails(t, change(func(u *url.URL) { u.User = url.UserPassword(user, "wrong-password") }), nil, pubsub.ErrAccessRefused, user)
	openFails(t, change(func(u *url.URL) { u.User = url.UserPassword("nobody", "wrong-password") }), nil, pubsub.ErrAccessRefused, "nobody")
	openFails(t, change(func(u *url.URL) { u.Path = "/nowhere" }), nil, pubsub.ErrNotFound, "nowhere")
	other, err := url.Parse(server.VHost(t))
	if err != nil {
		t.Fatal(err)
	}
	openFails(t, change(func(u *url.URL) { u.Path = other.Path }), nil, pubsub.ErrAccessRefused, user)
	openFails(t, change(func(u *url.URL) { u.Scheme = "amqps" }), nil, pubsub.ErrUnavailable, "TLS")
	openFails(t, "amqp://no-such-host.invalid", nil, pubsub.ErrUnavailable, "no-such-host.invalid:5672")
	openFails(t, "http://localhost", nil, pubsub.ErrInvalid)
	openFails(t, good.String(), &rabbitmq.Options{Heartbeat: time.Millisecond}, pubsub.ErrInvalid, "heartbeat")
	openFails(t, good.String(), &rabbitmq.Options{Management: "nonsense"}, pubsub.ErrInvalid, "management")
}

// What is no RabbitMQ: a port where nobody listens, one where somebody hangs
// up, one that says nothing, one that speaks HTTP.
func TestOpenStrangeServers(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	amqp := "amqp://u:secret-password@" + l.Addr().String()
	answers := make(chan func(net.Conn), 3)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			(<-answers)(conn)
		}
	}()
	answers <- func(c net.Conn) { c.Close() }
	openFails(t, amqp, nil, pubsub.ErrUnavailable, l.Addr().String())
	answers <- func(c net.Conn) { io.WriteString(c, "HTTP/1.0 400 Bad Request\r\n\r\n"); c.Close() }
	openFails(t, amqp, nil, pubsub.ErrUnavailable, l.Addr().String())
	hold := make(chan net.Conn, 1)
	answers <- func(c net.Conn) { hold <- c }
	openFails(t, amqp+"?connection_timeout=200", nil, pubsub.ErrUnavailable, "200ms")
	(<-hold).Close()
	answers <- func(c net.Conn) { hold <- c }
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		c := <-hold
		cancel() // while Open waits for an answer
		hold <- c
	}()
	_, err = rabbitmq.Open(ctx, amqp, nil)
	fails(t, err, pubsub.ErrUnavailable)
	fails(t, err, context.Canceled)
	(<-hold).Close()
	l.Close()
	<-done
	openFails(t, amqp, nil, pubsub.ErrUnavailable, "refused")
}

func TestMux(t *testing.T) {
	server := rabbitmqtest.Shared(t)
	mux := pubsub.Mux{"amqp": rabbitmq.Scheme(), "amqps": rabbitmq.Scheme()}
	raw := server.VHost(t)
	b, err := mux.Open(t.Context(), raw+"?connection_name=from+a+test&heartbeat=7&management="+url.QueryEscape(server.ManagementURL()), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if _, err := b.Topology(t.Context()); err != nil {
		t.Error(err)
	}
	u, _ := url.Parse(raw)
	client, err := server.Management(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	names := ""
	for end := time.Now().Add(patience); strings.Count(names, "from a test") < 2; time.Sleep(50 * time.Millisecond) {
		conns, err := client.ListConnectionsOfUser(u.User.Username())
		if err != nil {
			t.Fatal(err)
		}
		names = ""
		for _, c := range conns {
			full, err := client.GetConnection(c.Name)
			if err == nil {
				names += full.ClientProperties["connection_name"].(string) + ";"
			}
		}
		if time.Now().After(end) {
			t.Fatalf("RabbitMQ lists connections named %q; want two from a test", names)
		}
	}
	if !strings.Contains(names, "(publishing)") || !strings.Contains(names, "(consuming)") {
		t.Errorf("RabbitMQ lists connections named %q; want one for each role", names)
	}
	_, err = mux.Open(t.Context(), raw+"?prefetch=1", nil)
	fails(t, err, pubsub.ErrInvalid, "prefetch", "heartbeat")
	// An error must not be hidden in an Adapter that isn't nil.
	a, err := rabbitmq.Scheme().Open(t.Context(), &url.URL{Scheme: "amqp", Host: "127.0.0.1:1"}, slog.New(slog.DiscardHandler))
	if a != nil || !errors.Is(err, pubsub.ErrUnavailable) {
		t.Errorf("got the adapter %v and error %v", a, err)
	}
}

func TestTLS(t *testing.T) {
	node := rabbitmqtest.Run(t, &rabbitmqtest.Options{TLS: true, WithoutManagement: true})
	b := open(t, node.TLSURL(), &rabbitmq.Options{TLS: &tls.Config{RootCAs: node.RootCAs()}})
	q := b.queue(pubsub.TempQueue())
	c := b.consume(q, nil)
	body := strings.Repeat("0123456789abcdef", 1<<16) // more than one record and frame
	b.publish("", q, body)
	b.ok(b.next(c, body).Ack(b.ctx))

	openFails(t, node.TLSURL(), nil, pubsub.ErrUnavailable, "certificate")
	openFails(t, node.TLSURL()+"?server_name_indication=other", &rabbitmq.Options{TLS: &tls.Config{RootCAs: node.RootCAs()}}, pubsub.ErrUnavailable, "other")

	// The management API is off on this node.
	_, err := b.Topology(b.ctx)
	fails(t, err, pubsub.ErrUnsupported, "rabbitmq-plugins enable rabbitmq_management")
}

func TestTopologyFails(t *testing.T) {
	server := rabbitmqtest.Shared(t)
	raw := server.VHost(t)
	u, _ := url.Parse(server.ManagementURL())
	u.User = url.UserPassword("nobody", "secret-password")
	b := open(t, raw, &rabbitmq.Options{Management: u.String()})
	_, err := b.Topology(b.ctx)
	fails(t, err, pubsub.ErrAccessRefused, "management")
	if strings.Contains(err.Error(), "secret") {
		t.Errorf("the error shows the password: %v", err)
	}
	b = open(t, raw, &rabbitmq.Options{Management: server.ManagementURL() + "/elsewhere"})
	_, err = b.Topology(b.ctx)
	fails(t, err, pubsub.ErrUnsupported, "rabbitmq_management")
	ctx, cancel := context.WithCancel(b.ctx)
	cancel()
	_, err = b.Topology(ctx)
	fails(t, err, context.Canceled)
}
