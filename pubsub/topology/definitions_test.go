package topology_test

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gobindery/bindery/pubsub"
	"github.com/gobindery/bindery/pubsub/topology"
)

func read(file, vhost string) (pubsub.Topology, []topology.Warning, error) {
	return topology.ReadDefinitions(strings.NewReader(file), vhost)
}

// What RabbitMQ 3.10.8 has exported: with all that a topology can't hold.
func TestReadExported(t *testing.T) {
	file, err := os.ReadFile("testdata/exported.json")
	must(t, err)
	got, warnings, err := topology.ReadDefinitions(bytes.NewReader(file), "/")
	must(t, err)
	want := pubsub.Topology{
		Exchanges: []pubsub.Exchange{{Name: "h", Kind: pubsub.Headers, Durable: true, Alternate: "alt"}, {Name: "t", Kind: pubsub.Topic, AutoDelete: true}},
		Queues: []pubsub.QueueStatus{
			queue(pubsub.Queue{Name: "q1", Durable: true, MaxLength: new(5), DeadLetter: &pubsub.DeadLetter{RoutingKey: new("k")}}),
			queue(pubsub.Queue{Name: "q2"}),
			queue(pubsub.Queue{Name: "qx", Durable: true, Arguments: pubsub.Table{"x-queue-type": "quorum"}}),
		},
		Bindings: []pubsub.Binding{{Exchange: "t", ToExchange: "h", Key: "#"}},
	}
	for _, q := range []string{"q1", "q2", "qx"} {
		want.Bindings = append(want.Bindings, pubsub.Binding{Exchange: "t", Queue: q, Key: "a.*"}, pubsub.Binding{Exchange: "amq.topic", Queue: q, Key: "a.*"})
	}
	for key, v := range map[string]any{
		"0": int64(5), "1": int64(7), "2": int64(9007199254740993), "3": 1.0, "4": 1.5, "5": 0.10000000149011612, "6": "s", "7": []byte{1, 2, 200}, "8": "text", "9": true,
		"10": nil, "11": 2.314, "12": []any{int64(1), "x"}, "13": pubsub.Table{"k": int64(1)}, "14": pubsub.Table{}, "15": 1e100,
	} {
		want.Bindings = append(want.Bindings, pubsub.Binding{Exchange: "h", Queue: "q1", Key: key, Arguments: pubsub.Table{"v": v, "x-match": "any"}})
	}
	for _, c := range topology.Diff(want, got, &topology.DiffOptions{All: true}) {
		t.Error(c)
	}
	const expected = `queues "qx": it is a quorum queue, which only RabbitMQ has
bindings "h to q1": an argument "undefined" is taken for one without a value, which RabbitMQ writes so
bindings "queue amq.gen--2DIB0kfBtx__bXf3CtMfg", "queue ex": the bindings of what is not in the file are left out; RabbitMQ exports no exclusive queues, and rabbitmqctl no internal exchanges (its management API does: GET /api/definitions)
users "guest": left out: who may log in is not part of a topology
permissions "guest": left out: what a user may do is not part of a topology
policies "ttl": left out: 0 exchanges and 3 queues that match ^q go without "message-ttl"`
	if got := warningText(warnings); got != expected {
		t.Errorf("got the warnings:\n%s\nwant:\n%s", got, expected)
	}
}

