package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// logFile is a file with text in it.
func logFile(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "some.log")
	if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestDemo(t *testing.T) {
	var text strings.Builder
	for i := range 30 {
		fmt.Fprintf(&text, "line %d\n", i+1)
	}
	name := logFile(t, text.String()+"half a li") // it is being written to
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), &stdout, &stderr, []string{"/no/such.log", logFile(t, ""), name}); code != 0 {
		t.Fatalf("the demo exited with %d: %s", code, &stderr)
	}
	got := strings.Replace(stdout.String(), name, "some.log", 1)
	got = regexp.MustCompile(`in \S+s\.\n$`).ReplaceAllString(got, "in TIME.\n")
	want := `Broadcasting some.log (30 lines, 231 bytes) to two receivers, over the broker "memory:".

$ receive
line 1
line 2
line 3
line 4
line 5
… 20 more lines …
line 26
line 27
line 28
line 29
line 30

$ receive > logs_from_rabbit.log
30 lines

Both receivers got all 30 lines, byte for byte and in order, in TIME.
`
	if got != want {
		t.Errorf("the demo printed\n%s\nwant\n%s", got, want)
	}
	if stderr.Len() > 0 {
		t.Errorf("standard error got %q, want nothing", &stderr)
	}
}

// TestSample broadcasts the sample, which is there when the machine has no log.
func TestSample(t *testing.T) {
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), &stdout, &stderr, logs[len(logs)-1:]); code != 0 {
		t.Fatalf("the demo exited with %d: %s", code, &stderr)
	}
	if want := "Both receivers got all 260 lines"; !strings.Contains(stdout.String(), want) {
		t.Errorf("the demo printed\n%s\nwhich lacks %q", &stdout, want)
	}
}

func TestDemoFails(t *testing.T) {
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), &stdout, &stderr, []string{"/no/such.log", "/nor/this.log"})
	want := "demo: no log to broadcast: open /no/such.log: no such file or directory; open /nor/this.log: no such file or directory\n"
	if code != 1 || stderr.String() != want {
		t.Errorf("without a log it exited with %d and wrote %q, want 1 and %q", code, &stderr, want)
	}

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if code := run(ctx, &stdout, &stderr, []string{logFile(t, "line\n")}); code != 1 {
		t.Errorf("interrupted, it exited with %d, want 1", code)
	}
}
