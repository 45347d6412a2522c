package serve

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/gobindery/bindery/cmd/internal/cli"
	"github.com/gobindery/bindery/cmd/internal/emit"
	"github.com/gobindery/bindery/cmd/internal/receive"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var serving = regexp.MustCompile(`^ \[\*\] Serving (amqps?://\S+@\S+/)\. To exit press CTRL\+C\n$`)

// start runs serve and returns the URL that it prints, and what ends it and
// returns its exit code.
func start(t *testing.T, args ...string) (url string, stop func() int) {
	t.Helper()
	url, _, stop = startMonitored(t, args...)
	return url, stop
}

var monitored = regexp.MustCompile(`^ \[\*\] Metrics at (http://127\.0\.0\.1:\d+)/metrics, health at (http://127\.0\.0\.1:\d+)/healthz\n$`)

// startMonitored also returns where figures and health are, if args ask for
// them.
func startMonitored(t *testing.T, args ...string) (url, http string, stop func() int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	code := make(chan int, 1)
	go func() {
		code <- Run(ctx, append([]string{"--listen", "127.0.0.1:0"}, args...), cli.Env{Stdout: io.Discard, Stderr: w, Backends: cli.Backends()})
		w.Close()
	}()
	lines := bufio.NewReader(r)
	line, _ := lines.ReadString('\n')
	m := serving.FindStringSubmatch(line)
	if m == nil {
		cancel()
		t.Fatalf("serve printed %q", line)
	}
	if slices.Contains(args, "--metrics") {
		line, _ := lines.ReadString('\n')
		m := monitored.FindStringSubmatch(line)
		if m == nil || m[1] != m[2] {
			cancel()
			t.Fatalf("serve printed %q", line)
		}
		http = m[1]
	}
	read := make(chan struct{})
	go func() { io.Copy(io.Discard, lines); close(read) }()
	stop = func() int {
		cancel()
		<-read
		return <-code
	}
	return m[1], http, stop
}

// What emit sends through serve, receive gets; at its end serve exits with 0.
func TestEmitReceive(t *testing.T) {
	url, stop := start(t)
	url = strings.Replace(url, "guest@", "guest:guest@", 1)

	r, w := io.Pipe()
	var out bytes.Buffer
	got := make(chan int, 1)
	go func() {
		got <- receive.Run(t.Context(), []string{"-b", url, "-n", "1"}, cli.Env{Stdout: &out, Stderr: w, Backends: cli.Backends()})
		w.Close()
	}()
	lines := bufio.NewReader(r)
	if line, err := lines.ReadString('\n'); !strings.HasPrefix(line, " [*] Waiting") {
		t.Fatalf("receive printed %q, %v", line, err)
	}
	var sent bytes.Buffer
	if code := emit.Run(t.Context(), []string{"-b", url, "hello"}, cli.Env{Stdin: strings.NewReader(""), Stdout: &sent, Stderr: &sent, Backends: cli.Backends()}); code != 0 {
		t.Fatalf("emit exited with %d: %s", code, &sent)
	}
	io.Copy(io.Discard, lines)
	if code := <-got; code != 0 || out.String() != "hello\n" {
		t.Errorf("receive exited with %d and printed %q", code, &out)
	}
	if code := stop(); code != 0 {
		t.Errorf("serve exited with %d", code)
	}
}

// A user's password comes from a file, and no other is let in.
func TestUser(t *testing.T) {
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("s3cret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	url, stop := start(t, "--user", "app", "--password-file", file)
	for password, want := range map[string]int{"s3cret": 0, "guest": 1} {
		var text bytes.Buffer
		env := cli.Env{Stdin: strings.NewReader(""), Stdout: &text, Stderr: &text, Backends: cli.Backends()}
		if code := emit.Run(t.Context(), []string{"-b", strings.Replace(url, "app@", "app:"+password+"@", 1), "x"}, env); code != want {
			t.Errorf("with the password %q emit exited with %d: %s", password, code, &text)
		}
	}
	if code := stop(); code != 0 {
		t.Errorf("serve exited with %d", code)
	}
}

// Wrong invocations are named, with what would be right.
func TestMisuse(t *testing.T) {
	t.Setenv(passwordVariable, "")
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"completion"}, 2, `serve: completion takes a shell: bash, zsh, fish or powershell`},
		{[]string{"now"}, 2, `serve: serve takes flags only, but got the word "now"; the address is given by --listen`},
		{[]string{"--listen", "5672"}, 2, `serve: --listen "5672" is no address; give HOST:PORT, as 127.0.0.1:5672`},
		{[]string{"--listen", ":0"}, 2, "serve: to listen on :0, which others can reach, name a user of your own with --user, with a password in $BINDERY_SERVE_PASSWORD or --password-file"},
		{[]string{"--user", "app"}, 2, "serve: user app needs a password: set $BINDERY_SERVE_PASSWORD, or give --password-file"},
		{[]string{"--tls-cert", "c.pem"}, 2, "serve: TLS needs both --tls-cert and --tls-key"},
		{[]string{"--password-file", "/nowhere"}, 1, "serve: read --password-file: open /nowhere: no such file or directory"},
		{[]string{"--listen", "127.0.0.1:0", "--metrics", "9419"}, 2, `serve: --metrics "9419" is no address; give HOST:PORT, as 127.0.0.1:9419`},
		{[]string{"--listen", "127.0.0.1:0", "--metrics", ":9419"}, 2, "serve: --metrics :9419 could be reached by others, and asks nobody for a password; give an address of this machine alone, as 127.0.0.1:9419"},
		{[]string{"--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:99999"}, 1, "serve: listen for --metrics on 127.0.0.1:99999: "},
		{[]string{"--max-connections", "0"}, 2, `serve: --max-connections "0": must be a whole number of 1 or more`},
		{[]string{"--max-channels", "65536"}, 2, `serve: --max-channels "65536": must be a whole number from 1 to 65535`},
		{[]string{"--frame-max", "4095"}, 2, `serve: --frame-max "4095": must be a size from 4KiB to 128MiB, as 128KiB or 131072`},
		{[]string{"--memory-limit", "some"}, 2, `serve: --memory-limit "some": must be a size from 0 to 9223372036854775807, as 1GiB or 1073741824`},
		{[]string{"--handshake-timeout", "10"}, 2, `serve: --handshake-timeout "10": must be a time of more than zero, as 10s or 500ms`},
		{[]string{"-b", "kafka://x"}, 2, `unknown scheme "kafka"`},
		{[]string{"--listne", ":0"}, 2, "did you mean --listen?"},
	} {
		var text bytes.Buffer
		code := Run(t.Context(), c.args, cli.Env{Stdout: &text, Stderr: &text, Backends: cli.Backends()})
		if code != c.code || !strings.Contains(text.String(), c.want) {
			t.Errorf("serve %q exited with %d and printed %q; want %d and %q", c.args, code, &text, c.code, c.want)
		}
	}
}
