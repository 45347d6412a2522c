package page

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobindery/bindery/pubsub"
)

// fake is a broker that answers as a test says.
type fake struct {
	topology func() (pubsub.Topology, error)
	publish  func(exchange, key string, m pubsub.Message) error
}

func (f *fake) Topology(context.Context) (pubsub.Topology, error) { return f.topology() }

func (f *fake) Publish(_ context.Context, exchange, key string, m pubsub.Message, opts ...pubsub.PublishOption) error {
	if len(opts) != 1 || opts[0] != pubsub.Mandatory {
		return fmt.Errorf("the options are %v", opts)
	}
	return f.publish(exchange, key, m)
}

// Only this machine's own page is answered, under a loopback name.
func TestGuard(t *testing.T) {
	p := New(&fake{}, "b")
	defer p.Close()
	for _, tt := range []struct {
		host, method, path, origin, site, mode string
		want                                   int
	}{
		{host: "127.0.0.1:8080", path: "/", want: 200},
		{host: "localhost:8080", path: "/", want: 200},
		{host: "LOCALHOST", path: "/", want: 200},
		{host: "[::1]:8080", path: "/assets/app.js", want: 200},
		{host: "evil.example:8080", path: "/", want: 421},
		{host: "127.0.0.1.evil.example", path: "/", want: 421},
		{host: "192.168.1.1:8080", path: "/", want: 421},
		{host: "127.0.0.1:8080", path: "/", origin: "http://127.0.0.1:8080", want: 200},
		{host: "127.0.0.1:8080", path: "/", origin: "http://evil.example", want: 403},
		{host: "127.0.0.1:8080", path: "/", origin: "http://127.0.0.1:9090", want: 403},
		{host: "127.0.0.1:8080", path: "/", origin: "null", want: 403},
		{host: "127.0.0.1:8080", path: "/", site: "cross-site", mode: "navigate", want: 200},
		{host: "127.0.0.1:8080", path: "/", site: "cross-site", mode: "no-cors", want: 403},
		{host: "127.0.0.1:8080", path: "/events", site: "cross-site", mode: "no-cors", want: 403},
		{host: "127.0.0.1:8080", path: "/assets/app.js", site: "same-site", want: 403},
		{host: "127.0.0.1:8080", path: "/assets/app.js", site: "same-origin", want: 200},
		{host: "127.0.0.1:8080", path: "/events?rows=no", want: 400},
		{host: "127.0.0.1:8080", path: "/nothing", want: 404},
		{host: "127.0.0.1:8080", method: "POST", path: "/publish", want: 403},
	} {
		r := httptest.NewRequest(cmp.Or(tt.method, "GET"), tt.path, nil)
		r.Host = tt.host
		for name, value := range map[string]string{"Origin": tt.origin, "Sec-Fetch-Site": tt.site, "Sec-Fetch-Mode": tt.mode} {
			if value != "" {
				r.Header.Set(name, value)
			}
		}
		w := httptest.NewRecorder()
		p.ServeHTTP(w, r)
		if w.Code != tt.want {
			t.Errorf("%+v: got %d", tt, w.Code)
		}
		if !strings.Contains(w.Header().Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("%+v: no policy", tt)
		}
	}
}

func TestListen(t *testing.T) {
	for _, address := range []string{"0.0.0.0:0", ":0", "192.168.0.1:0", "example.org:80", "[::]:0", "127.0.0.1"} {
		l, err := Listen(address)
		if err == nil {
			l.Close()
			t.Errorf("it listens on %q", address)
		} else if !strings.Contains(err.Error(), "127.0.0.1") {
			t.Errorf("%q: %v; want what would be right", address, err)
		}
	}
	l, err := Listen("localhost:0")
	must(t, err)
	p := New(&fake{}, "b")
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- p.Serve(ctx, l) }()
	r, err := http.Get("http://" + l.Addr().String() + "/")
	must(t, err)
	text, err := io.ReadAll(r.Body)
	must(t, err)
	r.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	if !strings.Contains(string(text), `content="`+p.token) {
		t.Errorf("the page has no token:\n%s", text)
	}
	cancel()
	must(t, <-served)
}

