package pubsubtest

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// historySteps is how long a history is.
const historySteps = 200

// historyCases are the random histories: each a case with a seed of its own.
func (o Options) historyCases() []Case {
	cases := make([]Case, o.Histories)
	for i := range cases {
		seed := o.Seed + uint64(i)
		cases[i] = Case{
			fmt.Sprintf("histories/%d", i+1),
			fmt.Sprintf("%d random steps, each compared with a naive model; seed %d", historySteps, seed),
			func(w *world) { w.runHistory(seed) },
		}
	}
	return cases
}

// runHistory plays the history of a seed. If that fails, it looks for fewer
// steps that do, too.
func (w *world) runHistory(seed uint64) {
	steps := randomSteps(seed)
	failure, failed := w.attempt(steps, w.connect, patience)
	if failure == "" {
		return
	}
	played := steps[:min(failed, len(steps))] // it may fail after the last one
	fewer := w.shrink(played)
	why, _ := w.attempt(fewer, w.again(), patience)
	if why == "" {
		fewer, why = played, failure // it doesn't fail each time
	}
	w.Fatalf("step %d of the history with seed %d: %s\nFewer steps that fail:\n%sThe last: %s\nRun it again:\n  %s",
		failed, seed, failure, list(fewer), why, w.rerun(seed))
}

// randomSteps is the history of a seed.
func randomSteps(seed uint64) []step {
	r := rand.New(rand.NewPCG(seed, 0))
	steps := make([]step, historySteps)
	for i := range steps {
		steps[i] = randomStep(r)
	}
	return steps
}

// rerun is the command that runs one history again. It names the package as
// seen from the module's root.
func (w *world) rerun(seed uint64) string {
	dir, err := os.Getwd()
	pkg := "."
	for root := dir; err == nil && root != filepath.Dir(root); root = filepath.Dir(root) {
		if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
			if rel, err := filepath.Rel(root, dir); err == nil {
				pkg = "./" + strings.TrimPrefix(filepath.ToSlash(rel), ".")
			}
			break
		}
	}
	test, _, _ := strings.Cut(w.test, "/")
	return fmt.Sprintf("BINDERY_SEED=%d BINDERY_HISTORIES=1 go test %s -run '%s/histories'", seed, pkg, test)
}

const (
	// While it looks for fewer steps, a history waits for less, tries no more
	// often than shrinkTries, and stops after shrinkTime (which a bubble's clock
	// can't tell).
	shrinkPatience = 200 * time.Millisecond
	shrinkTries    = 1000
	shrinkTime     = 10 * time.Second
)

// attempt plays steps on an empty world. It returns how that failed, and at
// which step; or nothing.
func (w *world) attempt(steps []step, connect connectFunc, patience time.Duration) (failure string, at int) {
	var failures recorder
	inner := &world{reporter: &failures, ctx: w.ctx, opts: w.opts, connect: connect, patience: patience, outer: w}
	p := &play{w: inner, m: newModel()}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer inner.closeAll()
		p.run(steps)
	}()
	<-done
	if all := failures.errors(); len(all) > 0 {
		return all[0], p.m.step
	}
	return "", 0
}

// shrink leaves out steps, as many at a time as it can, while the rest fails.
func (w *world) shrink(steps []step) []step {
	start := time.Now()
	tries := 0
	for size := (len(steps) + 1) / 2; size > 0; size /= 2 {
		for at := 0; at < len(steps); {
			if tries++; tries > shrinkTries || !w.opts.Bubble && time.Since(start) > shrinkTime || w.ctx.Err() != nil {
				return steps
			}
			fewer := slices.Delete(slices.Clone(steps), at, min(at+size, len(steps)))
			if failure, _ := w.attempt(fewer, w.again(), shrinkPatience); failure != "" {
				steps = fewer
			} else {
				at += size
			}
		}
	}
	return steps
}
