package e2e

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gobindery/bindery/adapters/nats/natstest"
)

// natsServer is an empty virtual host on a NATS server.
func natsServer(t *testing.T) options {
	t.Helper()
	return options{env: natstest.RunServer(t).URL() + "/e2e"}
}

// TestNATSRestart kills the server while emit streams and receive runs, and starts it again:
// both go on, and each line arrives, in its order.
func TestNATSRestart(t *testing.T) {
	const lines = 20_000
	server := natstest.RunServer(t, natstest.OwnProcess())
	f := startFlow(t, options{env: server.URL() + "/e2e"}, lines)
	e, r, got := f.e, f.r, f.got
	if err := server.Kill(); err != nil {
		t.Fatal(err)
	}
	f.goOn()
	if err := server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	e.succeeds(t)
	if want := " [x] Sent 20000 messages\n"; e.out() != want {
		t.Errorf("emit printed %q, want %q", e.out(), want)
	}
	got.wait(t, lines, r)
	r.stop()
	r.succeeds(t)
	for i, line := range got.first {
		if want := fmt.Sprint("line ", i); line != want {
			t.Errorf("%q came where %q was to", line, want)
			break
		}
	}
	t.Logf("%d lines came %d times altogether", lines, got.lines())
}

// TestEmbedded: processes meet at a folder, which outlives them, killed or not.
func TestEmbedded(t *testing.T) {
	o := options{env: "nats+embedded:" + t.TempDir()}
	durable := func(name string, args ...string) *session {
		return spawn(t, o, name, append(args, "--durable")...)
	}
	first := durable("receive", "-Q", "audit", "-n", "1").bound(t)
	second := spawn(t, o, "receive", "--durable").bound(t)
	durable("emit", "one").succeeds(t)
	first.ends(t, 0, bound)
	second.waitOut(t, 1)
	// Now the second has the server.
	if err := second.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	second.wait(t)
	durable("emit", "--persistent", "two").succeeds(t)

	// RabbitMQ's clients are served from it, too.
	amqp := serves(t, "-b", o.env)
	rest := spawn(t, amqp, "receive", "-Q", "audit", "-n", "1", "--durable")
	rest.ends(t, 0, bound)
	if first.out() != "one\n" || second.stdout.(*text).String() != "one\n" || rest.out() != "two\n" {
		t.Errorf("received %q, %q and %q", first.out(), second.out(), rest.out())
	}
}

// TestServeHoldsEmbedded: while serve runs, so does the NATS server in it, also
// between clients: what is not durable stays as long.
func TestServeHoldsEmbedded(t *testing.T) {
	folder := t.TempDir()
	amqp := serves(t, "-b", "nats+embedded:"+folder)
	if _, err := os.Stat(filepath.Join(folder, "nats.url")); err != nil {
		t.Errorf("there is no URL for other NATS clients: %v", err)
	}
	declares := start(t, amqp, "receive", "-Q", "q").bound(t)
	declares.stop()
	declares.succeeds(t)
	start(t, amqp, "emit", "--mandatory", "one").succeeds(t)
	takes := start(t, amqp, "receive", "-Q", "q", "-n", "1")
	takes.ends(t, 0, bound)
	if takes.out() != "one\n" {
		t.Errorf("received %q, want what was sent when nobody else was connected", takes.out())
	}
}

// TestMisuseOnNATS: what RabbitMQ refuses is refused, and the password is
// never shown.
func TestMisuseOnNATS(t *testing.T) {
	server := natstest.RunServer(t, natstest.User("bob", "right"))
	u, err := url.Parse(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	wrong := *u
	wrong.User = url.UserPassword("bob", "hush")
	o := options{env: server.URL()}
	start(t, o, "receive", "-Q", "work").bound(t) // which stays
	for _, c := range []struct{ args, env, stderr string }{
		{"emit hello", wrong.String(), `open broker "nats://bob:xxxxx@` + u.Host + `": connect to NATS: access refused: nats: Authorization Violation; check user and password, token, credentials or nkey (the URL is that of $BINDERY_BROKER)`},
		{"emit -t topic -k a hello", o.env, `declare exchange "logs": precondition failed: inequivalent arg 'type' for exchange 'logs': received 'topic' but current is 'fanout'`},
		{"receive -e more -Q work --durable", o.env, `declare queue "work": precondition failed: inequivalent arg 'durable' for queue 'work' in vhost '/': received 'true' but current is 'false'`},
		{"emit -e others --mandatory hello", o.env, `publish to exchange "others": with key "": unroutable: NO_ROUTE: no queue matches`},
	} {
		args := strings.Split(c.args, " ")
		s := start(t, options{env: c.env}, args[0], args[1:]...)
		if code := s.wait(t); code != 1 || !strings.HasPrefix(s.stderr.String(), args[0]+": "+c.stderr) {
			t.Errorf("%s exited with %d and wrote\n%s\nwant\n%s", c.args, code, s.stderr.String(), c.stderr)
		}
	}
}
