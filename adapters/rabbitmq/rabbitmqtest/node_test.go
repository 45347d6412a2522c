package rabbitmqtest_test

import (
	"crypto/tls"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	amqp091 "github.com/rabbitmq/amqp091-go"

	"github.com/gobindery/bindery/adapters/rabbitmq/rabbitmqtest"
)

// One node goes through its whole life, since each start takes seconds.
func TestNodeLife(t *testing.T) {
	t.Parallel()
	n := rabbitmqtest.Run(t, &rabbitmqtest.Options{TLS: true, Config: "heartbeat = 7"})

	t.Run("publish and consume", func(t *testing.T) {
		_, ch := dial(t, n.VHost(t), nil)
		declare(t, ch, "q")
		publish(t, ch, "q", "hello")
		if got := consumeOne(t, ch, "q"); got != "hello" {
			t.Errorf("got %q, want hello", got)
		}
	})

	t.Run("config is used", func(t *testing.T) {
		conn, _ := dial(t, n.URL(), nil)
		if got := conn.Config.Heartbeat; got != 7*time.Second {
			t.Errorf("the server asks for a heartbeat every %v, want 7s", got)
		}
	})

	t.Run("tls", func(t *testing.T) {
		vhost, err := url.Parse(n.VHost(t))
		if err != nil {
			t.Fatal(err)
		}
		secure, err := url.Parse(n.TLSURL())
		if err != nil {
			t.Fatal(err)
		}
		secure.User, secure.Path = vhost.User, vhost.Path
		_, ch := dial(t, secure.String(), &tls.Config{RootCAs: n.RootCAs()})
		declare(t, ch, "q")

		conn, err := amqp091.DialTLS(secure.String(), &tls.Config{})
		if err == nil {
			conn.Close()
			t.Error("a client without the node's authority must not trust the node")
		}
	})

	// Confirmed means on disk, for a persistent message in a durable queue.
	vhost := n.VHost(t)
	before := n.URL()
	conn, ch := dial(t, vhost, nil)
	declare(t, ch, "kept")
	publish(t, ch, "kept", "over the restart")
	publish(t, ch, "kept", "over the restart too")

	t.Run("restart", func(t *testing.T) {
		closed := conn.NotifyClose(make(chan *amqp091.Error, 1))
		if err := n.Restart(within(t)); err != nil {
			t.Fatal(err)
		}
		<-closed // how it is told is a matter of luck: see Shutdown
		_, ch := dial(t, vhost, nil)
		if got := consumeOne(t, ch, "kept"); got != "over the restart" {
			t.Errorf("got %q", got)
		}
	})

	t.Run("kill and restart", func(t *testing.T) {
		conn, ch := dial(t, vhost, nil)
		declare(t, ch, "kept over the kill")
		publish(t, ch, "kept over the kill", "hello again")
		if err := n.Flush(within(t)); err != nil {
			t.Fatal(err)
		}
		closed := conn.NotifyClose(make(chan *amqp091.Error, 1))
		if err := n.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := <-closed; err != nil && err.Code == amqp091.ConnectionForced {
			t.Errorf("the connection ended with %v, as if nobody had killed the node", err)
		}
		if conn, err := amqp091.Dial(vhost); err == nil {
			conn.Close()
			t.Fatal("the node still takes connections")
		}
		for name, end := range map[string]func() error{"kill": n.Kill, "shutdown": n.Shutdown} {
			if err := end(); err == nil || !strings.Contains(err.Error(), "not running") {
				t.Errorf("%s after kill: got %v", name, err)
			}
		}
		if err := n.Restart(within(t)); err != nil {
			t.Fatal(err)
		}
		_, ch = dial(t, vhost, nil)
		if got := consumeOne(t, ch, "kept over the kill"); got != "hello again" {
			t.Errorf("got %q", got)
		}
	})

	if n.URL() != before {
		t.Errorf("the URL was %s and became %s", before, n.URL())
	}

	t.Run("stop leaves no trace", func(t *testing.T) {
		folder := folderOf(t, n)
		if err := n.Stop(); err != nil {
			t.Fatal(err)
		}
		mustLeaveNoTrace(t, folder)
		if err := n.Stop(); err != nil {
			t.Errorf("second stop: %v", err)
		}
		if err := n.Restart(within(t)); err == nil || !strings.Contains(err.Error(), "start another") {
			t.Errorf("restart after stop: got %v", err)
		}
	})
}

