package e2e

import (
	"context"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/gobindery/bindery/adapters/rabbitmq/rabbitmqtest"
	"github.com/gobindery/bindery/pubsub"
)

const shop = "testdata/shop.yaml"

// listable is an empty virtual host on a real RabbitMQ, with its management API.
func listable(t *testing.T) options {
	t.Helper()
	s := rabbitmqtest.Shared(t)
	return options{env: s.VHost(t) + "?management=" + url.QueryEscape(s.ManagementURL())}
}

// served is a broker in memory, by serve.
func served(t *testing.T) options { return serves(t) }

// answers runs topology, which must end with a code, and returns what it prints.
func answers(t *testing.T, o options, code int, args ...string) string {
	t.Helper()
	s := start(t, o, "topology", args...)
	s.ends(t, code, "")
	return s.out()
}

// TestTopologyIsTheSame: a file applied to each backend lists, draws, exports and
// compares the same.
func TestTopologyIsTheSame(t *testing.T) {
	questions := [][]string{
		{"list", "queues"}, {"list", "queues", "name", "durable", "arguments", "messages", "consumers"}, {"list", "bindings"},
		{"list", "exchanges", "-o", "json", "name", "type", "durable", "arguments"}, {"list", "bindings", "-o", "yaml"},
		{"graph"}, {"graph", "-o", "dot"}, {"graph", "-o", "svg"}, {"graph", "-o", "svg", "events", "kern.critical"},
		{"explain", "events", "job.pdf", "-H", "format=pdf"}, {"export"}, {"export", "-o", "yaml"},
		{"diff", shop}, {"check", shop}, {"apply", shop, "--dry-run"},
	}
	before := map[string]string{}
	for _, backend := range []struct {
		name string
		make func(*testing.T) options
	}{{"memory", served}, {"RabbitMQ", listable}, {"NATS", natsServer}} {
		t.Run(backend.name, func(t *testing.T) {
			o := backend.make(t)
			if plan := answers(t, o, 0, "apply", shop, "--yes"); !strings.HasSuffix(plan, "\nDone: 16 changes.\n") {
				t.Errorf("apply printed\n%s", plan)
			}
			b := open(t, o)
			for _, key := range []string{"kern.critical", "kern.info"} {
				if err := b.Publish(t.Context(), "events", key, pubsub.Message{}); err != nil {
					t.Fatal(err)
				}
			}
			waitReady(t, b, "audit", 2)
			for _, q := range questions {
				name := strings.Join(q, " ")
				got := strings.ReplaceAll(answers(t, o, 0, q...), `{"name":"amq.rabbitmq.trace","type":"topic","durable":true,"arguments":{}},`+"\n", "") // RabbitMQ's own
				if want, ok := before[name]; !ok {
					before[name] = got
				} else if got != want {
					t.Errorf("topology %s printed\n%s\nand on the backend before\n%s", name, got, want)
				}
			}
			// And it comes back from what was exported.
			file := filepath.Join(t.TempDir(), "definitions.json")
			if err := os.WriteFile(file, []byte(before["export"]), 0o600); err != nil {
				t.Fatal(err)
			}
			answers(t, o, 0, "diff", file)
			if got, want := answers(t, o, 0, "delete", "queue", "critical", "retry"), "queue \"critical\": deleted with 1 message\nqueue \"retry\": deleted with 0 messages\n"; got != want {
				t.Errorf("delete printed %q, want %q", got, want)
			}
			const lacks = `+ queue "critical"
+ queue "retry"
+ binding of exchange "dead" to queue "retry" with key ""
+ binding of exchange "events" to queue "critical" with key "*.critical"
+ binding of exchange "events" to queue "critical" with key "kern.alert"
`
			if got := answers(t, o, 1, "diff", file); got != lacks {
				t.Errorf("diff printed\n%s\nwant\n%s", got, lacks)
			}
			if got := answers(t, o, 1, "check", file); got != lacks {
				t.Errorf("check printed\n%s\nwant\n%s", got, lacks)
			}
			if got, want := answers(t, o, 0, "purge", "audit"), "queue \"audit\": 2 messages dropped\n"; got != want {
				t.Errorf("purge printed %q, want %q", got, want)
			}
			answers(t, o, 0, "apply", file, "-y")
			answers(t, o, 0, "diff", file)
		})
	}
	const queues = "name       messages\naudit      2\ncritical   1\nleftovers  0\nreports    0\nretry      0\n"
	if got := before["list queues"]; got != queues {
		t.Errorf("list queues printed\n%s\nwant\n%s", got, queues)
	}
	const explained = `exchange "events" (topic)
├─ ✓ "#" → queue "audit"
├─ ✗ "*.critical" → queue "critical": the 2nd word: pattern "critical", key "pdf"
├─ ✗ "kern.alert" → queue "critical": the 1st word: pattern "kern", key "job"
└─ ✓ "job.#" → exchange "jobs" (headers)
   └─ ✓ {format=pdf pages=2 x-match=any} → queue "reports"
2 queues get it: "audit", "reports"
`
	if got := before["explain events job.pdf -H format=pdf"]; got != explained {
		t.Errorf("explain printed\n%s\nwant\n%s", got, explained)
	}
	for _, name := range []string{"diff " + shop, "check " + shop} {
		if got := before[name]; got != "" {
			t.Errorf("%s printed %q, want nothing", name, got)
		}
	}
}