func TestReadDefinitions(t *testing.T) {
	const two = `{"vhosts": [{"name": "a"}, {"name": "b"}], "queues": [{"name": "1", "vhost": "a"}, {"name": "2", "vhost": "b"}, {"name": "3", "vhost": "b"}],
		"policies": [{"vhost": "a", "name": "p", "pattern": "("}], "permissions": [{"vhost": "b", "user": "u"}]}`
	for _, tt := range []struct {
		why, file, vhost string
		queues           string
		warnings         []string
		err              error
		says             string
	}{
		{"a vhost", two, "b", "2 3", []string{`permissions "u"`}, nil, ""},
		{"the other", two, "a", "1", []string{`policies "p": left out: those that match ( go without`}, nil, ""},
		{"none chosen", two, "", "", nil, pubsub.ErrInvalid, `choose one of "a", "b"`},
		{"not there", two, "c", "", nil, pubsub.ErrNotFound, `vhost "c" is not in it; there is "a", "b"`},
		{"of one vhost", `{"queues": [{"name": "q", "arguments": []}]}`, "any", "q", nil, nil, ""},
		{"of the only vhost", `{"queues": [{"name": "q", "vhost": "v", "arguments": null}]}`, "", "q", nil, nil, ""},
		{"empty", `{}`, "", "", nil, nil, ""},
		{"newer", `{"queues": [{"name": "q", "type": "stream", "colour": "red"}], "vhost_limits": [{"x": 1}], "product_version": "4.0", "future": []}`, "", "q",
			[]string{`queues "q": it is a stream queue, which only RabbitMQ has`, `queues "q": left out what is not known: "colour"`, `vhost_limits: left out: it is not known here`}, nil, ""},
		{"plugins", `{"queues": [{"name": "q", "type": "odd"}], "exchanges": [{"name": "x", "type": "x-delayed-message"}], "bindings": [{"source": "x", "destination": "q", "destination_type": "queue", "routing_key": ""}]}`, "", "q",
			[]string{`exchanges "x": its type "x-delayed-message" needs a plugin`, `queues "q": its type odd is not known here`}, nil, ""},
		{"limits", `{"vhosts": [{"name": "/", "limits": [{"name": "max-queues", "value": 5}]}]}`, "/", "", []string{`vhosts "/": its limits are left out`}, nil, ""},
		{"parameters", `{"parameters": [{"name": "s", "component": "shovel"}], "global_parameters": [{"name": "cluster_name"}], "topic_permissions": [{"user": "u"}]}`, "", "",
			[]string{`topic_permissions "u"`, `parameters "s"`, `global_parameters "cluster_name"`}, nil, ""},

		{"no JSON", `# a comment`, "", "", nil, pubsub.ErrInvalid, "not a JSON object"},
		{"a list", `[]`, "", "", nil, pubsub.ErrInvalid, "not a JSON object"},
		{"more", `{} {}`, "", "", nil, pubsub.ErrInvalid, "something follows"},
		{"cut", `{"queues": [`, "", "", nil, pubsub.ErrInvalid, "EOF"},
		{"no list", `{"queues": {"name": "q"}}`, "", "", nil, pubsub.ErrInvalid, "queues is"},
		{"no objects", `{"queues": ["q"]}`, "", "", nil, pubsub.ErrInvalid, "queues is not a list of objects"},
		{"no name", `{"queues": [{"name": "q"}, {}]}`, "", "", nil, pubsub.ErrInvalid, "queues, entry 2: name is missing"},
		{"no text", `{"exchanges": [{"name": 5}]}`, "", "", nil, pubsub.ErrInvalid, "exchanges, entry 1: name is 5; it must be a string"},
		{"no bool", `{"queues": [{"name": "q", "durable": "yes"}]}`, "", "", nil, pubsub.ErrInvalid, "durable is yes; it must be true or false"},
		{"no arguments", `{"queues": [{"name": "q", "arguments": 5}]}`, "", "", nil, pubsub.ErrInvalid, "arguments must be an object"},
		{"a number", `{"queues": [{"name": "q", "arguments": {"x": 9223372036854775808}}]}`, "", "", nil, pubsub.ErrInvalid, "beyond what 64 bits hold"},
		{"destination", `{"bindings": [{"source": "x", "destination": "q", "destination_type": "topic"}]}`, "", "", nil, pubsub.ErrInvalid, `destination_type is "topic"`},
	} {
		got, warnings, err := read(tt.file, tt.vhost)
		if !errors.Is(err, tt.err) || err != nil && !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: error %v; want %v with %q", tt.why, err, tt.err, tt.says)
			continue
		}
		var queues []string
		for _, q := range got.Queues {
			queues = append(queues, q.Name)
		}
		if s := strings.Join(queues, " "); s != tt.queues {
			t.Errorf("%s: got the queues %s; want %s", tt.why, s, tt.queues)
		}
		if len(warnings) != len(tt.warnings) {
			t.Errorf("%s: got the warnings %v; want %v", tt.why, warnings, tt.warnings)
			continue
		}
		for i, w := range warnings {
			if !strings.Contains(w.String(), tt.warnings[i]) {
				t.Errorf("%s: got the warning %v; want %s", tt.why, w, tt.warnings[i])
			}
		}
	}
}

