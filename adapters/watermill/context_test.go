package watermill

import (
	"context"
	"runtime"
	"testing"
	"testing/synctest"
	"time"
)

type name struct{}

// A message's context does as one made by context.WithCancel would, whenever
// its Done is asked for.
func TestMessageContext(t *testing.T) {
	parent, cancel := context.WithDeadline(context.WithValue(t.Context(), name{}, "parent"), time.Now().Add(time.Hour))
	defer cancel()
	for _, when := range []string{"before", "after"} {
		c := &messageContext{parent: parent}
		var done <-chan struct{}
		if when == "before" {
			if done = c.Done(); closedNow(done) || c.Err() != nil {
				t.Fatal("it has ended before it has")
			}
		}
		if at, ok := c.Deadline(); !ok || time.Until(at) > time.Hour {
			t.Errorf("its deadline is %v, %v", at, ok)
		}
		if c.Value(name{}) != "parent" {
			t.Error("it doesn't know its parent's values")
		}
		c.end()
		c.end()
		if when == "after" {
			done = c.Done()
		}
		if !closedNow(done) || c.Done() != done || c.Err() != context.Canceled || context.Cause(c) != context.Canceled {
			t.Errorf("Done asked for %s the end: closed %v, error %v", when, closedNow(done), c.Err())
		}
		if parent.Err() != nil {
			t.Error("it ended its parent")
		}
	}
}

// It ends with its parent, whose error and cause it has.
func TestMessageContextOfEndedParent(t *testing.T) {
	for _, asked := range []bool{false, true} {
		parent, cancel := context.WithCancelCause(t.Context())
		c := &messageContext{parent: parent}
		if asked {
			c.Done()
		}
		cancel(errTest)
		if c.Err() != context.Canceled || context.Cause(c) != errTest || !closedNow(c.Done()) {
			t.Errorf("with Done asked for before: %v: error %v, cause %v", asked, c.Err(), context.Cause(c))
		}
	}
}

// Once it has an error, it keeps that.
func TestMessageContextKeepsError(t *testing.T) {
	for _, asked := range []bool{false, true} {
		parent, cancel := context.WithTimeout(t.Context(), 0)
		defer cancel()
		c := &messageContext{parent: parent}
		if asked {
			c.Done()
		}
		before := c.Err()
		c.end()
		if before != context.DeadlineExceeded || c.Err() != before {
			t.Errorf("with Done asked for before: %v: error %v, then %v", asked, before, c.Err())
		}
	}
}

// Contexts that are derived from it end with it, and need no goroutine.
func TestMessageContextDerived(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &messageContext{parent: t.Context()}
		before := runtime.NumGoroutine()
		var derived []context.Context
		for range 10 {
			d, cancel := context.WithTimeout(context.WithValue(c, name{}, "child"), time.Hour)
			defer cancel()
			derived = append(derived, d)
		}
		synctest.Wait()
		if n := runtime.NumGoroutine(); n != before {
			t.Errorf("%d goroutines more", n-before)
		}
		c.end()
		synctest.Wait()
		for _, d := range derived {
			if d.Err() != context.Canceled || !closedNow(d.Done()) {
				t.Error("a derived context goes on:", d.Err())
			}
		}
	})
}

func closedNow(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

type testError string

func (e testError) Error() string { return string(e) }

const errTest = testError("cause")
