package pubsubtest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// Outcome is what became of a case.
type Outcome string

// The outcomes. There is none for a case that was skipped: none is.
const (
	Passed Outcome = "pass"
	Failed Outcome = "FAIL"
	Waived Outcome = "waived"
)

// Result is what became of one case.
type Result struct {
	Case
	Outcome Outcome
	Reason  string // why it is waived
	Took    time.Duration
}

// Report is what became of the cases that were run, in the order of [Cases].
// Cases that go test -run left out are not in it.
type Report struct {
	Results []Result
}

// Count returns how many cases had an outcome.
func (r Report) Count(o Outcome) (n int) {
	for _, res := range r.Results {
		if res.Outcome == o {
			n++
		}
	}
	return n
}

// String returns the report as text: one line a case, and the counts.
func (r Report) String() string { return r.text(func(Result) bool { return true }) }

// unpassed is the report without the cases that passed, but with their count.
func (r Report) unpassed() string {
	return r.text(func(res Result) bool { return res.Outcome != Passed })
}

func (r Report) text(shown func(Result) bool) string {
	var b strings.Builder
	for _, res := range r.Results {
		if !shown(res) {
			continue
		}
		fmt.Fprintf(&b, "%-6s %-44s %s", res.Outcome, res.Name, res.Why)
		if res.Reason != "" {
			fmt.Fprintf(&b, " [%s]", res.Reason)
		}
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "%d cases: %d passed, %d failed, %d waived\n", len(r.Results), r.Count(Passed), r.Count(Failed), r.Count(Waived))
	return b.String()
}

// reporting collects results. Safe for concurrent use.
type reporting struct {
	order []Case

	mu      sync.Mutex
	results []Result
}

func (r *reporting) add(res Result) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.results = append(r.results, res)
}

func (r *reporting) report() Report {
	at := make(map[string]int, len(r.order))
	for i, c := range r.order {
		at[c.Name] = i
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	slices.SortFunc(r.results, func(a, b Result) int { return cmp.Compare(at[a.Name], at[b.Name]) })
	return Report{Results: r.results}
}
