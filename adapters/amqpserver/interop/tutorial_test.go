package interop

import (
	"strings"
	"testing"

	"github.com/gobindery/bindery/internal/debian"
)

// python starts one of the tutorial's programs.
func python(t *testing.T, url, script string, args ...string) *program {
	t.Helper()
	debian.Need(t, "python3-pika", debian.Python, "-c", "import pika")
	return start(t, url, append([]string{debian.Python, "testdata/tutorial/" + script}, args...)...)
}

const (
	waitMessages = " [*] Waiting for messages. To exit press CTRL+C"
	waitLogs     = " [*] Waiting for logs. To exit press CTRL+C"
)

// The tutorial's first part: https://www.rabbitmq.com/tutorials/tutorial-one-python.
func TestHelloWorld(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, url string) {
		python(t, url, "hello_send.py").prints(" [x] Sent 'Hello World!'").ends(0)
		r := python(t, url, "hello_receive.py").prints(waitMessages, " [x] Received b'Hello World!'")
		python(t, url, "hello_send.py").prints(" [x] Sent 'Hello World!'").ends(0)
		r.prints(" [x] Received b'Hello World!'").interrupt().prints("Interrupted").ends(0)
	})
}

// The second part: tasks go to the worker that is free, and back from one that
// dies.
func TestWorkQueues(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, url string) {
		one := python(t, url, "worker.py").prints(waitMessages)
		python(t, url, "new_task.py", "crash", "..").prints(" [x] Sent crash ..").ends(0)
		one.prints(" [x] Received crash .. persistent=True redelivered=False").ends(3)
		two := python(t, url, "worker.py").prints(waitMessages,
			" [x] Received crash .. persistent=True redelivered=True", " [x] Done")

		// While the second works for half a minute, the third gets all others.
		long := "long " + strings.Repeat(".", 300)
		python(t, url, "new_task.py", long).prints(" [x] Sent " + long).ends(0)
		two.prints(" [x] Received " + long + " persistent=True redelivered=False")
		three := python(t, url, "worker.py").prints(waitMessages)
		for _, task := range []string{"a", "b", "c"} {
			python(t, url, "new_task.py", task).prints(" [x] Sent " + task).ends(0)
			three.prints(" [x] Received "+task+" persistent=True redelivered=False", " [x] Done")
		}
		two.interrupt().ends(0)
		three.prints(" [x] Received " + long + " persistent=True redelivered=True").interrupt().ends(0)
	})
}

// The third part: every receiver gets every message sent after it was ready.
func TestPublishSubscribe(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, url string) {
		python(t, url, "emit_log.py", "too early").prints(" [x] Sent too early").ends(0)
		one := python(t, url, "receive_logs.py").prints(waitLogs)
		two := python(t, url, "receive_logs.py").prints(waitLogs)
		python(t, url, "emit_log.py").prints(" [x] Sent info: Hello World!").ends(0)
		for _, r := range []*program{one, two} {
			r.prints(" [x] info: Hello World!").interrupt().ends(0)
		}
	})
}

// The fourth part, routing, and the fifth, topics.
func TestRouting(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, kind string
		keys       []string // one receiver's
		sent, got  []string
	}{
		{"direct", "direct", []string{"warning", "error"}, []string{"info", "warning", "error"}, []string{"warning", "error"}},
		{"topic star and hash", "topic", []string{"kern.*", "*.critical", "a.#"},
			[]string{"kern.info", "kern", "kern.a.b", "cron.critical", "kern.critical", "a", "a.b.c", "b.a"},
			[]string{"kern.info", "cron.critical", "kern.critical", "a", "a.b.c"}},
		{"topic all", "topic", []string{"#"}, []string{"kern.info", "", "x"}, []string{"kern.info", "", "x"}},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			both(t, func(t *testing.T, url string) {
				r := python(t, url, "receive_logs_routed.py", append([]string{c.kind}, c.keys...)...).prints(waitLogs)
				for _, key := range c.sent {
					python(t, url, "emit_log_routed.py", c.kind, key, "said").prints(" [x] Sent " + key + ":said").ends(0)
				}
				for _, key := range c.got {
					r.prints(" [x] " + key + ":said")
				}
				r.interrupt().ends(0)
			})
		})
	}
}

// The sixth part, and the same with direct reply-to.
func TestRPC(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, url string) {
		server := python(t, url, "rpc_server.py").prints(" [*] Waiting for requests. To exit press CTRL+C")
		for _, how := range []string{"queue", "direct"} {
			python(t, url, "rpc_client.py", "20", how).prints(" [x] Requesting fib(20)", " [.] Got 6765").ends(0)
			server.prints(" [.] fib(20)")
		}
		server.interrupt().ends(0)
	})
}

// The seventh part: the outcome of each publish.
func TestPublisherConfirms(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, url string) {
		python(t, url, "publisher_confirms.py").prints(
			" [x] Confirmed 500, in the queue: 500",
			" [x] Returned 312 NO_ROUTE b'lost'",
			" [x] Refused",
		).ends(0)
	})
}
