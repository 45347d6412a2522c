package pubsubtest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gobindery/bindery/pubsub"
)

// world is what a case works with: an empty vhost, and the connections that the
// case makes to it. Its methods may be used by any goroutine of the case;
// those that end the case end it where the goroutine is the case's own.
type world struct {
	reporter
	ctx      context.Context
	opts     Options
	test     string             // its name
	connect  connectFunc        // to this world
	again    func() connectFunc // makes another empty world
	patience time.Duration      // how long it waits for one condition
	outer    *world             // the one that tries this one, if any

	mu        sync.Mutex
	conns     []*conn
	waiting   string // for what, until the watchdog asks
	abandoned bool   // the test is over: nobody to report to
	failed    bool
}

// open makes a connection. The case's end closes it.
func (w *world) open() *conn {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, w.patience)
	defer cancel()
	w.wait("a connection")
	a, err := w.connect(ctx)
	if err != nil {
		w.Fatalf("connect: %v", err)
	}
	c := &conn{Broker: pubsub.New(a, nil), w: w}
	w.mu.Lock()
	w.conns = append(w.conns, c)
	w.mu.Unlock()
	return c
}

// closeAll closes what the case left open, the newest first.
func (w *world) closeAll() {
	w.mu.Lock()
	conns := slices.Clone(w.conns)
	w.mu.Unlock()
	for _, c := range slices.Backward(conns) {
		w.wait("a connection to close, after the case")
		if err := c.Close(); err != nil {
			w.Errorf("close a connection after the case: %v", err)
		}
	}
}

// Errorf reports a failure and goes on.
func (w *world) Errorf(format string, args ...any) {
	w.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.failed = true
	if !w.abandoned {
		w.reporter.Errorf(format, args...)
	}
}

// Fatalf reports a failure and ends the goroutine, which is the case's own.
func (w *world) Fatalf(format string, args ...any) {
	w.Helper()
	w.Errorf(format, args...)
	runtime.Goexit()
}

// abandon stops reports: a test must not be told anything after its end.
func (w *world) abandon() {
	w.mu.Lock()
	w.abandoned = true
	w.mu.Unlock()
}

// wait notes what the case is waiting for, for the watchdog.
func (w *world) wait(format string, args ...any) {
	if w.outer != nil {
		w.outer.wait(format, args...)
	}
	w.mu.Lock()
	w.waiting = fmt.Sprintf(format, args...)
	w.mu.Unlock()
}

func (w *world) waitingFor() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.waiting
}

// hasFailed reports whether a failure was reported.
func (w *world) hasFailed() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.failed
}

// ok ends the case if err is not nil.
func (w *world) ok(err error) {
	w.Helper()
	if err != nil {
		w.Fatalf("%v", err)
	}
}

// fails reports an error that is not the one that was wanted. what says what was
// done.
func (w *world) fails(err, want error, what string) {
	w.Helper()
	switch {
	case err == nil:
		w.Errorf("%s: no error; want %q", what, want)
	case !errors.Is(err, want):
		w.Errorf("%s: got the error %q; want one that is %q", what, err, want)
	default:
		var e *pubsub.Error
		if !errors.As(err, &e) {
			w.Errorf("%s: the error %q is a %T; want a *pubsub.Error in it", what, err, err)
		}
	}
}

// equal reports a difference.
func (w *world) equal(what string, got, want any) {
	w.Helper()
	if !same(got, want) {
		w.Errorf("%s: got %s; want %s", what, show(got), show(want))
	}
}

// same compares two values; an empty slice and nil are the same.
func same(a, b any) bool {
	if x, ok := a.([]string); ok {
		y, ok := b.([]string)
		return ok && slices.Equal(x, y)
	}
	return reflect.DeepEqual(a, b)
}

// show is a value for a failure's message.
func show(v any) string {
	s := fmt.Sprintf("%+v", v)
	if str, ok := v.(string); ok {
		s = fmt.Sprintf("%q", str)
	}
	if strs, ok := v.([]string); ok {
		s = fmt.Sprintf("%q", strs)
	}
	const most = 2000
	if len(s) > most {
		s = s[:most] + "…"
	}
	return s
}

// mentions reports an error that does not say something.
func (w *world) mentions(err error, what string) {
	w.Helper()
	if err == nil || !strings.Contains(err.Error(), what) {
		w.Errorf("got the error %q; want it to mention %q", err, what)
	}
}
