package topology_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gobindery/bindery/adapters/rabbitmq"
	"github.com/gobindery/bindery/adapters/rabbitmq/rabbitmqtest"
	"github.com/gobindery/bindery/pubsub"
	"github.com/gobindery/bindery/pubsub/topology"
)

// A RabbitMQ imports what WriteDefinitions wrote, lists the same, and what it
// exports is read as the same again: by rabbitmqctl, and by the management API
// of all vhosts and of one.
func TestDefinitionsRoundTrip(t *testing.T) {
	n := rabbitmqtest.Run(t, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	a, err := rabbitmq.Open(ctx, n.URL(), &rabbitmq.Options{Management: n.ManagementURL()})
	b := opened(t, "RabbitMQ", a, err)
	seed := setting(t, "BINDERY_SEED", 1)
	for end := seed + 3; seed < end; seed++ {
		t.Logf("run it again: BINDERY_SEED=%d go test -run 'TestDefinitionsRoundTrip$' ./pubsub/topology", seed)
		want := newRandom(seed).topology()
		want.Queues = append(want.Queues, pubsub.QueueStatus{Queue: pubsub.Queue{Name: "quorum", Durable: true, Arguments: pubsub.Table{"x-queue-type": "quorum"}}})
		want.Exchanges = append(want.Exchanges, pubsub.Exchange{Name: "zz & <>", Kind: pubsub.Headers, Internal: true})
		want.Bindings = append(want.Bindings,
			pubsub.Binding{Exchange: "zz & <>", Queue: "q0", Key: "é\"\\", Arguments: pubsub.Table{"long": int64(9007199254740993), "whole": 1.0, "big": 1e100, "small": -0.0625, "v": nil}})
		written, _ := write(t, want)
		file := filepath.Join(t.TempDir(), "definitions.json")
		must(t, os.WriteFile(file, written, 0o644))
		_, err := n.Ctl(ctx, "import_definitions", file)
		must(t, err)
		b.same(t, "imported", topology.Diff(want, b.list(t), nil))

		// By the management API nothing is lost, not even the digits of a long.
		for _, path := range []string{"/api/definitions", "/api/definitions/%2F"} {
			read, _, err := topology.ReadDefinitions(bytes.NewReader(export(ctx, t, n, path)), "/")
			must(t, err)
			b.same(t, path, topology.Diff(want, read, nil))
			if again, _ := write(t, read); !bytes.Equal(again, written) {
				t.Errorf("%s: written again:\n%s\nwant:\n%s", path, again, written)
			}
		}

		// rabbitmqctl leaves out internal exchanges; their bindings tell that.
		_, err = n.Ctl(ctx, "export_definitions", file)
		must(t, err)
		exported, err := os.ReadFile(file)
		must(t, err)
		read, warnings, err := topology.ReadDefinitions(bytes.NewReader(exported), "")
		must(t, err)
		if !strings.Contains(warningText(warnings), `"exchange zz & <>": the bindings of what is not in the file`) {
			t.Errorf("no warning of internal exchanges: %v", warnings)
		}
		b.same(t, "rabbitmqctl", topology.Diff(withoutInternal(want), read, nil))

		_, err = topology.Apply(ctx, b.Broker, pubsub.Topology{}, &topology.ApplyOptions{Prune: true})
		must(t, err)
		b.same(t, "cleared", topology.Diff(pubsub.Topology{}, b.list(t), nil))
	}
}

func withoutInternal(t pubsub.Topology) pubsub.Topology {
	internal := map[string]bool{}
	for _, e := range t.Exchanges {
		internal[e.Name] = e.Internal
	}
	t.Exchanges = slices.DeleteFunc(slices.Clone(t.Exchanges), func(e pubsub.Exchange) bool { return e.Internal })
	t.Bindings = slices.DeleteFunc(slices.Clone(t.Bindings), func(b pubsub.Binding) bool { return internal[b.Exchange] || internal[b.ToExchange] })
	return t
}

func write(t *testing.T, of pubsub.Topology) ([]byte, []topology.Warning) {
	t.Helper()
	var file bytes.Buffer
	warnings, err := topology.WriteDefinitions(&file, "/", of)
	must(t, err)
	if !json.Valid(file.Bytes()) {
		t.Fatalf("this is no JSON:\n%s", &file)
	}
	return file.Bytes(), warnings
}

// export gets definitions from the management API.
func export(ctx context.Context, t *testing.T, n *rabbitmqtest.Node, path string) []byte {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, n.ManagementURL()+path, nil)
	must(t, err)
	u, err := url.Parse(n.URL())
	must(t, err)
	password, _ := u.User.Password()
	r.SetBasicAuth(u.User.Username(), password)
	r.Close = true
	resp, err := http.DefaultClient.Do(r)
	must(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	must(t, err)
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s: %s", path, resp.Status, body)
	}
	return body
}

func warningText(all []topology.Warning) string {
	var lines []string
	for _, w := range all {
		lines = append(lines, w.String())
	}
	return strings.Join(lines, "\n")
}
