// Package imports holds the rules of who may import whom in this module. Its
// test checks them on what go list says.
//
//   - pubsub, its routing and its contract suite are for everybody: importing
//     them pulls no broker client into a build. Only pubsubotel, which is for
//     programs with OpenTelemetry, pulls in that, but no SDK.
//   - An adapter depends on the model, never on another adapter. But amqptest,
//     a broker for tests, is the AMQP server and the one in memory together.
//     The NATS adapter is a client: servers of NATS are for its packages embedded
//     and natstest, which may install Debian's.
//   - The commands know adapters in one place, but for the local broker.
//
// The rules are for what a package itself imports. Its tests may combine
// whatever they need.
package imports

import (
	"fmt"
	"strings"
)

// Package is what go list -json says of a package, as far as rules ask for it.
type Package struct {
	ImportPath string
	Imports    []string // by its files that are no tests
	Deps       []string // what these import in turn, all the way down
}

// Rule says what packages may import.
type Rule struct {
	Name string

	// About reports whether the rule is about a package of ours, which is
	// named relative to the module.
	About func(pkg string) bool

	// Allows reports whether such a package may import another.
	Allows func(pkg string, imp Import) bool

	// Deep makes the rule check all dependencies instead of imports.
	Deep bool
}

// Import is an imported package, seen from a module.
type Import struct {
	Path string // as in the import declaration
	Ours bool   // it belongs to the module
	Rel  string // its path relative to the module, if it is ours
	Std  bool   // it belongs to the standard library
}

// otel is the package for OpenTelemetry.
const otel = "pubsub/pubsubotel"

// cloudEvents is the package for CloudEvents.
const cloudEvents = "pubsub/cloudevents"

// Rules are the rules of this module.
var Rules = []Rule{
	{
		Name:   "pubsub imports the standard library only",
		About:  func(pkg string) bool { return pkg == "pubsub" },
		Allows: func(_ string, imp Import) bool { return imp.Std },
	},
	{
		Name: "packages below pubsub import pubsub and the standard library only, and not one another",
		About: func(pkg string) bool {
			return below("pubsub", pkg) && pkg != "pubsub/topology" && pkg != otel && pkg != cloudEvents
		},
		Allows: func(_ string, imp Import) bool { return imp.Std || imp.Rel == "pubsub" },
	},
	{
		Name:  "pubsub/topology imports pubsub, pubsub/routing, pubsub/classic and the standard library only",
		About: func(pkg string) bool { return pkg == "pubsub/topology" },
		Allows: func(_ string, imp Import) bool {
			return imp.Std || imp.Rel == "pubsub" || imp.Rel == "pubsub/routing" || imp.Rel == "pubsub/classic"
		},
	},
	{
		Name:  "pubsub/cloudevents imports pubsub, the CloudEvents SDK and the standard library only",
		About: func(pkg string) bool { return pkg == cloudEvents },
		Allows: func(_ string, imp Import) bool {
			return imp.Std || imp.Rel == "pubsub" || below("github.com/cloudevents/sdk-go", imp.Path)
		},
	},
	{
		Name:  "pubsub/pubsubotel imports pubsub, OpenTelemetry and the standard library only",
		About: func(pkg string) bool { return pkg == otel },
		Allows: func(_ string, imp Import) bool {
			return imp.Std || imp.Rel == "pubsub" || below("go.opentelemetry.io", imp.Path)
		},
	},
	{
		Name:  "pubsub/pubsubotel pulls neither an SDK nor an exporter of OpenTelemetry into a build",
		About: func(pkg string) bool { return pkg == otel },
		Allows: func(_ string, imp Import) bool {
			return !under("go.opentelemetry.io/otel/sdk", imp.Path) && !below("go.opentelemetry.io/otel/exporters", imp.Path)
		},
		Deep: true,
	},
	{
		Name:   "pubsub and what is below it, but for pubsub/pubsubotel and pubsub/cloudevents, pulls no other module into a build",
		About:  func(pkg string) bool { return under("pubsub", pkg) && pkg != otel && pkg != cloudEvents },
		Allows: func(_ string, imp Import) bool { return imp.Std || imp.Ours },
		Deep:   true,
	},
	{
		Name:  "an adapter imports of this module only pubsub, pubsub/routing, pubsub/classic and its own packages",
		About: func(pkg string) bool { return below("adapters", pkg) && pkg != "adapters/amqpserver/amqptest" },
		Allows: func(pkg string, imp Import) bool {
			own := adapterOf(pkg)
			return !imp.Ours || imp.Rel == "pubsub" || imp.Rel == "pubsub/routing" || imp.Rel == "pubsub/classic" ||
				imp.Rel == own || below(own, imp.Rel) ||
				pkg == "adapters/nats/natstest" && imp.Rel == "internal/debian" ||
				(pkg == "adapters/nats/natstest" || pkg == "adapters/rabbitmq/rabbitmqtest") && imp.Rel == "internal/portblock"
		},
	},
	{
		Name:   "adapters/nats pulls no NATS server into a build",
		About:  func(pkg string) bool { return pkg == "adapters/nats" },
		Allows: func(_ string, imp Import) bool { return !below("github.com/nats-io/nats-server", imp.Path) },
		Deep:   true,
	},
	{
		Name:  "adapters/watermill pulls no AMQP client into a build",
		About: func(pkg string) bool { return pkg == "adapters/watermill" },
		Allows: func(_ string, imp Import) bool {
			return !under("github.com/rabbitmq", imp.Path) && !below("github.com/ThreeDotsLabs/watermill-amqp", imp.Path)
		},
		Deep: true,
	},
	{
		Name: "among the commands, only cmd/internal/cli and cmd/internal/local import adapters",
		About: func(pkg string) bool {
			return below("cmd", pkg) && pkg != "cmd/internal/cli" && pkg != "cmd/internal/local"
		},
		Allows: func(_ string, imp Import) bool { return !below("adapters", imp.Rel) },
	},
}

