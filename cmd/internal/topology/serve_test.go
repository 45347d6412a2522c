package topology

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/gobindery/bindery/cmd/internal/cli"
)

// serve says where the page is, answers there, and ends with its context. What it
// shows the broker as has no password in it.
func TestServe(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	in, out := io.Pipe()
	code := make(chan int, 1)
	go func() {
		defer out.Close()
		env := cli.Env{Stdout: io.Discard, Stderr: out, Backends: cli.Backends(), Broker: "memory:"}
		code <- Run(ctx, []string{"serve"}, env)
	}()
	lines := bufio.NewReader(in)
	line, err := lines.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(line, "http://")
	at, _, _ := strings.Cut(rest, "/")
	r, err := http.Get("http://" + at + "/")
	if err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	text, err := io.ReadAll(r.Body)
	r.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	if err != nil || !strings.Contains(string(text), "Topology of memory:") {
		t.Errorf("%v: the page is\n%s", err, text)
	}
	cancel()
	if rest, err := io.ReadAll(lines); err != nil || len(rest) > 0 {
		t.Errorf("at its end it says %q, %v", rest, err)
	}
	if c := <-code; c != cli.ExitOK {
		t.Errorf("it exits with %d", c)
	}
}

func TestServeMisuse(t *testing.T) {
	for args, want := range map[string]string{
		"serve --listen 0.0.0.0:80": "could be reached by others",
		"serve --listen example:80": "could be reached by others",
		"serve --listen here":       "no HOST:PORT",
		"serve now":                 "flags only",
	} {
		var out bytes.Buffer
		env := cli.Env{Stdout: io.Discard, Stderr: &out, Backends: cli.Backends(), Broker: "memory:"}
		if c := Run(t.Context(), strings.Fields(args), env); c != cli.ExitUsage || !strings.Contains(out.String(), want) {
			t.Errorf("%s: %d, %q; want %q", args, c, out.String(), want)
		}
	}
}