// TestTopologyMoves takes a topology from a RabbitMQ, as rabbitmqctl exports it,
// to NATS and back.
func TestTopologyMoves(t *testing.T) {
	node := rabbitmqtest.Run(t, nil)
	o := options{env: node.URL() + "?management=" + url.QueryEscape(node.ManagementURL())}
	answers(t, o, 0, "apply", shop, "--yes")
	file := filepath.Join(t.TempDir(), "definitions.json")
	if _, err := node.Ctl(t.Context(), "export_definitions", file); err != nil {
		t.Fatal(err)
	}
	to := natsServer(t)
	s := start(t, to, "topology", "apply", file, "--yes")
	if code := s.wait(t); code != 0 || !strings.Contains(s.stderr.String(), "users") {
		t.Errorf("apply exited with %d and said %q, want a word on the users that it leaves out", code, s.stderr.String())
	}
	exported := answers(t, to, 0, "export")
	if err := os.WriteFile(file, []byte(exported), 0o600); err != nil {
		t.Fatal(err)
	}
	answers(t, o, 0, "diff", file)
	if got := answers(t, o, 0, "export"); got != exported {
		t.Errorf("RabbitMQ is exported as\n%s\nNATS as\n%s", got, exported)
	}
	answers(t, o, 0, "delete", "queue", "audit", "critical")
	if _, err := node.Ctl(t.Context(), "import_definitions", file); err != nil {
		t.Fatal(err)
	}
	answers(t, o, 0, "diff", file)
}

// TestTopologyWithoutManagement: one line says what to do; what needs no list
// goes on.
func TestTopologyWithoutManagement(t *testing.T) {
	o := options{env: rabbitmqtest.Shared(t).VHost(t) + "?management=http://127.0.0.1:1"}
	const advice = "listing needs RabbitMQ's management plugin: enable it with rabbitmq-plugins enable rabbitmq_management"
	for _, c := range []struct {
		args string
		code int
	}{{"list queues", 1}, {"export", 1}, {"graph", 1}, {"apply " + shop + " --dry-run", 1}, {"diff " + shop, 3}, {"explain events a", 3}} {
		s := start(t, o, "topology", strings.Split(c.args, " ")...)
		if code := s.wait(t); code != c.code || !strings.Contains(s.stderr.String(), advice) || strings.Count(s.stderr.String(), "\n") != 1 {
			t.Errorf("topology %s exited with %d and wrote %q, want %d and one line that says how to enable the plugin", c.args, code, s.stderr.String(), c.code)
		}
	}
	if got := answers(t, o, 1, "check", shop); !strings.HasPrefix(got, "+ exchange \"dead\"\n") {
		t.Errorf("check printed %q", got)
	}
}

