package pubsub

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"testing"
)

// testMux has a scheme that opens, one that does not, and one without help.
func testMux(open func(*url.URL, *slog.Logger)) Mux {
	return Mux{
		"good": {
			Example:    "good://host",
			Parameters: map[string]string{"heartbeat": "seconds", "ca": "file"},
			Open: func(_ context.Context, u *url.URL, log *slog.Logger) (Adapter, error) {
				open(u, log)
				return &fakeAdapter{}, nil
			},
		},
		"bad": {
			Example: "bad://host",
			Open: func(context.Context, *url.URL, *slog.Logger) (Adapter, error) {
				return nil, fmt.Errorf("%w: dial tcp: connection refused", ErrUnavailable)
			},
		},
		"plain": {},
	}
}

func TestMuxOpens(t *testing.T) {
	var got *url.URL
	var log *slog.Logger
	mux := testMux(func(u *url.URL, l *slog.Logger) { got, log = u, l })
	b, err := mux.Open(t.Context(), "GOOD://u:p@host:1/v%2Fw?heartbeat=5&ca=/a@b", nil)
	if err != nil {
		t.Fatal(err)
	}
	if got.Hostname() != "host" || got.EscapedPath() != "/v%2Fw" || got.Query().Get("ca") != "/a@b" {
		t.Errorf("the scheme got %v", got)
	}
	if log == nil || log.Enabled(t.Context(), slog.LevelError) {
		t.Error("without options, the logger is nil or not silent")
	}
	wantErr(t, "publish", b.Publish(t.Context(), "e", "k", Message{}))
	if _, ok := b.Adapter().(*fakeAdapter); !ok {
		t.Errorf("the adapter is a %T", b.Adapter())
	}

	mine := slog.New(slog.DiscardHandler)
	b, err = mux.Open(t.Context(), "good://host", &Options{Logger: mine, MaxInFlight: 7})
	wantErr(t, "open", err)
	if log != mine || b.publishing.limit != 7 {
		t.Error("the options got lost")
	}
}

func TestMuxErrors(t *testing.T) {
	const schemes = "use one of bad://host, good://host, plain:"
	const encode = "percent-encode what is special in user, password and vhost"
	for _, c := range []struct {
		url  string
		want string
		err  error
	}{
		{"kafka://host", `open broker "kafka://host": invalid argument: unknown scheme "kafka"; ` + schemes, ErrInvalid},
		{"", `open broker "": invalid argument: unknown scheme ""; ` + schemes, ErrInvalid},
		{"localhost:5672", `open broker "localhost:5672": invalid argument: unknown scheme "localhost"; ` + schemes, ErrInvalid},
		{"good://host?heartbeat=1&hartbeat=2", `open broker "good://host?heartbeat=1&hartbeat=2": invalid argument: unknown parameter "hartbeat"; known for good are: ca, heartbeat`, ErrInvalid},
		{"plain:?x", `open broker "plain:?x": invalid argument: unknown parameter "x"; known for plain are: none`, ErrInvalid},
		{"good://host?ca=1&ca=2", `open broker "good://host?ca=1&ca=2": invalid argument: parameter "ca" is there 2 times; give it once`, ErrInvalid},
		{"good://host?ca=%zz", `open broker "good://host?ca=%zz": invalid argument: malformed query: invalid URL escape "%zz"`, ErrInvalid},
		{"good://host/%zz", `open broker: invalid argument: malformed URL: invalid URL escape "%zz"; ` + encode, ErrInvalid},
		{"good://ho st", `open broker: invalid argument: malformed URL: invalid character " " in host name; ` + encode, ErrInvalid},
		{"good://host:x", `open broker: invalid argument: malformed URL: the host or the port can't be read; ` + encode, ErrInvalid},
		{":", `open broker: invalid argument: malformed URL: missing protocol scheme; ` + encode, ErrInvalid},
		{"bad://u:secret@host/v", `open broker "bad://u:xxxxx@host/v": broker unavailable: dial tcp: connection refused`, ErrUnavailable},
	} {
		b, err := testMux(nil).Open(t.Context(), c.url, nil)
		if b != nil || err == nil {
			t.Errorf("%q opened", c.url)
			continue
		}
		wantErr(t, c.url, err, c.err)
		if err.Error() != c.want {
			t.Errorf("%q:\n got %s\nwant %s", c.url, err, c.want)
		}
		if _, ok := errors.AsType[*Error](err); !ok {
			t.Errorf("%q: the error is no *Error", c.url)
		}
	}
}

// TestMuxHidesPassword: whatever is wrong with a URL, no piece of the password
// is in the error. In each URL, the password has the letters hush.
func TestMuxHidesPassword(t *testing.T) {
	for _, u := range []string{
		"kafka://u:hush@host",
		"bad://u:hush@host/v",
		"bad://u:hush%@host",
		"bad://u:hush@host?x=1",
		"bad://u:hush@ho st",
		"bad://u:hush@host:port",
		"bad://u:hush@[::1",
		"bad://u:hush hush@host",
		"bad://u:hu/hush@host/v",
		"bad://u:hush/1@host/v",
		"bad://u:hush#1@host/v",
		"bad://u:hush?1@host/v",
		"bad://u:1/hush@host/v?x",
		"bad://u:1#hush@host/v?x",
		"bad://u:1?hush@host/v",
		"bad://u:1?a&hush=1@host/v",
		"bad://u:1?hush=1@host/v",
		"bad://[u:hush@host",
		"bad:u:hush@host?x",
		"bad:/u:hush@host?x",
		"bad//u:hush@host",
		"u:hush@host:5672",
		"://u:hush@host",
		"bad:u:hush@host",
	} {
		_, err := testMux(nil).Open(t.Context(), u, nil)
		if err == nil {
			t.Errorf("%q opened", u)
			continue
		}
		if strings.Contains(err.Error(), "hush") || strings.Contains(err.Error(), "hu/") {
			t.Errorf("%q: the error shows the password: %s", u, err)
		}
	}
}
