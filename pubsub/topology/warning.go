package topology

import (
	"fmt"
	"strings"
)

// Warning is something that a definitions file says and a [pubsub.Topology]
// can't, or the other way round: it was left out, or changed.
type Warning struct {
	Section string // of the file: "users", "policies", "queues"
	Name    string // of the entry, or the names of all; may be empty
	Why     string // what was done with it, and what that means
}

// String is the warning in a line.
func (w Warning) String() string {
	if w.Name == "" {
		return w.Section + ": " + w.Why
	}
	return fmt.Sprintf("%s %s: %s", w.Section, w.Name, w.Why)
}

// names joins names for a warning, a few of many.
func names(all []string) string {
	const most = 10
	quoted := make([]string, 0, most)
	for _, n := range all[:min(len(all), most)] {
		quoted = append(quoted, fmt.Sprintf("%q", n))
	}
	if more := len(all) - most; more > 0 {
		quoted = append(quoted, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(quoted, ", ")
}
