package pubsubtest

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobindery/bindery/pubsub"
)

// Open makes an empty world for one case, as a virtual host of its own or a new
// server in memory, and returns how to connect to it. Each call of connect makes
// another connection to the same world. What Open made it cleans up with
// tb.Cleanup, which runs after the case has closed its connections.
type Open func(tb testing.TB) (connect func(ctx context.Context) (pubsub.Adapter, error))

type connectFunc = func(ctx context.Context) (pubsub.Adapter, error)

// Options are for one [Run]. Nil is the same as the zero value.
type Options struct {
	// User is the user of every connection, which the property user-id must
	// name. Empty is "guest".
	User string

	// Waive tells, for the name of a case, why this adapter need not pass it.
	// The reason is part of the report. A waived case that passes fails the
	// test, and so does the name of a case that there isn't.
	Waive map[string]string

	// Areas, if set, are those to run, as named before the slash of a case's name: for
	// a second run of an adapter on another kind of broker.
	Areas []string

	// Histories is how many random histories are run. Zero is 5. The
	// environment variable BINDERY_HISTORIES comes before it.
	Histories int

	// Seed is that of the first history; the others count on from it. Zero is
	// 1. The environment variable BINDERY_SEED comes before it.
	Seed uint64

	// Timeout is how long a case may take. Zero is 30 s.
	Timeout time.Duration

	// Bubble runs each case, and Open, in a bubble of [synctest]: time is then
	// the bubble's own, and waiting costs nothing. It is for adapters whose
	// goroutines wait on nothing outside of the process.
	Bubble bool

	// Report, if set, gets what became of every case, after the last one.
	Report func(Report)
}

const (
	defaultUser      = "guest"
	defaultHistories = 5
	defaultTimeout   = 30 * time.Second

	// patience is how long a case waits for one condition.
	patience = 10 * time.Second

	// graceAtEnd is how long a case may take to end after its time is up.
	graceAtEnd = 5 * time.Second
)

// Run runs every case as a sub-test of t, and logs a report of one line a case;
// without go test -v, only of the cases that did not pass. None is skipped; to
// run one alone, use -run 'TestName/case'. Cases run in parallel, as many at
// once as go test -parallel says. Options may be nil.
func Run(t *testing.T, open Open, o *Options) {
	t.Helper()
	opts, err := o.complete(os.Getenv)
	if err != nil {
		t.Fatal(err)
	}
	cases := opts.cases()
	for name := range opts.Waive {
		if !known(cases, name) {
			t.Errorf("Options.Waive names a case that there isn't: %q; pubsubtest.Cases lists them", name)
		}
	}
	if opts.Areas != nil {
		cases = ofAreas(t, cases, opts.Areas)
	}
	rep := &reporting{order: cases}
	t.Cleanup(func() {
		r := rep.report()
		if testing.Verbose() {
			t.Logf("%s\n%s", t.Name(), r)
		} else {
			t.Logf("%s\n%s", t.Name(), r.unpassed())
		}
		if opts.Report != nil {
			opts.Report(r)
		}
	})
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			if opts.Bubble {
				synctest.Test(t, func(t *testing.T) { runReported(t, rep, c, open, opts) })
				return
			}
			runReported(t, rep, c, open, opts)
		})
	}
}

// ofAreas returns the cases of some areas. One that has none fails the test.
func ofAreas(t *testing.T, cases []Case, areas []string) (of []Case) {
	t.Helper()
	for _, area := range areas {
		before := len(of)
		for _, c := range cases {
			if strings.HasPrefix(c.Name, area+"/") {
				of = append(of, c)
			}
		}
		if len(of) == before {
			t.Errorf("Options.Areas names an area without cases: %q; pubsubtest.Cases lists them", area)
		}
	}
	return of
}

// runReported runs one case, and tells what became of it even if Open ends the
// test.
func runReported(t *testing.T, rep *reporting, c Case, open Open, o Options) {
	res := Result{Case: c, Outcome: Failed, Reason: o.Waive[c.Name]}
	start := time.Now()
	defer func() {
		res.Took = time.Since(start)
		rep.add(res)
	}()
	res = judge(t, t, c, open, o)
}

// judge runs one case, tells r what failed, and returns what became of it.
func judge(tb testing.TB, r reporter, c Case, open Open, o Options) Result {
	res := Result{Case: c, Outcome: Passed, Reason: o.Waive[c.Name]}
	if res.Reason == "" {
		if runCase(tb, r, c, open, o) {
			res.Outcome = Failed
		}
		return res
	}
	var failures recorder
	if runCase(tb, &failures, c, open, o) {
		res.Outcome = Waived
		r.Logf("waived: %s\nit fails with:\n%s", res.Reason, failures.String())
	} else {
		res.Outcome = Failed
		r.Errorf("this case is waived (%s), but it passes: take it out of Options.Waive", res.Reason)
	}
	return res
}

// complete returns o with the environment's settings and the defaults.
func (o *Options) complete(getenv func(string) string) (Options, error) {
	var c Options
	if o != nil {
		c = *o
	}
	if s := getenv("BINDERY_HISTORIES"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 {
			return c, fmt.Errorf("BINDERY_HISTORIES is %q; it must be 1 or more", s)
		}
		c.Histories = n
	}
	if s := getenv("BINDERY_SEED"); s != "" {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			return c, fmt.Errorf("BINDERY_SEED is %q; it must be a number", s)
		}
		c.Seed = n
	}
	if c.User == "" {
		c.User = defaultUser
	}
	if c.Histories == 0 {
		c.Histories = defaultHistories
	}
	if c.Seed == 0 {
		c.Seed = 1
	}
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	return c, nil
}

// runCase runs one case in a goroutine of its own, so that it can be given up,
// tells r what failed, and reports whether anything did.
func runCase(tb testing.TB, r reporter, c Case, open Open, o Options) (failed bool) {
	tb.Helper()
	connect := open(tb)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	w := &world{
		reporter: r, ctx: ctx, opts: o, patience: patience, test: tb.Name(),
		connect: connect, again: func() connectFunc { return open(tb) },
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer w.closeAll()
		c.run(w)
	}()
	timer := time.NewTimer(o.Timeout)
	defer timer.Stop()
	select {
	case <-done:
		return w.hasFailed()
	case <-timer.C:
	}
	w.Errorf("%s took longer than %v; it was waiting for %s\n%s", c.Name, o.Timeout, w.waitingFor(), stacks())
	cancel()
	timer.Reset(graceAtEnd)
	select {
	case <-done:
	case <-timer.C:
		w.Errorf("%s did not end when its context did", c.Name)
		w.abandon()
	}
	return true
}

// stacks is what all goroutines do.
func stacks() string {
	buf := make([]byte, 256<<10)
	return string(buf[:runtime.Stack(buf, true)])
}