// Violation is an import that a rule does not allow.
type Violation struct {
	Rule    string
	Package string // relative to the module
	Import  string
	Deep    bool // it is imported by a dependency, or by the package itself
}

// String names the rule, the package and the import.
func (v Violation) String() string {
	verb := "imports"
	if v.Deep {
		verb = "depends on"
	}
	return fmt.Sprintf("%s %s %s; the rule: %s", v.Package, verb, v.Import, v.Rule)
}

// Check returns what the packages of a module import against the rules, in the
// order of rules and packages.
func Check(module string, rules []Rule, packages []Package) []Violation {
	var found []Violation
	for _, r := range rules {
		for _, p := range packages {
			self := look(module, p.ImportPath)
			if !self.Ours || !r.About(self.Rel) {
				continue
			}
			imports := p.Imports
			if r.Deep {
				imports = p.Deps
			}
			for _, path := range imports {
				if !r.Allows(self.Rel, look(module, path)) {
					found = append(found, Violation{r.Name, self.Rel, path, r.Deep})
				}
			}
		}
	}
	return found
}

// look tells what an import path means in a module.
func look(module, path string) Import {
	imp := Import{Path: path}
	switch {
	case path == module:
		imp.Ours, imp.Rel = true, "."
	case below(module, path):
		imp.Ours, imp.Rel = true, path[len(module)+1:]
	default:
		// The go command's own convention: outside the standard library, the
		// first element of a path has a dot.
		first, _, _ := strings.Cut(path, "/")
		imp.Std = !strings.Contains(first, ".")
	}
	return imp
}

// below reports whether a path is inside a folder.
func below(folder, path string) bool { return strings.HasPrefix(path, folder+"/") }

// under reports whether a path is a folder or inside it.
func under(folder, path string) bool { return path == folder || below(folder, path) }

// adapterOf returns the folder of the adapter that a package is part of, as in
// adapters/rabbitmq for adapters/rabbitmq/rabbitmqtest.
func adapterOf(pkg string) string {
	parts := strings.SplitN(pkg, "/", 3)
	return strings.Join(parts[:min(2, len(parts))], "/")
}
