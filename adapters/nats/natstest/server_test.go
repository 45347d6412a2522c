package natstest_test

import (
	"context"
	"errors"
	"net/url"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/goleak"

	"github.com/gobindery/bindery/adapters/nats/natstest"
)

// waitToBeKilled is for TestHardDeath.
var waitToBeKilled = func() {}

func TestMain(m *testing.M) {
	tests := natstest.Main(m)
	waitToBeKilled()
	goleak.VerifyTestMain(tests, natstest.LeakOptions()...)
}

// A server keeps streams in memory and in files; the files are there after a
// restart.
func TestServer(t *testing.T) {
	t.Parallel()
	restart(t, natstest.RunServer(t))
}

func restart(t *testing.T, s *natstest.Server) {
	t.Helper()
	js := connect(t, s.URL())
	ctx := within(t)
	for name, storage := range map[string]jetstream.StorageType{"S": jetstream.FileStorage, "M": jetstream.MemoryStorage} {
		_, err := js.CreateStream(ctx, jetstream.StreamConfig{Name: name, Storage: storage})
		must(t, err)
		_, err = js.Publish(ctx, name, []byte("kept"))
		must(t, err)
	}
	before := s.URL()
	must(t, s.Restart(ctx))
	if s.URL() != before {
		t.Errorf("the URL was %s and is %s", before, s.URL())
	}
	expectKept(t, s.URL())
}

// A server in a process of its own keeps its streams, too, through a restart and
// when it is killed.
func TestOwnProcess(t *testing.T) {
	t.Parallel()
	s := natstest.RunServer(t, natstest.OwnProcess())
	restart(t, s)
	must(t, s.Kill())
	if err := s.Kill(); err == nil {
		t.Error("it was killed twice")
	}
	must(t, s.Restart(within(t)))
	expectKept(t, s.URL())
	if s.Embedded() != nil {
		t.Error("it runs in this process")
	}
}

// A server inside the test cannot be killed, and says what to do.
func TestKillEmbedded(t *testing.T) {
	t.Parallel()
	err := natstest.RunServer(t).Kill()
	if err == nil || !strings.Contains(err.Error(), "OwnProcess") {
		t.Errorf("it says %v", err)
	}
}

// Debian's server is an older one.
func TestDebian(t *testing.T) {
	t.Parallel()
	s := natstest.RunServer(t, natstest.Debian())
	restart(t, s)
	v := connect(t, s.URL()).Conn().ConnectedServerVersion()
	out, err := exec.Command("/usr/sbin/nats-server", "--version").Output()
	must(t, err)
	if !strings.HasSuffix(strings.TrimSpace(string(out)), "v"+v) {
		t.Errorf("the server is of version %s, and Debian's program says %s", v, out)
	}
}

// The user and password are asked for, and part of the URL.
func TestUser(t *testing.T) {
	t.Parallel()
	s := natstest.RunServer(t, natstest.User("bob", `p@ss "word"`))
	_, err := connect(t, s.URL()).AccountInfo(within(t))
	must(t, err)
	u, err := url.Parse(s.URL())
	must(t, err)
	u.User = nil
	if nc, err := nats.Connect(u.String()); !errors.Is(err, nats.ErrAuthorization) {
		nc.Close()
		t.Errorf("without them: %v", err)
	}
}

// A test sees what the server has, and can set what it likes.
func TestConfig(t *testing.T) {
	t.Parallel()
	s := natstest.RunServer(t, natstest.Config("max_payload: 1000"), natstest.Config("max_payload: 2000"))
	if got := connect(t, s.URL()).Conn().MaxPayload(); got != 2000 {
		t.Errorf("the client is told of %d bytes", got)
	}
	if name := s.Embedded().Name(); name != s.Name() {
		t.Errorf("the server's name is %s, want %s", name, s.Name())
	}
	must(t, s.Shutdown())
	if s.Embedded() != nil {
		t.Error("it is there after its end")
	}
}

// Several servers share nothing.
func TestSeparate(t *testing.T) {
	t.Parallel()
	one, two := natstest.RunServer(t), natstest.RunServer(t)
	_, err := connect(t, one.URL()).CreateStream(within(t), jetstream.StreamConfig{Name: "S"})
	must(t, err)
	if _, err := connect(t, two.URL()).Stream(within(t), "S"); !errors.Is(err, jetstream.ErrStreamNotFound) {
		t.Errorf("the other server: %v", err)
	}
}

// expectKept fails unless the first message of the stream S is there.
func expectKept(t *testing.T, url string) {
	t.Helper()
	ctx := within(t)
	stream, err := connect(t, url).Stream(ctx, "S")
	must(t, err)
	m, err := stream.GetMsg(ctx, 1)
	must(t, err)
	if string(m.Data) != "kept" {
		t.Errorf("got %q", m.Data)
	}
}

// connect opens a connection that is closed with the test.
func connect(t *testing.T, url string, options ...nats.Option) jetstream.JetStream {
	t.Helper()
	nc, err := nats.Connect(url, options...)
	must(t, err)
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	must(t, err)
	return js
}

// within bounds a test's steps by more than a busy machine needs.
func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}
