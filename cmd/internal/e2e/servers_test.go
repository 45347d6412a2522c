package e2e

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/gobindery/bindery/adapters/rabbitmq/rabbitmqtest"
)

// rabbit is an empty virtual host on a real RabbitMQ.
func rabbit(t *testing.T) options {
	t.Helper()
	return options{env: rabbitmqtest.Shared(t).VHost(t)}
}

// serves is the broker that serve has for RabbitMQ's clients, in a process of its
// own: one in memory, unless args name another.
func serves(t *testing.T, args ...string) options {
	t.Helper()
	s := spawn(t, options{env: "memory:"}, "serve", append(args, "--listen", "127.0.0.1:0")...)
	s.stderr.waitFor(t, "address", s.ended, func(text string) bool { return strings.Contains(text, "CTRL+C\n") })
	_, address, _ := strings.Cut(s.stderr.String(), "guest@")
	address, _, _ = strings.Cut(address, "/")
	return options{env: "amqp://guest:guest@" + address + "/"}
}

// onServers runs a test on each of the servers that processes can share.
func onServers(t *testing.T, test func(t *testing.T, o options)) {
	t.Run("RabbitMQ", func(t *testing.T) { test(t, rabbit(t)) })
	t.Run("NATS", func(t *testing.T) { test(t, natsServer(t)) })
}

// realLog is a log of that many lines: the machine's package log where there
// is one, else the sample, as often as it takes.
func realLog(t *testing.T, lines int) string {
	t.Helper()
	for _, name := range []string{"/var/log/dpkg.log", "../../../testdata/sample.log"} {
		text, err := os.ReadFile(name)
		if err != nil || len(text) == 0 {
			continue
		}
		all := strings.SplitAfter(strings.TrimSuffix(string(text), "\n")+"\n", "\n")
		all = all[:len(all)-1]
		var b strings.Builder
		for i := range lines {
			b.WriteString(all[i%len(all)])
		}
		return b.String()
	}
	t.Fatal("no log to read")
	return ""
}

// TestBroadcast is the tutorial: every receiver gets every line.
func TestBroadcast(t *testing.T) { onServers(t, testBroadcast) }

func testBroadcast(t *testing.T, o options) {
	const lines = 10_000
	log := realLog(t, lines)
	file, err := os.Create(t.TempDir() + "/logs_from_rabbit.log")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	toFile := o
	toFile.stdout = file
	count := strconv.Itoa(lines)
	one := start(t, o, "receive").bound(t)
	two := start(t, o, "receive", "-n", count).bound(t)
	three := spawn(t, toFile, "receive", "-n", count).bound(t)
	o.stdin = strings.NewReader(log)
	s := start(t, o, "emit")
	s.ends(t, 0, "")
	if want := " [x] Sent 10000 messages\n"; s.out() != want {
		t.Errorf("emit printed %q, want %q", s.out(), want)
	}
	one.waitOut(t, lines)
	one.stop()
	one.ends(t, 0, bound)
	two.ends(t, 0, bound)
	three.ends(t, 0, bound)
	written, err := os.ReadFile(file.Name())
	if err != nil {
		t.Fatal(err)
	}
	for i, got := range []string{one.out(), two.out(), string(written)} {
		if got != log {
			t.Errorf("receiver %d got %d bytes that are not the %d of the log", i+1, len(got), len(log))
		}
	}
}

// TestTwoPatterns: a message that matches both comes once.
func TestTwoPatterns(t *testing.T) { onServers(t, testTwoPatterns) }

func testTwoPatterns(t *testing.T, o options) {
	r := start(t, o, "receive", "-t", "topic", "-k", "kern.*", "-k", "*.critical").bound(t)
	for _, key := range []string{"kern.critical", "kern.info", "cron.info", "cron.critical", "kern", "kern.a.b", "kern.critical"} {
		start(t, o, "emit", "-t", "topic", "-k", key, key).succeeds(t)
	}
	start(t, o, "emit", "-t", "topic", "-k", "kern.end", "end").succeeds(t)
	want := "kern.critical\nkern.info\ncron.critical\nkern.critical\nend\n"
	r.waitOut(t, strings.Count(want, "\n"))
	r.stop()
	r.ends(t, 0, bound)
	if r.out() != want {
		t.Errorf("receive printed %q, want %q", r.out(), want)
	}
}

// TestSharedQueue: two receivers share the messages of a queue.
func TestSharedQueue(t *testing.T) { onServers(t, testSharedQueue) }

func testSharedQueue(t *testing.T, o options) {
	const lines = 2000
	half := strconv.Itoa(lines / 2)
	one := start(t, o, "receive", "-Q", "work", "-n", half, "--prefetch", "10").bound(t)
	two := start(t, o, "receive", "-Q", "work", "-n", half, "--prefetch", "10").bound(t)
	o.stdin = strings.NewReader(numbers(1, lines))
	start(t, o, "emit").succeeds(t)
	one.ends(t, 0, bound)
	two.ends(t, 0, bound)
	got := make(map[string]int)
	for l := range strings.Lines(one.out() + two.out()) {
		got[strings.TrimSpace(l)]++
	}
	for i := 1; i <= lines; i++ {
		if n := got[strconv.Itoa(i)]; n != 1 {
			t.Fatalf("line %d was printed %d times, want once", i, n)
		}
	}
}

func TestCountOnServers(t *testing.T) {
	for _, c := range []struct{ count, prefetch int }{{1, 256}, {300, 256}, {500, 7}} {
		t.Run(fmt.Sprintf("%d, prefetch %d", c.count, c.prefetch), func(t *testing.T) {
			onServers(t, func(t *testing.T, o options) { testCount(t, o, c.count, c.prefetch) })
		})
	}
	t.Run("slowly", func(t *testing.T) { onServers(t, testCountSlowly) })
}
