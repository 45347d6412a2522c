package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/gobindery/bindery/pubsub"
)

// The exit codes.
const (
	ExitOK      = 0
	ExitFailure = 1 // at run time
	ExitUsage   = 2 // the invocation is wrong
	ExitTrouble = 3 // of commands for which ExitFailure is an answer, as that two are not the same: there is none
)

// usageError is a wrong invocation.
type usageError struct{ text string }

func (e *usageError) Error() string { return e.text }

// Usagef returns an error that says what is wrong with an invocation, and what
// would be right. It makes a command exit with [ExitUsage].
func Usagef(format string, args ...any) error {
	return &usageError{fmt.Sprintf(format, args...)}
}

// codeError is an end with an exit code of its own.
type codeError struct {
	code int
	err  error // nil if all is said
}

func (e *codeError) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e *codeError) Unwrap() error { return e.err }

// WithCode returns an error that makes a command exit with a code, unless the
// invocation is wrong. A nil error is one that says nothing more.
func WithCode(code int, err error) error { return &codeError{code, err} }

// exitCode is what a command exits with when it ends with err.
func exitCode(err error) int {
	if err == nil {
		return ExitOK
	}
	// What can't mean anything on any backend can only come from the command line.
	if _, ok := errors.AsType[*usageError](err); ok || errors.Is(err, pubsub.ErrInvalid) {
		return ExitUsage
	}
	if e, ok := errors.AsType[*codeError](err); ok {
		return e.code
	}
	return ExitFailure
}

// line is err on one line.
func line(err error) string {
	text := strings.ReplaceAll(strings.TrimSpace(err.Error()), ":\n", ": ") // where a list begins
	return strings.ReplaceAll(text, "\n", "; ")
}
