package e2e

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// The tutorial's programs are written with pika, as Debian packages it for its
// own Python.
const python = "/usr/bin/python3"

var pika = sync.OnceValue(func() string {
	if exec.Command(python, "-c", "import pika").Run() == nil {
		return ""
	}
	const remedy = "install it: apt-get install python3-pika"
	if os.Geteuid() != 0 {
		return "there is no pika for " + python + ", and only root can install it; " + remedy
	}
	for _, args := range [][]string{{"update"}, {"install", "-y", "--no-install-recommends", "python3-pika"}} {
		cmd := exec.Command("apt-get", args...)
		cmd.Env = append(cmd.Environ(), "DEBIAN_FRONTEND=noninteractive")
		if out, err := cmd.CombinedOutput(); err != nil {
			return "there is no pika for " + python + ", and apt-get " + args[0] + " failed: " + err.Error() + "\n" + string(out) + "\n" + remedy
		}
	}
	return ""
})

// needPika installs pika where it is missing, or fails the test.
func needPika(t *testing.T) {
	t.Helper()
	if why := pika(); why != "" {
		t.Fatal(why)
	}
}

func script(name string) string { return "../../testdata/" + name }

// TestFromPython: what the tutorial's program sends, receive prints.
func TestFromPython(t *testing.T) {
	needPika(t)
	for _, c := range []struct{ name, receive, send, want string }{
		{"fanout", "", "logs fanout| info: Hello World! å",
			" info: Hello World! å\n"},
		{"direct", "-e direct_logs -t direct -k error -o verbose", "direct_logs direct|error|Run. Run.",
			`exchange="direct_logs" key="error" redelivered=false headers={} body="Run. Run."` + "\n"},
		{"topic", "-e topic_logs -t topic -k kern.* -k *.critical -o json", "topic_logs topic|kern.critical|A critical kernel error",
			`{"exchange":"topic_logs","routing_key":"kern.critical","redelivered":false,"body":"A critical kernel error"}` + "\n"},
		{"headers", "-e jobs -t headers -H format=pdf -o json", "jobs headers||quarterly",
			`{"exchange":"jobs","routing_key":"","redelivered":false,"headers":{"draft":true,"format":"pdf","note":"å","pages":12},"content_type":"text/plain","body":"quarterly"}` + "\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := rabbit(t)
			r := start(t, o, "receive", append([]string{"-n", "1"}, strings.Fields(c.receive)...)...).bound(t)
			parts := strings.Split(c.send, "|")
			args := append([]string{script("emit_log.py"), o.env}, strings.Fields(parts[0])...)
			key, words := parts[1], parts[2:]
			if c.name == "fanout" {
				key, words = "", parts[1:]
			}
			spawnPath(t, options{}, python, append(append(args, key), words...)...).succeeds(t)
			r.ends(t, 0, bound)
			if r.out() != c.want {
				t.Errorf("receive printed\n%s\nwant\n%s", r.out(), c.want)
			}
		})
	}
}

// TestToPython: what emit sends, the tutorial's program prints.
func TestToPython(t *testing.T) {
	needPika(t)
	for _, c := range []struct{ name, receive, send, want string }{
		{"fanout", "logs fanout 1", "info: Hello World! å", "info: Hello World! å\n"},
		{"direct", "direct_logs direct 1 error", "-e direct_logs -t direct -k error Run. Run.", "Run. Run.\n"},
		{"topic", "topic_logs topic 1 kern.* *.critical", "-e topic_logs -t topic -k kern.critical A critical kernel error", "A critical kernel error\n"},
		{"headers", "jobs headers 1", "-e jobs -t headers -H format=pdf -H note=å quarterly", "quarterly [('format', 'pdf'), ('note', 'å')]\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := rabbit(t)
			args := append([]string{script("receive_logs.py"), o.env}, strings.Fields(c.receive)...)
			r := spawnPath(t, options{}, python, args...).bound(t)
			start(t, o, "emit", strings.Fields(c.send)...).ends(t, 0, "")
			r.ends(t, 0, bound)
			if r.out() != c.want {
				t.Errorf("it printed %q, want %q", r.out(), c.want)
			}
		})
	}
}

// TestPythonLog sends a log in both directions at once: every line arrives at both
// kinds of receiver, byte for byte and in order.
func TestPythonLog(t *testing.T) {
	needPika(t)
	const lines = 2000
	log := realLog(t, lines)
	for _, from := range []string{"emit", "emit_log.py"} {
		t.Run(from, func(t *testing.T) {
			o := rabbit(t)
			theirs := spawnPath(t, options{}, python, script("receive_logs.py"), o.env, "logs", "fanout", strconv.Itoa(lines)).bound(t)
			ours := start(t, o, "receive", "-n", strconv.Itoa(lines)).bound(t)
			o.stdin = strings.NewReader(log)
			if from == "emit" {
				start(t, o, "emit").ends(t, 0, "")
			} else {
				spawnPath(t, o, python, script(from), o.env, "logs", "fanout", "").succeeds(t)
			}
			ours.ends(t, 0, bound)
			theirs.ends(t, 0, bound)
			if ours.out() != log || theirs.out() != log {
				t.Errorf("receive printed %d bytes, receive_logs.py %d, not the %d bytes of the log", len(ours.out()), len(theirs.out()), len(log))
			}
		})
	}
}
