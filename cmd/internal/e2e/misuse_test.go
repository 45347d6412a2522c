package e2e

import (
	"net/url"
	"strings"
	"testing"

	"github.com/gobindery/bindery/adapters/memory"
	"github.com/gobindery/bindery/pubsub"
)

// misuses are wrong invocations: each is named with what would be right.
var misuses = []struct {
	name   string
	args   string // the command and its arguments, by spaces
	env    string // $BINDERY_BROKER
	code   int
	stderr string
}{
	{"flag misspelt", "emit --exhange x", "", 2,
		`emit: unknown flag --exhange; did you mean --exchange?`},
	{"flag unknown", "receive --follow", "", 2,
		`receive: unknown flag --follow; receive --help lists the flags`},
	{"letter unknown", "emit -z", "", 2,
		`emit: unknown flag -z; emit --help lists the flags`},
	{"letter unknown in a group", "receive -nz", "", 2,
		`receive: -n/--count "z": must be a whole number of 1 or more`},
	{"flag without its value", "emit hello -e", "", 2,
		`emit: -e/--exchange needs a value; see emit --help`},
	{"switch with a value", "emit --durable=maybe", "", 2,
		`emit: --durable "maybe": must be true or false`},
	{"type misspelt", "emit -t fanuot hello", "", 2,
		`emit: -t/--type "fanuot": must be fanout, direct, topic or headers; did you mean fanout?`},
	{"type unknown", "receive --type x-delayed-message", "", 2,
		`receive: -t/--type "x-delayed-message": must be fanout, direct, topic or headers`},
	{"type empty", "emit --type= hello", "", 2,
		`emit: -t/--type "": must be fanout, direct, topic or headers`},
	{"log level unknown", "emit --log-level warning hello", "", 2,
		`emit: --log-level "warning": must be debug, info, warn or error`},

	{"scheme unknown", "emit -b kafka://localhost hello", "", 2,
		`emit: open broker "kafka://localhost": invalid argument: unknown scheme "kafka"; use one of SCHEMES`},
	{"scheme missing", "receive -b localhost", "", 2,
		`receive: open broker "localhost": invalid argument: unknown scheme ""; use one of SCHEMES`},
	{"scheme unknown in the environment", "receive", "mqtt://localhost", 2,
		`receive: open broker "mqtt://localhost": invalid argument: unknown scheme "mqtt"; use one of SCHEMES (the URL is that of $BINDERY_BROKER)`},
	{"URL empty", "emit --broker= hello", "memory:", 2,
		`emit: open broker "": invalid argument: unknown scheme ""; use one of SCHEMES`},
	{"URL malformed", "emit -b amqp://guest:s%zz@localhost hello", "", 2,
		`emit: open broker: invalid argument: malformed URL: invalid URL escape "%zz"; percent-encode what is special in user, password and vhost`},
	{"URL parameter unknown", "emit -b memory:?timeout=1 hello", "", 2,
		`emit: open broker "memory:?timeout=1": invalid argument: unknown parameter "timeout"; known for memory are: none`},

	{"exchange name too long", "emit -e " + strings.Repeat("x", 256) + " hello", "", 2,
		`emit: -e/--exchange "` + strings.Repeat("x", 60) + `…": is 256 bytes long; at most 255 are possible`},
	{"exchange name not UTF-8", "receive -e \xff", "", 2,
		`receive: -e/--exchange "\xff": is not valid UTF-8`},
	{"key too long", "emit -k " + strings.Repeat("å", 128) + " hello", "", 2,
		`emit: -k/--key "` + strings.Repeat("å", 30) + `…": is 256 bytes long; at most 255 are possible`},
	{"key pattern too long", "receive -t topic -k " + strings.Repeat("#", 256), "", 2,
		`receive: -k/--key "` + strings.Repeat("#", 60) + `…": is 256 bytes long; at most 255 are possible`},
	{"queue name too long", "receive -Q " + strings.Repeat("q", 256), "", 2,
		`receive: -Q/--queue "` + strings.Repeat("q", 60) + `…": is 256 bytes long; at most 255 are possible`},
	{"header without a value", "emit -H format hello", "", 2,
		`emit: -H/--header "format": must look like name=value`},
	{"header without a name", "receive -t headers -H =pdf", "", 2,
		`receive: -H/--header "=pdf": must look like name=value`},
	{"header twice", "emit -H a=1 -H a=2 hello", "", 2,
		`emit: -H/--header "a=2": the header "a" is there twice; give it once`},
	{"header name too long", "emit -H " + strings.Repeat("h", 256) + "=v hello", "", 2,
		`emit: -H/--header "` + strings.Repeat("h", 60) + `…": its name is 256 bytes long; at most 255 are possible`},

	{"default exchange without a key", "emit --exchange= hello", "", 2,
		`emit: -e/--exchange "": the default exchange routes to the queue that the key names; name it with -k/--key`},
	{"binding to the default exchange", "receive --exchange=", "", 2,
		`receive: -e/--exchange "": the default exchange can't be bound; it reaches every queue by its name: name one with -Q/--queue`},
	{"binding a queue to the default exchange", "receive --exchange= -Q tasks -k tasks", "", 2,
		`receive: -e/--exchange "": the default exchange can't be bound; leave out -k/--key and -H/--header`},

	{"words for receive", "receive kern.*", "", 2,
		`receive: receive takes flags only, but got the word "kern.*"; a key is given by -k, a queue by -Q`},
	{"completion without a shell", "receive completion", "", 2,
		`receive: completion takes a shell: bash, zsh, fish or powershell`},
	{"direct without a key", "receive -t direct", "", 2,
		`receive: a direct exchange needs the keys of the messages to receive; name them with -k/--key, as in: receive -t direct -k warning -k error`},
	{"key for a fanout exchange", "receive -k error", "", 2,
		`receive: -k/--key has no meaning for a fanout exchange; give its type, -t direct or -t topic, or leave the key out`},
	{"key for a headers exchange", "receive -t headers -k error", "", 2,
		`receive: -k/--key has no meaning for a headers exchange; give its type, -t direct or -t topic, or leave the key out`},
	{"headers for a topic exchange", "receive -t topic -H a=b", "", 2,
		`receive: -H/--header has no meaning for a topic exchange; give its type, -t headers, or leave the header out`},
	{"match for a fanout exchange", "receive --match any", "", 2,
		`receive: --match has no meaning for a fanout exchange; give its type, -t headers, or leave it out`},
	{"match unknown", "receive -t headers --match some", "", 2,
		`receive: --match "some": must be all or any`},
	{"match any of no headers", "receive -t headers --match any", "", 2,
		`receive: --match any without a header matches no message; name headers with -H/--header`},
	{"queue without a name", "receive --queue=", "", 2,
		`receive: -Q/--queue "": name a queue, or leave the flag out to have one for this receiver alone`},
	{"output unknown", "receive -o xml", "", 2,
		`receive: -o/--output "xml": must be body, json or verbose`},
	{"output in capitals", "receive -o JSON", "", 2,
		`receive: -o/--output "JSON": must be body, json or verbose; did you mean json?`},
	{"count of zero", "receive -n 0", "", 2,
		`receive: -n/--count "0": must be a whole number of 1 or more`},
	{"count negative", "receive --count -3", "", 2,
		`receive: -n/--count "-3": must be a whole number of 1 or more`},
	{"count no number", "receive -n many", "", 2,
		`receive: -n/--count "many": must be a whole number of 1 or more`},
	{"prefetch negative", "receive --prefetch -1", "", 2,
		`receive: --prefetch "-1": must be a whole number from 1 to 65535`},
	{"prefetch too large", "receive --prefetch 65536", "", 2,
		`receive: --prefetch "65536": must be a whole number from 1 to 65535`},

	{"host unreachable", "emit -b amqp://guest:secret@127.0.0.1:1/ hello", "", 1,
		`emit: open broker "amqp://guest:xxxxx@127.0.0.1:1/": connect to 127.0.0.1:1: broker unavailable: dial tcp 127.0.0.1:1: connect: connection refused`},
	{"NATS unreachable", "emit -b nats://guest:secret@127.0.0.1:1/ hello", "", 1,
		`emit: open broker "nats://guest:xxxxx@127.0.0.1:1/": connect to NATS: broker unavailable: nats://127.0.0.1:1: dial tcp 127.0.0.1:1: connect: connection refused`},
	{"NATS embedded without a folder", "emit -b nats+embedded: hello", "", 2,
		`emit: open broker "nats+embedded:": invalid argument: the URL names no folder; write nats+embedded:FOLDER`},
	{"reserved exchange name", "emit -b memory: -e amq.mine hello", "", 1,
		`emit: declare exchange "amq.mine": access refused: exchange name 'amq.mine' contains reserved prefix 'amq.*'`},
	{"reserved queue name", "receive -b memory: -Q amq.mine", "", 1,
		`receive: declare queue "amq.mine": access refused: queue name "amq.mine" has the prefix "amq.", which is the broker's own; leave the name empty to have one chosen`},
}

