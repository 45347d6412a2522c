package pubsub

import (
	"context"
	"log/slog"
	"net/url"
	"strings"
	"testing"
)

// A list of hosts with ports is read as one host is.
func TestParseURL(t *testing.T) {
	for _, c := range []struct{ url, user, host, path, query string }{
		{"nats://a", "", "a", "", ""},
		{"nats://a:1/v", "", "a:1", "/v", ""},
		{"nats://a,b/v", "", "a,b", "/v", ""},
		{"nats://a:1,b:2", "", "a:1,b:2", "", ""},
		{"nats://a:1,b/v%2Fw", "", "a:1,b", "/v%2Fw", ""},
		{"nats://a,[::1]:2,127.0.0.1:3?x=1,2", "", "a,[::1]:2,127.0.0.1:3", "", "x=1,2"},
		{"nats://u:p%40,q@a:1,b:2/v?x=y@z", "u:p%40%2Cq", "a:1,b:2", "/v", "x=y@z"},
		{"nats://a:1,,b:2", "", "a:1,,b:2", "", ""},
	} {
		u, err := ParseURL(c.url)
		if err != nil {
			t.Errorf("%s: %v", c.url, err)
			continue
		}
		user := ""
		if u.User != nil {
			user = u.User.String()
		}
		if user != c.user && user != strings.ReplaceAll(c.user, "%2C", ",") || u.Host != c.host || u.EscapedPath() != c.path || u.RawQuery != c.query {
			t.Errorf("%s is user %q, host %q, path %q, query %q", c.url, user, u.Host, u.EscapedPath(), u.RawQuery)
		}
	}
	for _, raw := range []string{
		"nats://a:hush,b:c", "nats://a:1,b:hush", "nats://a:1,[::1", "nats://a:1,b hush", "nats://u:1,hush/1@host:x",
		"nats://u:hush@a:1,b:2/%zz", "nats://u:hush%@a:1,b:2",
	} {
		u, err := ParseURL(raw)
		if err == nil {
			t.Errorf("%s is %#v; want an error", raw, u)
			continue
		}
		wantErr(t, raw, err, ErrInvalid)
		if strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: the error shows the password: %v", raw, err)
		}
	}
}

// A Mux reads lists of hosts for the schemes that have them, and for no others.
func TestMuxHosts(t *testing.T) {
	var got *url.URL
	open := func(_ context.Context, u *url.URL, _ *slog.Logger) (Adapter, error) {
		got = u
		return &fakeAdapter{}, nil
	}
	mux := Mux{"many": {Open: open, Hosts: true}, "one": {Open: open}}
	b, err := mux.Open(t.Context(), "many://u:p@a:1,b/v", nil)
	if err != nil {
		t.Fatal(err)
	}
	wantErr(t, "close", b.Close())
	if got.Host != "a:1,b" || got.Path != "/v" {
		t.Errorf("the scheme got %v", got)
	}
	_, err = mux.Open(t.Context(), "one://u:hush@a:1,b/v", nil)
	wantErr(t, "a scheme of one host", err, ErrInvalid)
	if err != nil && strings.Contains(err.Error(), "hush") {
		t.Errorf("the error shows the password: %v", err)
	}
}

// A scheme may hide more than the password.
func TestMuxRedacts(t *testing.T) {
	mux := Mux{"secret": {Redact: func(u *url.URL) string { return u.Scheme + ":hidden" }}}
	_, err := mux.Open(t.Context(), "secret://hush?x=hush", nil)
	wantErr(t, "an unknown parameter", err, ErrInvalid)
	if err != nil && (strings.Contains(err.Error(), "hush") || !strings.Contains(err.Error(), `"secret:hidden"`)) {
		t.Errorf("the error is %v", err)
	}
}