// Each outcome of a publish has its word.
func TestPublish(t *testing.T) {
	var got pubsub.Message
	var answer error
	p := New(&fake{publish: func(exchange, key string, m pubsub.Message) error {
		if exchange != "e" || key != "k" {
			t.Errorf("published to %q with %q", exchange, key)
		}
		got = m
		return answer
	}}, "b")
	defer p.Close()
	post := func(token, kind, body string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("POST", "/publish", strings.NewReader(body))
		r.Host = "127.0.0.1:1"
		r.Header.Set(tokenHeader, token)
		r.Header.Set("Content-Type", kind)
		w := httptest.NewRecorder()
		p.ServeHTTP(w, r)
		return w
	}
	const body = `{"exchange":"e","key":"k","headers":"a=1\nb:=2","body":"text"}`
	for _, tt := range []struct {
		err  error
		want string
	}{
		{nil, "taken"},
		{pubsub.ErrUnroutable, "unroutable"},
		{pubsub.ErrRefused, "refused"},
		{pubsub.ErrUnconfirmed, "unknown"},
		{pubsub.ErrNotFound, "failed"},
	} {
		answer = tt.err
		var out outcome
		must(t, json.Unmarshal(post(p.token, "application/json", body).Body.Bytes(), &out))
		if out.Outcome != tt.want || out.Text == "" {
			t.Errorf("%v: got %+v", tt.err, out)
		}
	}
	if !got.Headers.Equal(pubsub.Table{"a": "1", "b": int64(2)}) || string(got.Body) != "text" {
		t.Errorf("published %+v", got)
	}
	var out outcome
	must(t, json.Unmarshal(post(p.token, "application/json", `{"headers":"nothing"}`).Body.Bytes(), &out))
	if out.Outcome != "failed" || !strings.Contains(out.Text, "line 1") {
		t.Errorf("of wrong headers: %+v", out)
	}
	for want, w := range map[int]*httptest.ResponseRecorder{
		403: post("another", "application/json", body),
		415: post(p.token, "text/plain", body),
		400: post(p.token, "application/json", "{"),
	} {
		if w.Code != want {
			t.Errorf("got %d, want %d: %s", w.Code, want, w.Body)
		}
	}
	if w := post(p.token, "application/json", `{"body":"`+strings.Repeat("x", maxPublish)+`"}`); w.Code != 400 {
		t.Errorf("of a large body: %d", w.Code)
	}
}

