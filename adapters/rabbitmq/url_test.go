package rabbitmq

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/gobindery/bindery/pubsub"
)

func TestURL(t *testing.T) {
	plain := address{host: "localhost", port: "5672", user: "guest", password: "guest", vhost: "/"}
	with := func(change func(*address)) address {
		a := plain
		change(&a)
		return a
	}
	for url, want := range map[string]address{
		"amqp://":                plain,
		"amqp://localhost":       plain,
		"amqp://localhost/":      plain,
		"amqp://localhost//":     plain, // as Kombu writes it
		"amqp://localhost/%2F":   plain,
		"amqp://localhost/%2f":   plain,
		"amqp:///v":              with(func(a *address) { a.vhost = "v" }),
		"amqp://h/a%2Fb%20c":     with(func(a *address) { a.host, a.vhost = "h", "a/b c" }),
		"amqp://h:1/%C3%BC":      with(func(a *address) { a.host, a.port, a.vhost = "h", "1", "ü" }),
		"amqp://[::1]:5":         with(func(a *address) { a.host, a.port = "::1", "5" }),
		"amqp://u@h":             with(func(a *address) { a.host, a.user = "h", "u" }),
		"amqp://u:@h":            with(func(a *address) { a.host, a.user, a.password = "h", "u", "" }),
		"amqp://a%40b:p%2F%3A@h": with(func(a *address) { a.host, a.user, a.password = "h", "a@b", "p/:" }),
		"amqps://h":              with(func(a *address) { a.host, a.port, a.tls = "h", "5671", true }),
		"amqp://?heartbeat=5&connection_timeout=700&connection_name=n&management=http://m:1": with(func(a *address) {
			a.heartbeat, a.timeout, a.name, a.management = 5*time.Second, 700*time.Millisecond, "n", "http://m:1"
		}),
		"amqps://?cacertfile=ca&certfile=c&keyfile=k&server_name_indication=s": with(func(a *address) {
			a.port, a.tls, a.caFile, a.certFile, a.keyFile, a.serverName = "5671", true, "ca", "c", "k", "s"
		}),
	} {
		got, err := parseURL(url)
		if err != nil {
			t.Errorf("%s: %v", url, err)
		} else if *got != want {
			t.Errorf("%s:\ngot  %+v\nwant %+v", url, *got, want)
		}
	}
}

func TestBadURL(t *testing.T) {
	for url, word := range map[string]string{
		"http://h":                             "amqps",
		"amqp:h":                               "amqp://h",
		"amqp://u:secret@h:port":               "port",
		"amqp://u:secret@h:0":                  "65535",
		"amqp://u:secret@h:70000":              "65535",
		"amqp://u:sec%ret@h":                   "percent-encode",
		"amqp://h/a/b":                         "%2F",
		"amqp://h/%zz":                         "%zz",
		"amqp://h#x":                           "%23",
		"amqp://h/" + strings.Repeat("v", 256): "255",
		"amqp://h?heartbeat=x":                 "heartbeat",
		"amqp://h?heartbeat=0":                 "heartbeat",
		"amqp://h?heartbeat=65536":             "65535",
		"amqp://h?connection_timeout=-1":       "connection_timeout",
		"amqp://h?prefetch=3":                  "prefetch",
		"amqp://h?a=%zz":                       "query",
		"amqp://h?cacertfile=x":                "amqps",
		"amqps://h?certfile=x":                 "keyfile",
	} {
		_, err := parseURL(url)
		if !errors.Is(err, pubsub.ErrInvalid) || !strings.Contains(err.Error(), word) {
			t.Errorf("%s: got error %v; want one that is invalid, with %q in it", url, err, word)
		}
		if err != nil && strings.Contains(err.Error(), "sec") {
			t.Errorf("%s: the error shows the password: %v", url, err)
		}
	}
}

func TestManagementURL(t *testing.T) {
	for _, c := range []struct{ url, given, want string }{
		{"amqp://h", "", "http://h:15672"},
		{"amqps://h", "", "https://h:15671"},
		{"amqp://[::1]", "", "http://[::1]:15672"},
		{"amqp://h", "https://m/path", "https://m/path"},
		{"amqp://h?management=http%3A%2F%2Furl%3A1", "http://option:2", "http://url:1"},
	} {
		a, err := parseURL(c.url)
		if err != nil {
			t.Fatal(err)
		}
		u, err := managementURL(a, c.given)
		if err != nil || u.String() != c.want {
			t.Errorf("%s, %q: got %v, error %v; want %s", c.url, c.given, u, err, c.want)
		}
	}
	for _, bad := range []string{"m:15672", "ftp://m", "http://", "http://u:secret@m:x"} {
		_, err := managementURL(&address{host: "h"}, bad)
		if !errors.Is(err, pubsub.ErrInvalid) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: got error %v; want one that is invalid, without the password", bad, err)
		}
	}
}