// TestTopologyLocal: topology meets receive at the local broker.
func TestTopologyLocal(t *testing.T) {
	o, _ := localBroker(t)
	r := spawn(t, o, "receive", "-Q", "audit", "-e", "events", "-t", "topic", "-k", "kern.#").bound(t)
	s := spawn(t, o, "topology", "list", "queues", "name", "consumers")
	s.ends(t, 0, "")
	if want := "name   consumers\naudit  1\n"; s.out() != want {
		t.Errorf("list printed %q, want %q", s.out(), want)
	}
	s = spawn(t, o, "topology", "explain", "events", "kern.info")
	s.ends(t, 0, "")
	if want := "exchange \"events\" (topic)\n└─ ✓ \"kern.#\" → queue \"audit\"\n1 queue gets it: \"audit\"\n"; s.out() != want {
		t.Errorf("explain printed %q, want %q", s.out(), want)
	}
	r.signal(t, syscall.SIGINT)
	r.ends(t, 0, bound)
}

// TestTopologyAsks: at a terminal, apply asks before it does something.
func TestTopologyAsks(t *testing.T) {
	const question = "Make 16 changes? [y/N] "
	for _, c := range []struct {
		answer string
		code   int
		stderr string
		queues int
	}{
		{"n\n", 1, question + "topology: nothing was done\n", 0},
		{"", 1, question + "topology: nothing was done\n", 0},
		{"y\n", 0, question, 5},
	} {
		o := shared()
		b := open(t, o)
		o.stdin, o.terminal = strings.NewReader(c.answer), true
		start(t, o, "topology", "apply", shop).ends(t, c.code, c.stderr)
		if there, err := b.Topology(t.Context()); err != nil || len(there.Queues) != c.queues {
			t.Errorf("after the answer %q there are %d queues, want %d (%v)", c.answer, len(there.Queues), c.queues, err)
		}
	}
	t.Run("interrupted", func(t *testing.T) {
		o := shared()
		in, enter := pipe(t)
		o.stdin, o.terminal = in, true
		s := start(t, o, "topology", "apply", shop)
		s.stderr.waitFor(t, "question", s.ended, func(e string) bool { return e == question })
		s.stop()
		s.ends(t, 1, question+"\ntopology: nothing was done\n")
		enter("") // which ends who reads it
	})
}

// TestTopologyPrune deletes only if asked.
func TestTopologyPrune(t *testing.T) {
	o := shared()
	b := open(t, o)
	if _, err := b.DeclareQueue(t.Context(), pubsub.Queue{Name: "old"}); err != nil {
		t.Fatal(err)
	}
	answers(t, o, 0, "apply", shop, "--yes")
	if got, want := answers(t, o, 1, "diff", shop), "- queue \"old\"\n"; got != want {
		t.Errorf("diff printed %q, want %q", got, want)
	}
	answers(t, o, 0, "check", shop)
	if got, want := answers(t, o, 0, "apply", shop, "--yes", "--prune"), "delete queue \"old\"\nDone: 1 change.\n"; got != want {
		t.Errorf("apply --prune printed %q, want %q", got, want)
	}
	answers(t, o, 0, "diff", shop)
}

// TestTopologyOfFile needs no broker.
func TestTopologyOfFile(t *testing.T) {
	o := options{env: "amqp://127.0.0.1:1/"}
	if got := answers(t, o, 0, "list", "queues", "-f", shop, "name"); got != "name\naudit\ncritical\nleftovers\nreports\nretry\n" {
		t.Errorf("list printed %q", got)
	}
	if got := answers(t, o, 1, "explain", "jobs", "", "-f", shop); !strings.HasSuffix(got, "no queue gets it: it is dropped, or returned if it is mandatory\n") {
		t.Errorf("explain printed %q", got)
	}
	text, err := os.ReadFile(shop)
	if err != nil {
		t.Fatal(err)
	}
	o.stdin = strings.NewReader(string(text))
	if got := answers(t, o, 0, "graph", "-f", "-"); !strings.HasPrefix(got, "flowchart LR\n") {
		t.Errorf("graph printed %q", got)
	}
}