// What a file can't hold is named; the rest is written, and read as it was.
func TestWriteDefinitions(t *testing.T) {
	of := pubsub.Topology{
		Exchanges: []pubsub.Exchange{{Name: "x", Kind: pubsub.Headers}, {Name: "amq.topic", Kind: pubsub.Topic, Durable: true}},
		Queues: []pubsub.QueueStatus{
			{Queue: pubsub.Queue{Name: "q", Arguments: pubsub.Table{"x-mine": int32(1)}}, Ready: 5},
			queue(pubsub.Queue{Name: "ex", Exclusive: true}), queue(pubsub.Queue{Name: "amq.gen-1"}),
		},
		Bindings: []pubsub.Binding{
			{Exchange: "", Queue: "q", Key: "q"}, {Exchange: "amq.topic", Queue: "ex"}, {Exchange: "x", Queue: "amq.gen-1"},
			{Exchange: "x", Queue: "q", Key: "whole", Arguments: pubsub.Table{"i": int16(1), "f": 2.0, "s": "<&>\u2028", "b": []byte("t"), "t": time.Unix(5, 0), "l": []any{int64(1), true}}},
			{Exchange: "x", Queue: "q", Key: "lossy", Arguments: pubsub.Table{"a": nil, "b": []byte{0xff}, "c": pubsub.Decimal{}, "d": []any{int32(1)}, "e": pubsub.Table{"k": []byte("t")}, "f": []any{time.Unix(1, 0), float32(1)}}},
		},
	}
	file, warnings := write(t, of)
	const expected = `bindings "x to q": RabbitMQ's format can't hold "a" (no value), "b" (bytes), "c" (a decimal), "d" (int32), "k" (bytes), "f" (time.Time), "f" (float32): RabbitMQ reads something else
queues "amq.gen-1": left out with their bindings: the broker chose their names
queues "ex": left out with their bindings: they are exclusive, and go with their connection`
	if got := warningText(warnings); got != expected {
		t.Errorf("got the warnings:\n%s\nwant:\n%s", got, expected)
	}
	got, _, err := topology.ReadDefinitions(bytes.NewReader(file), "")
	must(t, err)
	for _, c := range topology.Diff(of, got, nil) {
		t.Error(c)
	}
	if again, _ := write(t, got); !bytes.Equal(file, again) {
		t.Errorf("written again:\n%s\nwant:\n%s", again, file)
	}
	if _, err := topology.WriteDefinitions(broken{}, "", of); !errors.Is(err, errBroken) {
		t.Errorf("to a broken writer: %v", err)
	}
}

type broken struct{}

var errBroken = errors.New("broken")

func (broken) Write([]byte) (int, error) { return 0, errBroken }

// Whatever a file holds, reading it ends in an error or in a topology that can
// be written and read again.
func FuzzReadDefinitions(f *testing.F) {
	file, err := os.ReadFile("testdata/exported.json")
	must(f, err)
	f.Add(string(file))
	f.Add(`{"queues": [{"name": "q", "type": "stream", "arguments": {"x-max-length": 1e3, "x-max-priority": 256}}]}`)
	f.Add(`{"exchanges": [{"name": "", "type": "", "arguments": {"alternate-exchange": 5}}], "bindings": [{"source": "amq.topic", "destination": "", "destination_type": "exchange"}]}`)
	f.Fuzz(func(t *testing.T, file string) {
		got, _, err := read(file, "")
		if err != nil {
			return
		}
		var written bytes.Buffer
		if _, err := topology.WriteDefinitions(&written, "v", got); err != nil {
			t.Fatal(err)
		}
		again, _, err := read(written.String(), "v")
		if err != nil {
			t.Fatalf("%v\n%s", err, &written)
		}
		for _, c := range topology.Diff(got, again, nil) {
			if c.Binding == nil { // with names twice or empty, bindings may dangle
				t.Errorf("%v\n%s", c, &written)
			}
		}
	})
}
