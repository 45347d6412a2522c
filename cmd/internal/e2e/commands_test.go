package e2e

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gobindery/bindery/adapters/memory"
	"github.com/gobindery/bindery/cmd/internal/cli"
	"github.com/gobindery/bindery/pubsub"
)

var update = flag.Bool("update", false, "write the golden files")

// shared is an in-memory server where the sessions of a test meet.
func shared() (o options) {
	return options{env: "memory:", backends: pubsub.Mux{"memory": memory.NewServer().Scheme()}}
}

func TestHelp(t *testing.T) {
	for _, name := range []string{"emit", "receive"} {
		t.Run(name, func(t *testing.T) {
			s := start(t, options{}, name, "--help")
			s.ends(t, 0, "")
			golden := filepath.Join("testdata", name+"-help.txt")
			if *update {
				if err := os.WriteFile(golden, []byte(s.out()), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got := s.out(); got != string(want) {
				t.Errorf("help is\n%s\nwant\n%s\nIf it is right now: go test ./cmd/internal/e2e -run TestHelp -update", got, want)
			}
		})
	}
}

func TestVersion(t *testing.T) {
	s := spawn(t, options{}, "emit", "--version")
	s.ends(t, 0, "")
	if !strings.HasPrefix(s.out(), "emit ") || !strings.Contains(s.out(), " go1.") || strings.Count(s.out(), "\n") != 1 {
		t.Errorf("emit --version wrote %q, want the name, the version and that of Go on one line", s.out())
	}
}

func TestCompletion(t *testing.T) {
	for shell, want := range map[string]string{
		"bash":       "# bash completion V2 for emit",
		"zsh":        "#compdef emit",
		"fish":       "# fish completion for emit",
		"powershell": "# powershell completion for emit",
	} {
		s := start(t, options{}, "emit", "completion", shell)
		s.ends(t, 0, "")
		if !strings.HasPrefix(s.out(), want) {
			t.Errorf("completion %s begins with %.60q, want %q", shell, s.out(), want)
		}
	}
	// What the script asks for.
	for _, c := range []struct{ name, args, want string }{
		{"emit", "__complete --type ", "fanout\ndirect\ntopic\nheaders\n:4\n"},
		{"receive", "__complete -t t", "fanout\ndirect\ntopic\nheaders\n:4\n"},
		{"receive", "__complete --match a", "all\nany\n:4\n"},
		{"receive", "__complete --output ", "body\njson\nverbose\n:4\n"},
		{"emit", "__complete --log-level ", "debug\ninfo\nwarn\nerror\n:4\n"},
		{"emit", "__complete --broker ", strings.ReplaceAll(schemes, ", ", "\n") + "\n:4\n"},
		{"emit", "__complete --exchange ", ":4\n"},
		{"receive", "__complete ", ":4\n"},
	} {
		s := start(t, options{}, c.name, strings.Split(c.args, " ")...)
		s.succeeds(t)
		if s.out() != c.want {
			t.Errorf("%s %s: got %q, want %q", c.name, c.args, s.out(), c.want)
		}
	}
}

// TestCompletionIsAWord shows that only "completion SHELL" is taken from the
// messages.
func TestCompletionIsAWord(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"completion", " [x] Sent completion\n"},
		{"completion is done", " [x] Sent completion is done\n"},
		{"completion tcsh", " [x] Sent completion tcsh\n"},
		{"-- completion bash", " [x] Sent completion bash\n"},
		{"help me", " [x] Sent help me\n"},
		{"-- --help", " [x] Sent --help\n"},
	} {
		s := start(t, shared(), "emit", strings.Split(c.args, " ")...)
		s.ends(t, 0, "")
		if s.out() != c.want {
			t.Errorf("emit %s printed %q, want %q", c.args, s.out(), c.want)
		}
	}
}