func TestTopologyMisuse(t *testing.T) {
	o := shared()
	b := open(t, o)
	for _, q := range []pubsub.Queue{{Name: "audit"}, {Name: "full"}} {
		if _, err := b.DeclareQueue(context.Background(), q); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Publish(t.Context(), "", "full", pubsub.Message{}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args, stdin string
		code        int
		stderr      string // its begin
	}{
		{"", "", 2, `topology needs a command: list, graph, explain, export, diff, check, apply, purge, delete`},
		{"lsit", "", 2, `unknown command "lsit": must be list, graph, explain, export, diff, check, apply, purge`},
		{"completion", "", 2, `completion takes a shell: bash, zsh, fish or powershell`},
		{"completion fis", "", 2, `unknown shell "fis": must be bash, zsh, fish or powershell; did you mean fish?`},
		{"completion bash now", "", 2, `completion bash stands alone, without flags and further words`},
		{"--log-level error completion zsh", "", 2, `completion zsh stands alone, without flags and further words`},
		{"list", "", 2, `topology list needs a kind: exchanges, queues, bindings; see topology list --help`},
		{"list queue", "", 2, `unknown kind "queue": must be exchanges, queues or bindings; did you mean queues?`},
		{"list queues mesages", "", 2, `unknown column "mesages": must be name, durable, auto_delete, exclusive, arguments, messages_ready, messages_unacknowledged, messages or consumers; did you mean messages?`},
		{"list queues -o xml", "", 2, `-o/--output "xml": must be table, json or yaml`},
		{"list queues --formt json", "", 2, `unknown flag --formt; queues --help lists the flags`},
		{"graph events", "", 2, `topology graph takes EXCHANGE and KEY, or neither; the empty key is ""`},
		{"graph -H a=b", "", 2, `-H/--header is of a message: give its EXCHANGE and KEY too`},
		{"graph nowhere a", "", 1, `not found: no exchange 'nowhere'`},
		{"explain events", "", 2, `topology explain takes EXCHANGE and KEY; the empty key is "", but got 1 word; see topology explain --help`},
		{"explain nowhere a", "", 1, `not found: no exchange 'nowhere'`},
		{"explain events a -H CC=b -f " + shop, "", 3, `precondition failed: the header CC is a string; it must be a list of strings ([]any)`},
		{"export now", "", 2, `topology export takes flags only, but got 1 word; see topology export --help`},
		{"diff", "", 2, `topology diff takes one FILE, but got 0 words; see topology diff --help`},
		{"diff nofile.json", "", 3, `read the topology file: open nofile.json: no such file or directory`},
		{"diff -", "{", 2, `read standard input: `},
		{"diff -", "a: [", 2, `read standard input: invalid argument: it is neither JSON nor YAML: `},
		{"diff " + shop + " --vhost other", "", 3, `read testdata/shop.yaml: `},
		{"apply " + shop + " --yes --dry-run", "", 2, `--yes and --dry-run are opposites; give one of them`},
		{"apply -", "{}", 2, `with FILE on standard input nobody can be asked there; give --yes or --dry-run`},
		{"apply " + shop + " --yes", "", 1, `queue "audit" differs: durable: wanted true, has false`},
		{"purge", "", 2, `topology purge takes one name or more, but got 0 words; see topology purge --help`},
		{"purge nobody", "", 1, `purge queue "nobody": not found`},
		{"delete tables a", "", 2, `unknown kind "tables": must be exchange or queue`},
		{"delete queue nobody", "", 1, `inspect queue "nobody": not found`},
		{"delete queue full --if-empty", "", 1, `delete queue "full": precondition failed`},
		{"delete exchange audit", "", 1, `check exchange "audit": not found`},
		{"delete exchange amq.topic", "", 1, `delete exchange "amq.topic": access refused`},
		{"delete exchange a --if-empty", "", 2, `unknown flag --if-empty`},
	} {
		o := o
		o.stdin = strings.NewReader(c.stdin)
		s := start(t, o, "topology", strings.Fields(c.args)...)
		if code := s.wait(t); code != c.code || !strings.Contains(s.stderr.String(), c.stderr) || !strings.HasPrefix(s.stderr.String(), "topology: ") || strings.Count(s.stderr.String(), "\n") != 1 {
			t.Errorf("topology %s exited with %d and wrote\n%s\nwant %d and one line with\n%s", c.args, code, s.stderr.String(), c.code, c.stderr)
		}
	}
}