func TestTwoNodesAtOnce(t *testing.T) {
	t.Parallel()
	a := rabbitmqtest.Shared(t)
	b := rabbitmqtest.Run(t, &rabbitmqtest.Options{WithoutManagement: true})
	if a.URL() == b.URL() {
		t.Fatalf("both nodes are %s", a.URL())
	}
	_, chA := dial(t, a.URL(), nil)
	_, chB := dial(t, b.URL(), nil)
	for _, ch := range []*amqp091.Channel{chA, chB} {
		if _, err := ch.QueueDeclare("same-name", false, true, true, false, nil); err != nil {
			t.Fatal(err)
		}
	}
	publish(t, chA, "same-name", "a")
	publish(t, chB, "same-name", "b")
	if got := consumeOne(t, chA, "same-name"); got != "a" {
		t.Errorf("first node: got %q", got)
	}
	if got := consumeOne(t, chB, "same-name"); got != "b" {
		t.Errorf("second node: got %q", got)
	}

	t.Run("without management", func(t *testing.T) {
		if u := b.ManagementURL(); u != "" {
			t.Errorf("management URL: got %q, want none", u)
		}
		message := rabbitmqtest.FatalMessage(t, func(tb testing.TB) { b.VHost(tb) })
		mustContain(t, message, "create the virtual host", "without the management plugin")
	})

	t.Run("loopback only", func(t *testing.T) {
		for _, u := range []string{a.URL(), a.ManagementURL(), b.URL()} {
			parsed, err := url.Parse(u)
			if err != nil {
				t.Fatal(err)
			}
			if !net.ParseIP(parsed.Hostname()).IsLoopback() {
				t.Errorf("%s is not on the loopback interface", u)
			}
		}
	})

	t.Run("ctl", func(t *testing.T) {
		conn, ch := dial(t, b.URL(), nil)
		declare(t, ch, "blocked")
		blocked := conn.NotifyBlocked(make(chan amqp091.Blocking, 2))
		if _, err := b.Ctl(within(t), "set_vm_memory_high_watermark", "0"); err != nil {
			t.Fatal(err)
		}
		// RabbitMQ tells a connection when it publishes.
		if _, err := ch.PublishWithDeferredConfirmWithContext(within(t), "", "blocked", false, false, amqp091.Publishing{}); err != nil {
			t.Fatal(err)
		}
		// A blocked connection cannot even be closed: RabbitMQ reads nothing from it.
		await := func(active bool) {
			t.Helper()
			select {
			case s := <-blocked:
				if s.Active != active {
					t.Errorf("got blocked = %v, want %v", s.Active, active)
				}
			case <-within(t).Done():
				t.Fatalf("blocked = %v did not come", active)
			}
		}
		await(true)
		if _, err := b.Ctl(within(t), "set_vm_memory_high_watermark", "0.8"); err != nil {
			t.Fatal(err)
		}
		await(false)
		_, err := b.Ctl(within(t), "no_such_command")
		if err == nil {
			t.Fatal("an unknown command succeeded")
		}
		mustContain(t, err.Error(), "rabbitmqctl no_such_command")
	})

	// Its queues and channels stop, and do their work.
	t.Run("stall", func(t *testing.T) {
		_, ch := dial(t, b.URL(), nil)
		declare(t, ch, "stalls")
		// Whether some of many looks at processes of each kind see one suspended.
		suspended := func() string {
			t.Helper()
			out, err := b.Ctl(within(t), "eval", `
				Look = fun(Of) -> lists:any(fun(_) -> timer:sleep(1), lists:any(fun(P) -> process_info(P, status) =:= {status, suspended} end, Of()) end, lists:seq(1, 500)) end,
				{Look(fun() -> pg_local:get_members(rabbit_channels) end),
				 Look(fun() -> [amqqueue:get_pid(Q) || Q <- rabbit_amqqueue:list()] end)}.`)
			if err != nil {
				t.Fatal(err)
			}
			return strings.TrimSpace(out)
		}
		if got := suspended(); got != "{false,false}" {
			t.Fatalf("before, channels and queues are suspended: %s", got)
		}
		if err := b.Stall(within(t)); err != nil {
			t.Fatal(err)
		}
		if got := suspended(); got != "{true,true}" {
			t.Errorf("channels and queues are suspended: %s", got)
		}
		publish(t, ch, "stalls", "hello")
		if got := consumeOne(t, ch, "stalls"); got != "hello" {
			t.Errorf("got %q, want hello", got)
		}
	})
}

func TestStartFails(t *testing.T) {
	t.Parallel()
	t.Run("bad config", func(t *testing.T) {
		_, err := rabbitmqtest.Start(within(t), &rabbitmqtest.Options{Config: "no_such_setting = 1"})
		if err == nil {
			t.Fatal("the node started")
		}
		mustContain(t, err.Error(), "start a RabbitMQ node", "no_such_setting")
	})
	t.Run("no server", func(t *testing.T) {
		_, err := rabbitmqtest.Start(within(t), &rabbitmqtest.Options{Server: "/no/such/rabbitmq-server"})
		if err == nil {
			t.Fatal("the node started")
		}
		mustContain(t, err.Error(), "/no/such/rabbitmq-server")
	})
}
