package pubsub

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
)

// panicError is a panic of one of the program's functions as its error.
type panicError struct {
	who   string // as "the handler"
	value any
	stack []byte
}

func (e *panicError) Error() string { return fmt.Sprintf("%s panicked: %v", e.who, e.value) }

// ErrorType is the attribute error.type of OpenTelemetry.
func (e *panicError) ErrorType() string { return "panic" }

// Unwrap returns what the panic was with, if that is an error.
func (e *panicError) Unwrap() error {
	err, _ := e.value.(error)
	return err
}

// errExited is why a Handle ends whose handler did not return.
var errExited = errors.New("the handler ended its goroutine (runtime.Goexit, as t.FailNow does) instead of returning")

// call calls a handler. A panic is its error, unless it is to end the program.
// Where the handler doesn't return, end is called here; and where it ended its
// goroutine, the delivery is requeued, because nobody goes on.
func (hd *handling) call(ctx context.Context, d Delivery, h func(context.Context, Delivery) error, end func(error)) (err error) {
	returned := false
	defer func() {
		if returned {
			return
		}
		switch v := recover(); {
		case v == nil:
			end(errExited)
			_ = hd.settle(ctx, &d, Requeue) // an error means that it goes back by itself
		case hd.CrashOnPanic:
			end(newPanicError("the handler", v))
			panic(v) // the stack that is printed has the handler's part too
		default:
			err = newPanicError("the handler", v)
		}
	}()
	err = h(ctx, d)
	returned = true
	return err
}

func newPanicError(who string, v any) *panicError { return &panicError{who, v, debug.Stack()} }

// catch calls f, and returns its panic as its error unless that is to go on.
func catch(crash bool, who string, f func() error) (err error) {
	if !crash {
		defer func() {
			// Nil also where f ended its goroutine.
			if v := recover(); v != nil {
				err = newPanicError(who, v)
			}
		}()
	}
	return f()
}