// TestEmit is about what becomes a message, and what emit prints.
func TestEmit(t *testing.T) {
	long := strings.Repeat("a long line ", 500_000)
	for _, c := range []struct {
		name, args, stdin string
		terminal          bool
		stdout            string
		received          string // each body and a newline
	}{
		{"words", "info: Hello World!", "", false, " [x] Sent info: Hello World!\n", "info: Hello World!\n"},
		{"words and input", "one", "two\n", false, " [x] Sent one\n", "one\n"},
		{"an empty word", "", "", false, " [x] Sent \n", "\n"},
		{"terminal", "TERMINAL", "", true, " [x] Sent info: Hello World!\n", "info: Hello World!\n"},
		{"key", "-k kern.critical A critical kernel error", "", false, " [x] Sent kern.critical:A critical kernel error\n", "A critical kernel error\n"},
		{"quiet", "--quiet hello", "", false, "", "hello\n"},
		{"lines", "STDIN", "one\ntwo\n\n four \n", false, " [x] Sent 4 messages\n", "one\ntwo\n\n four \n"},
		{"one line", "STDIN", "one\n", false, " [x] Sent 1 message\n", "one\n"},
		{"last line without newline", "STDIN", "one\ntwo", false, " [x] Sent 2 messages\n", "one\ntwo\n"},
		{"carriage returns", "STDIN", "one\r\ntwo\r\n", false, " [x] Sent 2 messages\n", "one\r\ntwo\r\n"},
		{"bytes", "STDIN", "\x00\xff\xfe\n\x1b[31m\n", false, " [x] Sent 2 messages\n", "\x00\xff\xfe\n\x1b[31m\n"},
		{"long line", "STDIN", "short\n" + long + "\nshort\n", false, " [x] Sent 3 messages\n", "short\n" + long + "\nshort\n"},
		{"quiet lines", "-q", "one\ntwo\n", false, "", "one\ntwo\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := shared()
			r := start(t, o, "receive").bound(t)
			o.stdin, o.terminal = strings.NewReader(c.stdin), c.terminal
			args := strings.Split(c.args, " ")
			if c.args == "STDIN" || c.args == "TERMINAL" {
				args = nil
			}
			s := start(t, o, "emit", args...)
			s.ends(t, 0, "")
			if s.out() != c.stdout {
				t.Errorf("emit printed %q, want %q", s.out(), c.stdout)
			}
			r.waitOut(t, strings.Count(c.received, "\n"))
			r.stop()
			r.ends(t, 0, bound)
			if r.out() != c.received {
				t.Errorf("receive printed %.200q, want %.200q", r.out(), c.received)
			}
		})
	}
}

func TestEmitNothing(t *testing.T) {
	s := start(t, shared(), "emit")
	s.ends(t, 0, "")
	if want := " [x] Sent 0 messages\n"; s.out() != want {
		t.Errorf("emit printed %q, want %q", s.out(), want)
	}
}

// TestEmitAsTheyCome sends a line while the input stays open.
func TestEmitAsTheyCome(t *testing.T) {
	in, enter := pipe(t)
	o := shared()
	r := start(t, o, "receive").bound(t)
	o.stdin = in
	s := start(t, o, "emit")
	for i, line := range []string{"one\n", "two\n", "three\n"} {
		enter(line)
		r.waitOut(t, i+1)
	}
	enter("")
	s.ends(t, 0, "")
	if want := "one\ntwo\nthree\n"; r.out() != want {
		t.Errorf("receive printed %q, want %q", r.out(), want)
	}
}

// TestEmitUnfinished fails at a line, and says what was confirmed before.
func TestEmitUnfinished(t *testing.T) {
	o := shared()
	b := open(t, o)
	two := 2
	if _, err := b.DeclareQueue(t.Context(), pubsub.Queue{Name: "small", MaxLength: &two, Overflow: pubsub.RejectPublish}); err != nil {
		t.Fatal(err)
	}
	o.stdin = strings.NewReader("one\ntwo\nthree\nfour\n")
	s := start(t, o, "emit", "-e", "", "-k", "small")
	if code := s.wait(t); code != 1 {
		t.Errorf("emit exited with %d, want 1", code)
	}
	want := `emit: 2 of 4 messages sent were confirmed; the first to fail was line 3: publish to the default exchange: with key "small": refused by the broker`
	if got := s.stderr.String(); !strings.HasPrefix(got, want) || strings.Count(got, "\n") != 1 {
		t.Errorf("emit wrote to standard error\n%s\nwant one line that begins with\n%s", got, want)
	}
	if s.out() != "" {
		t.Errorf("emit printed %q, want nothing", s.out())
	}
}

