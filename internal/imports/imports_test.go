package imports

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
)

// This module keeps its rules.
func TestImports(t *testing.T) {
	module := strings.TrimSpace(goOutput(t, "", "list", "-m", "-f", "{{.Path}}"))
	root := strings.TrimSpace(goOutput(t, "", "list", "-m", "-f", "{{.Dir}}"))
	out := json.NewDecoder(strings.NewReader(
		goOutput(t, root, "list", "-json=ImportPath,Imports,Deps", "./...")))
	var packages []Package
	self := false
	for {
		var p Package
		if err := out.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
		self = self || p.ImportPath == module+"/internal/imports"
	}
	if !self {
		t.Fatalf("go list does not even list this package among %d", len(packages))
	}
	for _, v := range Check(module, Rules, packages) {
		t.Error(v)
	}
}

// goOutput returns what the go command prints.
func goOutput(t *testing.T, dir string, args ...string) string {
	t.Helper()
	var stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir, cmd.Stderr = dir, &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return string(out)
}

// Each rule fails on what it forbids, and on nothing else.
func TestRules(t *testing.T) {
	const module = "example.org/m"
	tests := []struct {
		rule     string // its beginning; "" if nothing is wrong
		pkg, imp string // an import path that begins with m/ is in the module
		deep     bool   // the import is a dependency's
	}{
		{"pubsub imports the standard library only", "pubsub", "m/pubsub/routing", false},
		{"pubsub imports the standard library only", "pubsub", "m/internal/x", false},
		{"pubsub imports the standard library only", "pubsub", "example.com/client", false},
		{"", "pubsub", "context", false},
		{"", "pubsub", "encoding/json", false},
		{"", "pubsub", "m/internal/x", true},

		{"packages below pubsub", "pubsub/routing", "m/pubsub/pubsubtest", false},
		{"packages below pubsub", "pubsub/routing", "example.com/client", false},
		{"packages below pubsub", "pubsub/pubsubtest", "m/pubsub/routing", false},
		{"packages below pubsub", "pubsub/pubsubtest", "m/adapters/memory", false},
		{"", "pubsub/routing", "m/pubsub", false},
		{"", "pubsub/pubsubtest", "m/pubsub", false},
		{"", "pubsub/pubsubtest", "testing", false},

		{"pubsub/topology imports", "pubsub/topology", "m/pubsub/pubsubtest", false},
		{"pubsub/topology imports", "pubsub/topology", "m/adapters/memory", false},
		{"pubsub/topology imports", "pubsub/topology", "example.com/client", false},
		{"", "pubsub/topology", "m/pubsub/routing", false},
		{"", "pubsub/topology", "m/pubsub/classic", false},

		{"pubsub/cloudevents imports", "pubsub/cloudevents", "m/adapters/memory", false},
		{"pubsub/cloudevents imports", "pubsub/cloudevents", "example.com/client", false},
		{"", "pubsub/cloudevents", "m/pubsub", false},
		{"", "pubsub/cloudevents", "github.com/cloudevents/sdk-go/v2/event", false},
		{"", "pubsub/cloudevents", "github.com/json-iterator/go", true},

		{"pubsub/pubsubotel imports", "pubsub/pubsubotel", "m/adapters/memory", false},
		{"pubsub/pubsubotel imports", "pubsub/pubsubotel", "example.com/client", false},
		{"", "pubsub/pubsubotel", "m/pubsub", false},
		{"", "pubsub/pubsubotel", "go.opentelemetry.io/otel/trace", false},
		{"pubsub/pubsubotel pulls", "pubsub/pubsubotel", "go.opentelemetry.io/otel/sdk", true},
		{"pubsub/pubsubotel pulls", "pubsub/pubsubotel", "go.opentelemetry.io/otel/sdk/trace", true},
		{"pubsub/pubsubotel pulls", "pubsub/pubsubotel", "go.opentelemetry.io/otel/exporters/stdout/stdouttrace", true},
		{"", "pubsub/pubsubotel", "github.com/go-logr/logr", true},

		{"pubsub and what is below it", "pubsub", "go.opentelemetry.io/otel", true},
		{"pubsub and what is below it", "pubsub", "example.com/client", true},
		{"pubsub and what is below it", "pubsub/routing", "example.com/client", true},
		{"", "pubsub/routing", "m/pubsub", true},
		{"", "pubsub", "vendor/golang.org/x/net/dns", true}, // the standard library's own

		{"an adapter imports", "adapters/memory", "m/adapters/rabbitmq", false},
		{"an adapter imports", "adapters/rabbitmq/rabbitmqtest", "m/adapters/memory", false},
		{"an adapter imports", "adapters/rabbit", "m/adapters/rabbitmq", false},
		{"an adapter imports", "adapters/memory", "m/pubsub/pubsubtest", false},
		{"an adapter imports", "adapters/memory", "m/cmd/internal/cli", false},
		{"an adapter imports", "adapters/amqpserver", "m/adapters/memory", false},
		{"", "adapters/amqpserver/amqptest", "m/adapters/memory", false},
		{"an adapter imports", "adapters/nats", "m/internal/debian", false},
		{"", "adapters/nats/natstest", "m/internal/debian", false},
		{"an adapter imports", "adapters/rabbitmq", "m/internal/portblock", false},
		{"", "adapters/nats/natstest", "m/internal/portblock", false},
		{"", "adapters/rabbitmq/rabbitmqtest", "m/internal/portblock", false},
		{"adapters/nats pulls", "adapters/nats", "github.com/nats-io/nats-server/v2/server", true},
		{"", "adapters/nats/natstest", "github.com/nats-io/nats-server/v2/server", true},
		{"", "adapters/nats/embedded", "github.com/nats-io/nats-server/v2/server", true},
		{"", "adapters/nats", "github.com/nats-io/nats.go", true},
		{"adapters/watermill pulls", "adapters/watermill", "github.com/rabbitmq/amqp091-go", true},
		{"adapters/watermill pulls", "adapters/watermill", "github.com/ThreeDotsLabs/watermill-amqp/v3/pkg/amqp", true},
		{"", "adapters/watermill", "github.com/ThreeDotsLabs/watermill/message", true},
		{"", "adapters/watermill/amqpconfig", "github.com/rabbitmq/amqp091-go", true},
		{"", "adapters/memory", "m/pubsub", false},
		{"", "adapters/memory", "m/pubsub/routing", false},
		{"", "adapters/rabbitmq", "example.com/client", false},
		{"", "adapters/rabbitmq/rabbitmqtest/install", "m/adapters/rabbitmq/rabbitmqtest", false},
		{"", "adapters/rabbitmq/rabbitmqtest", "m/adapters/rabbitmq", false},

		{"among the commands", "cmd/emit", "m/adapters/memory", false},
		{"among the commands", "cmd/internal/demo", "m/adapters/memory", false},
		{"among the commands", "cmd/internal/cli/sub", "m/adapters/rabbitmq", false},
		{"", "cmd/internal/local", "m/adapters/rabbitmq", false},
		{"", "cmd/internal/cli", "m/adapters/rabbitmq", false},
		{"", "cmd/emit", "m/cmd/internal/cli", false},
		{"", "cmd/emit", "m/adapters/rabbitmq", true}, // through cmd/internal/cli
	}
	fails := map[string]bool{}
	for _, tt := range tests {
		path := tt.imp
		if rest, ours := strings.CutPrefix(path, "m/"); ours {
			path = module + "/" + rest
		}
		p := Package{ImportPath: module + "/" + tt.pkg}
		if tt.deep {
			p.Deps = []string{path}
		} else {
			p.Imports = []string{path}
		}
		found := Check(module, Rules, []Package{p})
		if tt.rule == "" {
			if len(found) > 0 {
				t.Errorf("%s with %s: got %v, want it allowed", tt.pkg, tt.imp, found)
			}
			continue
		}
		if len(found) != 1 || !strings.HasPrefix(found[0].Rule, tt.rule) {
			t.Errorf("%s with %s: got %v, want the rule %q", tt.pkg, tt.imp, found, tt.rule)
			continue
		}
		fails[found[0].Rule] = true
		for _, part := range []string{tt.pkg, path, tt.rule} {
			if text := found[0].String(); !strings.Contains(text, part) {
				t.Errorf("%q is missing in: %s", part, text)
			}
		}
	}
	for _, r := range Rules {
		if !fails[r.Name] {
			t.Errorf("no test makes this rule fail: %s", r.Name)
		}
	}
}
