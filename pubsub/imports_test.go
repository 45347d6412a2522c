package pubsub

import (
	"go/build"
	"strings"
	"testing"
)

// TestImports: the standard library only, so that importing pubsub brings no
// broker's client into a program.
func TestImports(t *testing.T) {
	p, err := build.ImportDir(".", 0)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Imports) == 0 {
		t.Fatal("no imports were found")
	}
	for _, path := range p.Imports {
		if first, _, _ := strings.Cut(path, "/"); strings.Contains(first, ".") {
			t.Errorf("%s is imported by %v; want the standard library only", path, p.ImportPos[path])
		}
	}
}
