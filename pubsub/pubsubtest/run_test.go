package pubsubtest

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/gobindery/bindery/pubsub"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// direct is the memory adapter as it is.
var direct = openMemory(func(a pubsub.Adapter) pubsub.Adapter { return a })

// stuck is an adapter on which one call never returns.
type stuck struct {
	pubsub.Adapter
	release chan struct{}
}

func (s *stuck) PurgeQueue(context.Context, string) (int, error) {
	<-s.release
	return 0, nil
}

// A call that ignores its context does not hold up the suite, which says what
// it was waiting for.
func TestWatchdog(t *testing.T) {
	release := make(chan struct{})
	hangs := Case{"test/hangs", "it hangs", func(w *world) {
		c := w.open()
		w.wait("the purge of a queue")
		_, _ = c.PurgeQueue(w.ctx, c.temp())
		w.wait("the purge of a queue, again")
		_, _ = c.PurgeQueue(w.ctx, c.temp())
	}}
	o := bubble(t)
	o.Timeout = time.Minute
	var r recorder
	synctest.Test(t, func(t *testing.T) {
		release = make(chan struct{})
		start := time.Now()
		runCase(t, &r, hangs, openMemory(func(a pubsub.Adapter) pubsub.Adapter { return &stuck{a, release} }), o)
		if took := time.Since(start); took != o.Timeout+graceAtEnd {
			t.Errorf("the case was given up after %v; want %v", took, o.Timeout+graceAtEnd)
		}
		close(release)
		synctest.Wait()
	})
	all := r.String()
	for _, want := range []string{"test/hangs took longer than 1m0s", "waiting for declare queue", "PurgeQueue", "did not end"} {
		if !strings.Contains(all, want) {
			t.Errorf("the watchdog does not say %q:\n%.2000s", want, all)
		}
	}
	if len(r.errors()) != 2 {
		t.Errorf("%d failures were reported; want 2, and none after the end", len(r.errors()))
	}
}

// A case ends where it fails fatally, and its connections are closed.
func TestFatalEndsCase(t *testing.T) {
	var opened *conn
	got := failures(t, Case{"test/fails", "it fails", func(w *world) {
		opened = w.open()
		w.Errorf("first")
		w.Fatalf("second")
		w.Errorf("third")
	}}, bubble(t), direct)
	if fmt.Sprint(got) != "[first second]" {
		t.Errorf("reported %q; want first and second", got)
	}
	if err := opened.CheckExchange(t.Context(), "amq.direct"); err == nil {
		t.Errorf("the case's connection is still open")
	}
}

// A waived case that fails is reported with its reason.
func TestWaive(t *testing.T) {
	var report Report
	t.Run("suite", func(t *testing.T) {
		noPriorities := openMemory(declaring(func(q *pubsub.Queue) { q.MaxPriority = 0 }))
		waive := map[string]string{}
		for _, c := range Cases() {
			if strings.HasPrefix(c.Name, "priority/") && c.Name != "priority/none" {
				waive[c.Name] = "this broker has no priorities"
			}
		}
		for name := range maps.Keys(bothPriorities) {
			waive[name] = "this broker has no priorities"
		}
		Run(t, noPriorities, &Options{Waive: waive, Bubble: true, Histories: 1, Seed: 3, Report: func(r Report) { report = r }})
	})
	if n := report.Count(Waived); n != 5+len(bothPriorities) {
		t.Errorf("%d cases are waived; want %d\n%s", n, 5+len(bothPriorities), report)
	}
	if report.Count(Failed) != 0 || len(report.Results) != len(Cases())-defaultHistories+1 {
		t.Errorf("the report is not complete:\n%s", report)
	}
	if s := report.String(); !strings.Contains(s, "waived priority/order") || !strings.Contains(s, "[this broker has no priorities]") {
		t.Errorf("the report does not tell what is waived and why:\n%s", s)
	}
	if s := report.unpassed(); !strings.Contains(s, "waived priority/order") || strings.Contains(s, "\npass") || !strings.Contains(s, " waived\n") {
		t.Errorf("the report of what did not pass has too much or too little:\n%s", s)
	}
	for i, res := range report.Results {
		if i < len(Cases())-defaultHistories && res.Name != Cases()[i].Name {
			t.Fatalf("result %d is of case %q; want %q", i, res.Name, Cases()[i].Name)
		}
	}
}

// bothPriorities are the cases beside priority/ that need priorities.
var bothPriorities = map[string]bool{"queue/differs": true, "histories/1": true}

// A waived case that passes fails.
func TestWaivedButPasses(t *testing.T) {
	var r recorder
	o := bubble(t)
	c := Case{"test/passes", "it passes", func(*world) {}}
	o.Waive = map[string]string{c.Name: "no reason"}
	var res Result
	synctest.Test(t, func(t *testing.T) { res = judge(t, &r, c, direct, o) })
	if res.Outcome != Failed || !strings.Contains(r.String(), "waived (no reason), but it passes") {
		t.Errorf("outcome %q, with %q; want it to fail and to say why", res.Outcome, r.String())
	}
}

func TestOptionsFromEnvironment(t *testing.T) {
	env := func(seed, histories string) func(string) string {
		return func(name string) string {
			return map[string]string{"BINDERY_SEED": seed, "BINDERY_HISTORIES": histories}[name]
		}
	}
	o, err := (&Options{Seed: 5, Histories: 6}).complete(env("77", "2"))
	if err != nil || o.Seed != 77 || o.Histories != 2 {
		t.Errorf("seed %d, %d histories, error %v; want those of the environment, 77 and 2", o.Seed, o.Histories, err)
	}
	o, err = (&Options{Seed: 5, Histories: 6}).complete(env("", ""))
	if err != nil || o.Seed != 5 || o.Histories != 6 {
		t.Errorf("seed %d, %d histories, error %v; want 5 and 6", o.Seed, o.Histories, err)
	}
	for _, bad := range [][2]string{{"x", ""}, {"-1", ""}, {"", "0"}, {"", "many"}} {
		if _, err := (*Options)(nil).complete(env(bad[0], bad[1])); err == nil || !strings.Contains(err.Error(), "BINDERY_") {
			t.Errorf("environment %q: got the error %v; want one that names the variable", bad, err)
		}
	}
}

// Areas are run alone.
func TestAreas(t *testing.T) {
	var ran []Result
	t.Run("suite", func(t *testing.T) {
		Run(t, direct, &Options{Bubble: true, Areas: []string{"get", "priority"}, Report: func(r Report) { ran = r.Results }})
	})
	want := 0
	for _, c := range Cases() {
		if strings.HasPrefix(c.Name, "get/") || strings.HasPrefix(c.Name, "priority/") {
			want++
		}
	}
	if len(ran) != want || want == 0 {
		t.Errorf("%d cases ran; want %d", len(ran), want)
	}
}

// Every case has a name of its own, in an area, and a reason.
func TestCases(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range Cases() {
		if area, what, ok := strings.Cut(c.Name, "/"); !ok || area == "" || what == "" {
			t.Errorf("case %q has no area", c.Name)
		}
		if seen[c.Name] {
			t.Errorf("two cases have the name %q", c.Name)
		}
		seen[c.Name] = true
		if c.Why == "" {
			t.Errorf("case %q has no reason", c.Name)
		}
	}
}
