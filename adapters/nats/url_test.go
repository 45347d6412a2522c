package nats

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nkeys"

	"github.com/gobindery/bindery/pubsub"
)

// read reads a URL as Open does, and applies what it says of the user.
func read(t *testing.T, raw string) (*settings, *nats.Options, error) {
	t.Helper()
	u, err := pubsub.ParseURL(raw)
	if err != nil {
		return nil, nil, err
	}
	s, err := readURL(u)
	if err != nil {
		return nil, nil, err
	}
	o := new(nats.Options)
	for _, option := range s.options {
		if err := option(o); err != nil {
			t.Errorf("%s: %v", raw, err)
		}
	}
	return s, o, nil
}

func TestURL(t *testing.T) {
	for _, c := range []struct{ url, servers, vhost, user, password, token string }{
		{"nats:", "nats://localhost", "/", "", "", ""},
		{"nats://", "nats://localhost", "/", "", "", ""},
		{"nats:///orders", "nats://localhost", "orders", "", "", ""},
		{"nats://h", "nats://h", "/", "", "", ""},
		{"nats://h/", "nats://h", "/", "", "", ""},
		{"nats://h//", "nats://h", "/", "", "", ""},
		{"nats://h/%2F", "nats://h", "/", "", "", ""},
		{"nats://h:4222/a%2Fb", "nats://h:4222", "a/b", "", "", ""},
		{"tls://h:4222,[::1]:4223,i/v", "tls://h:4222,tls://[::1]:4223,tls://i", "v", "", "", ""},
		{"nats://bob:p%40ss,w@h:1,i:2/v", "nats://h:1,nats://i:2", "v", "bob", "p@ss,w", ""},
		{"nats://s3cret@h", "nats://h", "/", "", "", "s3cret"},
		{"nats://h?token=s3cret", "nats://h", "/", "", "", "s3cret"},
	} {
		s, o, err := read(t, c.url)
		if err != nil {
			t.Errorf("%s: %v", c.url, err)
			continue
		}
		if s.servers != c.servers || s.vhost != c.vhost || o.User != c.user || o.Password != c.password || o.Token != c.token {
			t.Errorf("%s is servers %s, vhost %s, user %s:%s, token %s", c.url, s.servers, s.vhost, o.User, o.Password, o.Token)
		}
		if c.user == "" && s.user != "guest" || c.user != "" && s.user != c.user {
			t.Errorf("%s: messages must name the user %s", c.url, s.user)
		}
	}
}

func TestParameters(t *testing.T) {
	s, _, err := read(t, "nats://h")
	if err != nil || s.replicas != 1 || s.storage != jetstream.FileStorage || s.ingress || s.timeout != 5*time.Second {
		t.Errorf("by default it is %+v, %v", s, err)
	}
	s, _, err = read(t, "nats://h?replicas=3&storage=memory&ingress=1&connection_timeout=250")
	if err != nil || s.replicas != 3 || s.storage != jetstream.MemoryStorage || !s.ingress || s.timeout != 250*time.Millisecond {
		t.Errorf("it is %+v, %v", s, err)
	}
	user, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	seed, err := user.Seed()
	if err != nil {
		t.Fatal(err)
	}
	public, err := user.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "user.nk")
	if err := os.WriteFile(file, seed, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, o, err := read(t, "nats://h?nkey="+file); err != nil || o.Nkey != public {
		t.Errorf("the nkey is %s, %v; want %s", o.Nkey, err, public)
	}
	if _, o, err := read(t, "nats://h?credentials="+file); err != nil || o.UserJWT == nil || o.SignatureCB == nil {
		t.Errorf("credentials are not used: %v", err)
	}
}

// Each wrong URL is named with what is wrong, and without what is secret in it.
func TestWrongURL(t *testing.T) {
	for url, want := range map[string]string{
		"amqp://h":                                   `unknown scheme "amqp"`,
		"nats:h":                                     "no slashes",
		"nats://h#x":                                 "fragment",
		"nats://u:hush@h,,i":                         "a name is missing",
		"nats://u:hush@h:0":                          "port 0",
		"nats://u:hush@h:99999":                      "port 99999",
		"nats://u:hush@h:x,i:1":                      "can't be read",
		"nats://u:hush@a:1:2,i:1":                    "can't be read",
		"nats://u:hush@:4222":                        "can't be read",
		"nats://u:hush@h:x":                          "malformed URL",
		"nats://u:hush%@h:1,i":                       "malformed URL",
		"nats://h/a/b":                               "contains a slash",
		"nats://h/" + strings.Repeat("x", 256):       "256 bytes",
		"nats://u:hush@h?replicas=0":                 `replicas is "0"`,
		"nats://h?replicas=many":                     `replicas is "many"`,
		"nats://h?storage=disk":                      `storage is "disk"`,
		"nats://h?ingress=yes":                       `ingress is "yes"`,
		"nats://h?connection_timeout=0":              `connection_timeout is "0"`,
		"nats://h?token=":                            "token is empty",
		"nats://h?nkey=/nowhere":                     "nkey: ",
		"nats://h?certfile=/c.pem":                   "both certfile and keyfile",
		"tls://h?cacertfile=/nowhere":                "/nowhere",
		"tls://h?certfile=/nowhere&keyfile=/nowhere": "/nowhere",
		"nats://h?heartbeat=1":                       `unknown parameter "heartbeat"`,
		"nats://h?x=%zz":                             "malformed query",
	} {
		_, _, err := read(t, url)
		if !errors.Is(err, pubsub.ErrInvalid) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: the error is %v; want one with %q", url, err, want)
		}
	}
}

// Errors show URLs without what is secret in them.
func TestRedact(t *testing.T) {
	for raw, want := range map[string]string{
		"nats://u:hush@h:1,i:2/v?replicas=3": "nats://u:xxxxx@h:1,i:2/v?replicas=3",
		"nats://hush@h":                      "nats://xxxxx@h",
		"nats://h?token=hush&replicas=3":     "nats://h?replicas=3&token=xxxxx",
	} {
		u, err := pubsub.ParseURL(raw)
		if err != nil {
			t.Fatal(err)
		}
		if got := redact(u); got != want {
			t.Errorf("%s is shown as %s; want %s", raw, got, want)
		}
	}
}
