package pubsub

import (
	"go/build"
	"os/exec"
	"strings"
	"testing"
)

// TestDependencies: a build of pubsub alone has no broker's client, no
// OpenTelemetry, nothing but this package and the standard library.
func TestDependencies(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	deps := strings.Fields(string(out))
	self := deps[len(deps)-1]
	if !strings.HasSuffix(self, "/pubsub") {
		t.Fatalf("the last of the dependencies is %s, want this package", self)
	}
	for _, path := range deps {
		if first, _, _ := strings.Cut(path, "/"); strings.Contains(first, ".") && path != self {
			t.Errorf("%s is in a build of %s; want the standard library only", path, self)
		}
	}
}

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