// TestTasks sends to a named queue without an exchange, as the tutorial's work
// queues do.
func TestTasks(t *testing.T) {
	o := shared()
	start(t, o, "receive", "-e", "", "-Q", "tasks", "-n", "1", "--prefetch", "1").bound(t).stop()
	start(t, o, "emit", "-e", "", "-k", "tasks", "--mandatory", "First task.").succeeds(t)
	r := start(t, o, "receive", "-e", "", "-Q", "tasks", "-n", "1")
	r.ends(t, 0, bound)
	if want := "First task.\n"; r.out() != want {
		t.Errorf("receive printed %q, want %q", r.out(), want)
	}
}

func TestRouting(t *testing.T) {
	for _, c := range []struct{ name, receive, send, want string }{
		{"direct", "-t direct -k warning -k error",
			"-t direct -k info no|-t direct -k error 1|-t direct -k warning 2|-t direct no", "1\n2\n"},
		{"topic", "-t topic -k kern.* -k *.critical",
			"-t topic -k kern.critical once|-t topic -k kern.info 2|-t topic -k cron.critical 3|-t topic -k cron.info no|-t topic -k kern.a.b no", "once\n2\n3\n"},
		{"topic without a key", "-t topic", "-t topic -k a.b.c 1|-t topic 2", "1\n2\n"},
		{"headers, all", "-t headers -H format=pdf -H kind=report",
			"-t headers -H format=pdf no|-t headers -H format=pdf -H kind=report -H x=y 1", "1\n"},
		{"headers, any", "-t headers -H format=pdf -H kind=report --match any",
			"-t headers -H format=pdf 1|-t headers -H kind=letter no|-t headers -H kind=report 2", "1\n2\n"},
		{"headers without any", "-t headers", "-t headers 1|-t headers -H a=b 2", "1\n2\n"},
		{"an exchange that was there", "-e amq.topic -t topic -k a.*", "-e amq.topic -t topic -k a.b 1|-e amq.topic -t topic -k b.a no", "1\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := shared()
			r := start(t, o, "receive", strings.Split(c.receive, " ")...).bound(t)
			for _, args := range strings.Split(c.send, "|") {
				start(t, o, "emit", strings.Split(args, " ")...).succeeds(t)
			}
			r.waitOut(t, strings.Count(c.want, "\n"))
			r.stop()
			r.succeeds(t)
			if r.out() != c.want {
				t.Errorf("receive printed %q, want %q", r.out(), c.want)
			}
		})
	}
}

// TestNoBrokerNamed tells newcomers why the other program gets nothing.
func TestNoBrokerNamed(t *testing.T) {
	s := start(t, options{}, "emit", "hello")
	s.ends(t, 0, "emit: no broker named: using memory:, which no other process can reach; name one with -b URL or $BINDERY_BROKER\n")
}

func TestInputThatFails(t *testing.T) {
	o := shared()
	o.stdin = &failingReader{text: strings.NewReader("one\ntwo\nhal")}
	s := start(t, o, "emit")
	s.ends(t, 1, "emit: 2 of 2 messages sent were confirmed; line 3 can't be read from standard input: the disk is on fire\n")
}

// TestStdoutFull: a message that can't be printed is not acknowledged.
func TestStdoutFull(t *testing.T) {
	o := shared()
	b := open(t, o)
	start(t, o, "receive", "-Q", "audit", "-n", "1").bound(t).stop()
	start(t, o, "emit", "hello").succeeds(t)
	full := o
	full.stdout = failingWriter{}
	r := start(t, full, "receive", "-Q", "audit")
	r.ends(t, 1, bound+"receive: standard output can't be written: no space left; what wasn't written isn't acknowledged\n")
	if got, _ := b.InspectQueue(t.Context(), "audit"); got.Ready != 1 {
		t.Errorf("%d messages are in the queue, want 1", got.Ready)
	}
}

// TestProgress shows how far a stream is, on a terminal only.
func TestProgress(t *testing.T) {
	in, enter := pipe(t)
	o := shared()
	o.stdin = in
	s := startWith(t, o, func(e *cli.Env) { e.StderrTerminal = true }, "emit")
	enter("one\ntwo\n")
	s.stderr.waitFor(t, "progress line", s.ended, func(e string) bool { return strings.Contains(e, "\r\x1b[K2 lines sent, 2 confirmed") })
	enter("")
	s.succeeds(t)
	if e := s.stderr.String(); !strings.HasSuffix(e, "\r\x1b[K") || strings.Contains(e, "\n") {
		t.Errorf("standard error got %q, want one line that is wiped at the end", e)
	}
}
