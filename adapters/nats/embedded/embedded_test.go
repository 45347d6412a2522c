package embedded_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	natsgo "github.com/nats-io/nats.go"

	"github.com/gobindery/bindery/adapters/nats/embedded"
	"github.com/gobindery/bindery/pubsub"
)

var backends = pubsub.Mux{"nats+embedded": embedded.Scheme()}

// within bounds a test's steps by more than a busy machine needs.
func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// open opens a folder; parameters may be empty.
func open(t *testing.T, path, parameters string) *pubsub.Broker {
	t.Helper()
	b, err := backends.Open(within(t), "nats+embedded:"+path+parameters, nil)
	must(t, err)
	t.Cleanup(func() { b.Close() })
	return b
}

// put publishes a text to the durable queue "kept", which it makes.
func put(t *testing.T, b *pubsub.Broker, text string) {
	t.Helper()
	ctx := within(t)
	_, err := b.DeclareQueue(ctx, pubsub.Queue{Name: "kept", Durable: true})
	must(t, err)
	must(t, b.Publish(ctx, "", "kept", pubsub.Message{Body: []byte(text)}, pubsub.Mandatory))
}

// expect takes texts out of the queue.
func expect(t *testing.T, b *pubsub.Broker, texts ...string) {
	t.Helper()
	ctx := within(t)
	for _, want := range texts {
		d, ok, err := b.Get(ctx, "kept", nil)
		must(t, err)
		if !ok || string(d.Body) != want {
			t.Fatalf("the queue has %v, %v; want %s", d, ok, want)
		}
		must(t, d.Ack(ctx))
	}
	if _, ok, err := b.Get(ctx, "kept", nil); ok || err != nil {
		t.Errorf("there is more in the queue, or %v", err)
	}
}

// What is durable is there when the folder is opened again.
func TestDurable(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "new", "folder")
	for _, parameters := range []string{"", "?sync=always", "?sync=interval&vhost=%2F"} {
		b := open(t, path, parameters)
		put(t, b, "one")
		must(t, b.Close())
		b = open(t, path, "")
		expect(t, b, "one")
		must(t, b.Close())
	}
}

// Connections of one process meet, each in its vhost, and the last one ends the server.
func TestShared(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	link := filepath.Join(t.TempDir(), "link")
	must(t, os.Symlink(path, link))
	one, two, other := open(t, path, ""), open(t, link, ""), open(t, path, "?vhost=v")
	put(t, one, "one")
	put(t, other, "other")
	must(t, one.Close())
	must(t, one.Close())
	expect(t, two, "one")
	expect(t, other, "other")

	// A plain client finds the server by its URL.
	text, err := os.ReadFile(filepath.Join(path, "nats.url"))
	must(t, err)
	url := strings.TrimSpace(string(text))
	nc, err := natsgo.Connect(url)
	must(t, err)
	nc.Close()
	if nc, err := natsgo.Connect("nats://" + strings.SplitN(url, "@", 2)[1]); !errors.Is(err, natsgo.ErrAuthorization) {
		nc.Close()
		t.Errorf("without the token: %v", err)
	}
	must(t, two.Close())
	must(t, other.Close())
	if nc, err := natsgo.Connect(url); err == nil {
		nc.Close()
		t.Error("the server runs when nobody needs it")
	}
}

// A second process joins the first one's server. When the first ends, or is killed,
// the second goes on with what was stored.
func TestProcesses(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	first := openElsewhere(t, path)
	b := open(t, path, "")
	put(t, b, "one")
	first.end(t)
	put(t, b, "two")

	third := openElsewhere(t, path) // which joins
	must(t, b.Close())
	b = open(t, path, "") // while the third takes over
	put(t, b, "three")
	third.kill(t)
	put(t, b, "four")
	expect(t, b, "one", "two", "three", "four")
}

func TestWrongUse(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(file, nil, 0o600))
	for _, c := range []struct {
		url  string
		kind error
		want string
	}{
		{"nats+embedded:", pubsub.ErrInvalid, "the URL names no folder; write nats+embedded:FOLDER"},
		{"nats+embedded://data/x", pubsub.ErrInvalid, "two slashes"},
		{"nats+embedded:%zz", pubsub.ErrInvalid, "the folder: invalid URL escape"},
		{"nats+embedded:x?sync=never", pubsub.ErrInvalid, `sync is "never"`},
		{"nats+embedded:x?ingress=2", pubsub.ErrInvalid, `ingress is "2"`},
		{"nats+embedded:x?vhost=" + strings.Repeat("v", 256), pubsub.ErrInvalid, "256 bytes"},
		{"nats+embedded:x?replicas=3", pubsub.ErrInvalid, "known for nats+embedded are: ingress, sync, vhost"},
		{"nats+embedded:" + file, pubsub.ErrUnavailable, "not a directory"},
	} {
		_, err := backends.Open(within(t), c.url, nil)
		if !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: the error is %v; want one with %q", c.url, err, c.want)
		}
	}
}
