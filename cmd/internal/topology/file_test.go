package topology

import (
	"bytes"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/gobindery/bindery/cmd/internal/cli"
	"github.com/gobindery/bindery/pubsub"
	"github.com/gobindery/bindery/pubsub/topology"
)

// TestYAML: what is written as YAML is read as the same, whatever names look
// like.
func TestYAML(t *testing.T) {
	plain := []string{"audit", "kern.*", "a b"}
	if y := testYAML(t, plain); !strings.HasPrefix(y, "rabbit_version: ") {
		t.Errorf("written as\n%s\nwant YAML", y)
	}
	testYAML(t, append(plain,
		"#", "*.a", "- a", "0123", "0x10", "1", "1.5", "1_000", "1e3", "12:30:45", "2020-01-01", "?", "[a]", "a # b", "a: b", "&a", "*a", "!a", "%a", "@a", "`a", "| a", "> a",
		"false", "no", "null", "on", "y", "yes", "~", " a ", "'a'", "\"a\"", "a\\b", "{a}", "å", "日本", "---", "...", "<<", "=", "NaN", ".inf", "\t", "\x1b[1m", "\u0085", "\u2028", "a\u00a0b", "\U0001f600", "\ufeffa",
	))
}

func testYAML(t *testing.T, names []string) string {
	t.Helper()
	var want pubsub.Topology
	for _, name := range names {
		want.Exchanges = append(want.Exchanges, pubsub.Exchange{Name: "x" + name, Kind: pubsub.Headers, Durable: true, Alternate: name})
		want.Queues = append(want.Queues, pubsub.QueueStatus{Queue: pubsub.Queue{Name: name, Durable: true}})
		want.Bindings = append(want.Bindings, pubsub.Binding{Exchange: "x" + name, Queue: name, Key: name, Arguments: pubsub.Table{
			"text": name, "least": int64(math.MinInt64), "most": int64(math.MaxInt64), "odd": int64(1<<53 + 1), "float": 0.1, "bool": true, "list": []any{name, int64(1)},
		}})
	}
	var j bytes.Buffer
	if _, err := topology.WriteDefinitions(&j, "/", want); err != nil {
		t.Fatal(err)
	}
	want, _, err := topology.ReadDefinitions(bytes.NewReader(j.Bytes()), "") // in its order
	if err != nil {
		t.Fatal(err)
	}
	y := toYAML(j.Bytes())
	c := &command{Env: cli.Env{Stdin: bytes.NewReader(y), Stderr: &strings.Builder{}}}
	got, err := c.read("-", "")
	if err != nil {
		t.Fatal(err)
	}
	for i := range want.Bindings {
		if len(got.Bindings) <= i || !reflect.DeepEqual(got.Bindings[i], want.Bindings[i]) {
			t.Fatalf("binding %d is %#v, want %#v", i, got.Bindings[i], want.Bindings[i])
		}
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("read\n%+v\nwant\n%+v", got, want)
	}
	return string(y)
}
