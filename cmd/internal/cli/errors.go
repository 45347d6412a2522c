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
)

// usageError is a wrong invocation.
type usageError struct{ text string }

func (e *usageError) Error() string { return e.text }

// Usagef returns an error that says what is wrong with an invocation, and what
// would be right. It makes a command exit with [ExitUsage].
func Usagef(format string, args ...any) error {
	return &usageError{fmt.Sprintf(format, args...)}
}

// exitCode is what a command exits with when it ends with err.
func exitCode(err error) int {
	if err == nil {
		return ExitOK
	}
	// What can't mean anything on any backend can only come from the command line.
	if _, ok := errors.AsType[*usageError](err); ok || errors.Is(err, pubsub.ErrInvalid) {
		return ExitUsage
	}
	return ExitFailure
}

// line is err on one line.
func line(err error) string {
	return strings.ReplaceAll(strings.TrimSpace(err.Error()), "\n", "; ")
}
