package topology

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gobindery/bindery/pubsub"
)

// MismatchError says what is missing or not as wanted. It wraps
// [pubsub.ErrNotFound] if something is missing, and
// [pubsub.ErrPreconditionFailed] if something is there that is not equal.
type MismatchError struct {
	// Changes are what is missing (Create) and what differs (Differs).
	Changes []Change
}

// Error lists all of it, a line each.
func (e *MismatchError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "the topology is not as wanted in %d places:", len(e.Changes))
	if len(e.Changes) == 1 {
		b.Reset()
		b.WriteString("the topology is not as wanted:")
	}
	for _, c := range e.Changes {
		if c.Action == Differs {
			fmt.Fprintf(&b, "\n%s; delete it first, or want it as it is", c)
		} else {
			fmt.Fprintf(&b, "\n%s is missing", c.Entity())
		}
	}
	return b.String()
}

// Unwrap returns the sentinels.
func (e *MismatchError) Unwrap() []error {
	var all []error
	if slices.ContainsFunc(e.Changes, func(c Change) bool { return c.Action == Create }) {
		all = append(all, pubsub.ErrNotFound)
	}
	if slices.ContainsFunc(e.Changes, func(c Change) bool { return c.Action == Differs }) {
		all = append(all, pubsub.ErrPreconditionFailed)
	}
	return all
}