func TestHeaders(t *testing.T) {
	got, err := parseHeaders("a=b=c\r\n\nn:=5\nf:=1.5\nt:=true\nCC:=[\"x\", 1]\nm:={\"k\":2}\nempty=\n")
	must(t, err)
	want := pubsub.Table{
		"a": "b=c", "n": int64(5), "f": 1.5, "t": true, "CC": []any{"x", int64(1)}, "m": pubsub.Table{"k": int64(2)}, "empty": "",
	}
	if !got.Equal(want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for _, wrong := range []string{"a", "=b", ":=5", "a:=", "a:=x", "a:=1 2", "a=1\na=2", "a:=null\na=1", "a:=1e999"} {
		if got, err := parseHeaders(wrong); err == nil {
			t.Errorf("%q is %v", wrong, got)
		}
	}
}

// The broker is polled once a second for all viewers, and only while there are
// any.
func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var polls atomic.Int64
		var broken atomic.Bool
		w := newWatch(func(context.Context) (pubsub.Topology, error) {
			n := int(polls.Add(1))
			if broken.Load() {
				return pubsub.Topology{}, pubsub.ErrUnavailable
			}
			return pubsub.Topology{Queues: []pubsub.QueueStatus{{Queue: pubsub.Queue{Name: "q"}, Ready: 10 * n}}}, nil
		}, time.Second)
		time.Sleep(time.Minute)
		if n := polls.Load(); n != 0 {
			t.Errorf("%d polls for nobody", n)
		}
		one, two := w.join(), w.join()
		synctest.Wait()
		for range 10 {
			<-one.news
			<-two.news
			time.Sleep(time.Second)
			synctest.Wait()
		}
		if n := polls.Load(); n != 11 {
			t.Errorf("%d polls in 10 s", n)
		}
		if c := one.state().counts[0]; c != (count{110, 0, 0, 10}) {
			t.Errorf("the counts are %v", c)
		}
		structure := one.state().structure
		broken.Store(true)
		time.Sleep(time.Second)
		synctest.Wait()
		if s := one.state(); s.broken == nil || s.structure != structure {
			t.Errorf("of a broker that is gone: %+v", s)
		}
		broken.Store(false)
		time.Sleep(time.Second)
		synctest.Wait()
		if s := one.state(); s.broken != nil || s.structure != structure {
			t.Errorf("of a broker that is back: %+v", s)
		}
		one.leave()
		two.leave()
		polls.Store(0)
		three := w.join() // at once: as one who changes the search
		if three.state() == (state{}) {
			t.Error("who comes back waits")
		}
		three.leave()
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := polls.Load(); n != 0 {
			t.Errorf("%d polls after all have left", n)
		}
		four := w.join()
		synctest.Wait()
		if n := polls.Load(); n != 1 {
			t.Errorf("%d polls for who comes later", n)
		}
		w.close()
		four.leave()
		w.join().leave() // nothing happens
	})
}

// Events tell what there is, and then only what changes.
func TestEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var now atomic.Pointer[func() (pubsub.Topology, error)]
		set := func(name string, ready int, broken error) {
			now.Store(new(func() (pubsub.Topology, error) {
				return pubsub.Topology{Queues: []pubsub.QueueStatus{{Queue: pubsub.Queue{Name: name}, Ready: ready}}}, broken
			}))
		}
		set("q", 1, nil)
		p := New(&fake{topology: func() (pubsub.Topology, error) { return (*now.Load())() }}, "b")
		defer p.Close()
		in, out := io.Pipe()
		done := make(chan struct{})
		go func() {
			defer close(done)
			r := httptest.NewRequest("GET", "/events", nil)
			r.Host = "localhost"
			p.ServeHTTP(&piped{header: http.Header{}, Writer: out}, r)
			out.Close()
		}()
		lines := bufio.NewScanner(in)
		next := func(want ...string) {
			t.Helper()
			for _, w := range want {
				for lines.Scan() && lines.Text() == "" {
				}
				if !strings.Contains(lines.Text(), w) {
					t.Fatalf("got %s, want %s", lines.Text(), w)
				}
			}
		}
		next("retry", "event: broker", `{"error":""}`, "event: view", `"name":"q"`, "event: counts", `{"queues":{"q":[1,0,0,0]}`)
		time.Sleep(10 * time.Second)
		synctest.Wait() // the poll of now is over
		set("q", 3, nil)
		next("event: counts", `{"queues":{"q":[3,0,0,2]}`, "event: counts", `{"queues":{"q":[3,0,0,0]}`)
		set("q", 3, pubsub.ErrUnavailable)
		next("event: broker", "unavailable")
		set("p", 3, nil)
		next("event: broker", `{"error":""}`, "event: view", `"name":"p"`, "event: counts", `{"p":[3,0,0,0]}`)
		time.Sleep(quiet)
		next(": nothing new")
		p.Close()
		if lines.Scan() && lines.Text() != "" {
			t.Errorf("more: %s", lines.Text())
		}
		<-done
	})
}

// piped is a response that a test reads as it comes.
type piped struct {
	header http.Header
	io.Writer
}

func (p *piped) Header() http.Header { return p.header }
func (p *piped) WriteHeader(int)     {}
func (p *piped) Flush()              {}