func TestMisuse(t *testing.T) {
	for _, c := range misuses {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			args := strings.Split(c.args, " ")
			s := start(t, options{env: c.env}, args[0], args[1:]...)
			s.ends(t, c.code, strings.ReplaceAll(c.stderr, "SCHEMES", schemes)+"\n")
			if s.out() != "" {
				t.Errorf("standard output got %q, want nothing", s.out())
			}
		})
	}
}

// schemes are the examples that an error lists.
const schemes = "amqp://user:password@host:5672/vhost, amqps://user:password@host:5671/vhost, memory:, " +
	"nats://user:password@host:4222/vhost, nats+embedded:/path/to/folder, tls://user:password@host:4222/vhost"

// TestMisuseOfWhatIsThere is about entities that exist in another way.
func TestMisuseOfWhatIsThere(t *testing.T) {
	server := memory.NewServer()
	backends := pubsub.Mux{"memory": server.Scheme()}
	b, err := backends.Open(t.Context(), "memory:", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if err := b.DeclareExchange(t.Context(), pubsub.Exchange{Name: "events", Kind: pubsub.Topic, Durable: true}); err != nil {
		t.Fatal(err)
	}
	for _, q := range []pubsub.Queue{{Name: "shared"}, {Name: "mine", Exclusive: true}} {
		if _, err := b.DeclareQueue(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ name, args, stderr string }{
		{"exchange of another type", "emit -e events --durable hello",
			`declare exchange "events": precondition failed: inequivalent arg 'type' for exchange 'events': received 'fanout' but current is 'topic'; declare it as it is, or delete it first`},
		{"exchange not durable", "receive -e events -t topic",
			`declare exchange "events": precondition failed: inequivalent arg 'durable' for exchange 'events': received 'false' but current is 'true'; declare it as it is, or delete it first`},
		{"queue not durable", "receive -e more -Q shared --durable",
			`declare queue "shared": precondition failed: inequivalent arg 'durable' for queue 'shared' in vhost '/': received 'true' but current is 'false'; declare it as it is, or delete it first`},
		{"queue of another connection", "receive -e others -Q mine",
			`declare queue "mine": resource locked: cannot obtain exclusive access to locked queue 'mine' in vhost '/'. It could be originally declared on another connection or the exclusive property value does not match that of the original declaration; use the Broker that declared it, or another queue`},
		{"nobody to get a mandatory message", "emit -e logs --mandatory hello",
			`publish to exchange "logs": with key "": unroutable: NO_ROUTE: no queue matches; bind a queue that matches, or publish without Mandatory`},
		{"no such queue, and mandatory", "emit --exchange= -k nobody --mandatory hello",
			`publish to the default exchange: with key "nobody": unroutable: NO_ROUTE: no queue matches; bind a queue that matches, or publish without Mandatory`},
	} {
		t.Run(c.name, func(t *testing.T) {
			args := strings.Split(c.args, " ")
			s := start(t, options{env: "memory:", backends: backends}, args[0], args[1:]...)
			s.ends(t, 1, args[0]+": "+c.stderr+"\n")
			if s.out() != "" {
				t.Errorf("standard output got %q, want nothing", s.out())
			}
		})
	}
}

// TestMisuseOnRabbitMQ: a real broker's refusals come through.
func TestMisuseOnRabbitMQ(t *testing.T) {
	o := rabbit(t)
	u, err := url.Parse(o.env)
	if err != nil {
		t.Fatal(err)
	}
	user, host, vhost := u.User.Username(), u.Host, strings.TrimPrefix(u.Path, "/")
	wrong := *u
	wrong.User = url.UserPassword(user, "wrong")
	start(t, o, "receive", "-Q", "work").bound(t) // which stays
	for _, c := range []struct{ name, args, env, stderr string }{
		{"wrong password", "emit hello", wrong.String(),
			`open broker "REDACTED": connect to HOST: wrong password for user "USER", or no such user: access refused: ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN. For details see the broker logfile. (AMQP code 403) (the URL is that of $BINDERY_BROKER)`},
		{"missing vhost", "receive", o.env + "-missing",
			`open broker "REDACTED": connect to HOST: not found: NOT_ALLOWED - vhost VHOST-missing not found (AMQP code 530) (the URL is that of $BINDERY_BROKER)`},
		{"exchange of another type", "emit -t topic -k a hello", o.env,
			`declare exchange "logs": precondition failed: PRECONDITION_FAILED - inequivalent arg 'type' for exchange 'logs' in vhost 'VHOST': received 'topic' but current is 'fanout' (AMQP code 406); declare it as it is, or delete it first`},
		{"reserved exchange name", "emit -e amq.mine hello", o.env,
			`declare exchange "amq.mine": access refused: ACCESS_REFUSED - exchange name 'amq.mine' contains reserved prefix 'amq.*' (AMQP code 403)`},
		{"queue not durable", "receive -e more -Q work --durable", o.env,
			`declare queue "work": precondition failed: PRECONDITION_FAILED - inequivalent arg 'durable' for queue 'work' in vhost 'VHOST': received 'true' but current is 'false' (AMQP code 406); declare it as it is, or delete it first`},
		{"nobody to get a mandatory message", "emit -e others --mandatory hello", o.env,
			`publish to exchange "others": with key "": unroutable: the broker returned it: NO_ROUTE (AMQP code 312); bind a queue that matches, or publish without Mandatory`},
		{"header that the broker refuses", "emit -H CC=hello hello", o.env,
			`publish to exchange "logs": with key "": precondition failed: the header CC is a string; it must be a list of strings ([]any)`},
	} {
		t.Run(c.name, func(t *testing.T) {
			args := strings.Split(c.args, " ")
			s := start(t, options{env: c.env}, args[0], args[1:]...)
			want := strings.NewReplacer("REDACTED", redacted(t, c.env), "VHOST", vhost, "HOST", host, "USER", user).Replace(c.stderr)
			s.ends(t, 1, args[0]+": "+want+"\n")
			if s.out() != "" {
				t.Errorf("standard output got %q, want nothing", s.out())
			}
		})
	}
}

// redacted is a URL as it stands in an error: without the password, and not too long.
func redacted(t *testing.T, raw string) string {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	s := u.Redacted()
	if len(s) > 60 {
		s = s[:60] + "…"
	}
	return s
}
