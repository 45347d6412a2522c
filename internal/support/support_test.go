package support

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gobindery/bindery/pubsub/pubsubtest"
)

// recorder takes failures in place of a test.
type recorder struct {
	testing.TB
	failures []string
}

func (r *recorder) Errorf(format string, args ...any) {
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

// report is one in which all cases have an outcome.
func report(o pubsubtest.Outcome, reason string) (r pubsubtest.Report) {
	for _, c := range pubsubtest.Cases() {
		r.Results = append(r.Results, pubsubtest.Result{Case: c, Outcome: o, Reason: reason})
	}
	return r
}

func TestCheck(t *testing.T) {
	page := filepath.Join(t.TempDir(), "support.md")
	passed, waived := report(pubsubtest.Passed, ""), report(pubsubtest.Waived, "it has no | here")
	check := func(c Column, r pubsubtest.Report) int {
		rec := &recorder{TB: t}
		Check(rec, page, c)(r)
		return len(rec.failures)
	}
	if check(Memory, passed) != 1 {
		t.Error("a page that isn't there is taken as current")
	}
	t.Setenv(Variable, "write")
	if check(Memory, passed)+check(RabbitMQ, waived) != 0 {
		t.Error("it can't write the page")
	}
	t.Setenv(Variable, "")
	for name, c := range map[string]struct {
		column Column
		report pubsubtest.Report
		want   int
	}{
		"what was written":          {Memory, passed, 0},
		"a reason with a bar":       {RabbitMQ, waived, 0},
		"a part of the cases":       {RabbitMQ, pubsubtest.Report{Results: waived.Results[3:5]}, 0},
		"what is waived now":        {Memory, pubsubtest.Report{Results: waived.Results[3:5]}, 1},
		"what passes now":           {RabbitMQ, passed, 1},
		"a failure, told elsewhere": {Memory, report(pubsubtest.Failed, ""), 0},
		"a backend that is new":     {Server, passed, 1},
	} {
		if n := check(c.column, c.report); n != c.want {
			t.Errorf("%s: %d failures, want %d", name, n, c.want)
		}
	}
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	first := passed.Results[0]
	want := fmt.Sprintf("| `%s` | %s | yes | no: it has no \\| here | not run yet | not run yet | not run yet | not run yet |\n", first.Name, first.Why)
	if !strings.Contains(string(text), want) {
		t.Errorf("there is no line %q in\n%.1000s", want, text)
	}
	// A case that is no more goes from the page, and is seen.
	gone := strings.Replace(string(text), "`"+first.Name+"`", "`no/more`", 1)
	if err := os.WriteFile(page, []byte(gone), 0o600); err != nil {
		t.Fatal(err)
	}
	if check(Memory, passed) != 1 {
		t.Error("a page with a case that there isn't is taken as current")
	}
}
