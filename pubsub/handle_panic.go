package pubsub

import (
	"context"
	"fmt"
	"runtime/debug"
)

// panicError is a handler's panic as its error.
type panicError struct {
	value any
	stack []byte
}

func (e *panicError) Error() string { return fmt.Sprintf("the handler panicked: %v", e.value) }

// ErrorType is the attribute error.type of OpenTelemetry.
func (e *panicError) ErrorType() string { return "panic" }

// Unwrap returns what the handler panicked with, if that is an error.
func (e *panicError) Unwrap() error {
	err, _ := e.value.(error)
	return err
}

// call calls the handler. A panic is its error, unless it is to end the program.
func (hd *handling) call(ctx context.Context, d Delivery) error {
	return catch(hd.CrashOnPanic, func() error { return hd.h(ctx, d) })
}

// catch calls f, and returns its panic as its error unless that is to go on.
func catch(crash bool, f func() error) (err error) {
	if !crash {
		defer func() {
			// Nil also where f ended its goroutine, as t.FailNow does.
			if v := recover(); v != nil {
				err = &panicError{v, debug.Stack()}
			}
		}()
	}
	return f()
}
