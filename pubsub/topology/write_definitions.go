package topology

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gobindery/bindery/pubsub"
	"github.com/gobindery/bindery/pubsub/classic"
)

// WriteDefinitions writes a topology as a definitions file of RabbitMQ, which
// its management API and "rabbitmqctl import_definitions" take. An empty vhost
// is "/". It is sorted, with a line for each entry, so that two files can be
// compared; [ReadDefinitions] reads the same from it.
//
// What comes and goes by itself is left out; and an argument that JSON doesn't
// have is written as RabbitMQ writes it, which another RabbitMQ reads as
// something else. Warnings name both. Errors are those of w.
func WriteDefinitions(w io.Writer, vhost string, t pubsub.Topology) ([]Warning, error) {
	if vhost == "" {
		vhost = "/"
	}
	t = sortedTopology(t)
	f := &definitionsWriter{vhost: vhost}
	gone := map[string]bool{}
	var own, exclusive []string
	exchanges, queues, bindings := []line{}, []line{}, []line{}
	for _, e := range t.Exchanges {
		if e.Name != "" && !brokersOwn(e.Name) {
			exchanges = append(exchanges, f.exchange(e))
		}
	}
	for _, q := range t.Queues {
		switch {
		case brokersOwn(q.Name):
			own = append(own, q.Name)
		case q.Exclusive:
			exclusive = append(exclusive, q.Name)
		default:
			queues = append(queues, f.queue(q.Queue))
			continue
		}
		gone[q.Name] = true
	}
	for _, b := range t.Bindings {
		if b.Exchange != "" && !gone[b.Queue] && !brokersOwn(b.Queue) {
			bindings = append(bindings, f.binding(b))
		}
	}
	if len(own) > 0 {
		f.warnings = append(f.warnings, Warning{"queues", names(own), "left out with their bindings: the broker chose their names"})
	}
	if len(exclusive) > 0 {
		f.warnings = append(f.warnings, Warning{"queues", names(exclusive), "left out with their bindings: they are exclusive, and go with their connection"})
	}

	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "{\n  \"rabbit_version\": %q,\n  \"rabbitmq_version\": %q", rabbitVersion, rabbitVersion)
	for _, s := range []struct {
		name  string
		lines []line
	}{
		{"vhosts", []line{encode(map[string]any{"name": vhost})}},
		{"exchanges", exchanges}, {"queues", queues}, {"bindings", bindings},
	} {
		fmt.Fprintf(out, ",\n  %q: [", s.name)
		for i, l := range s.lines {
			if i > 0 {
				out.WriteByte(',')
			}
			out.WriteString("\n    ")
			out.Write(l)
		}
		if len(s.lines) > 0 {
			out.WriteString("\n  ")
		}
		out.WriteByte(']')
	}
	out.WriteString("\n}\n")
	if err := out.Flush(); err != nil {
		return f.warnings, fmt.Errorf("write definitions: %w", err)
	}
	return f.warnings, nil
}

// definitionsWriter makes the entries of a file.
type definitionsWriter struct {
	vhost    string
	warnings []Warning
}

// line is an entry.
type line = json.RawMessage

func (f *definitionsWriter) exchange(e pubsub.Exchange) line {
	args := e.Arguments.Clone()
	if e.Alternate != "" {
		if args == nil {
			args = pubsub.Table{}
		}
		args["alternate-exchange"] = e.Alternate
	}
	return encode(struct {
		Name       string `json:"name"`
		VHost      string `json:"vhost"`
		Type       string `json:"type"`
		Durable    bool   `json:"durable"`
		AutoDelete bool   `json:"auto_delete"`
		Internal   bool   `json:"internal"`
		Arguments  line   `json:"arguments"`
	}{e.Name, f.vhost, string(e.Kind), e.Durable, e.AutoDelete, e.Internal, f.arguments("exchanges", e.Name, args)})
}

func (f *definitionsWriter) queue(q pubsub.Queue) line {
	typ, ok := q.Arguments["x-queue-type"].(string)
	if !ok {
		typ = "classic"
	}
	return encode(struct {
		Name       string `json:"name"`
		VHost      string `json:"vhost"`
		Type       string `json:"type"`
		Durable    bool   `json:"durable"`
		AutoDelete bool   `json:"auto_delete"`
		Arguments  line   `json:"arguments"`
	}{q.Name, f.vhost, typ, q.Durable, q.AutoDelete, f.arguments("queues", q.Name, classic.Arguments(q))})
}

func (f *definitionsWriter) binding(b pubsub.Binding) line {
	to, typ := b.Queue, "queue"
	if b.ToExchange != "" {
		to, typ = b.ToExchange, "exchange"
	}
	return encode(struct {
		Source          string `json:"source"`
		VHost           string `json:"vhost"`
		Destination     string `json:"destination"`
		DestinationType string `json:"destination_type"`
		RoutingKey      string `json:"routing_key"`
		Arguments       line   `json:"arguments"`
	}{b.Exchange, f.vhost, to, typ, b.Key, f.arguments("bindings", b.Exchange+" to "+to, b.Arguments)})
}

// arguments are an entry's. What RabbitMQ reads back as something else is
// warned of.
func (f *definitionsWriter) arguments(section, name string, t pubsub.Table) line {
	e := argumentWriter{}
	e.table(t, 0)
	if len(e.lossy) > 0 {
		f.warnings = append(f.warnings, Warning{section, fmt.Sprintf("%q", name), "RabbitMQ's format can't hold " + strings.Join(e.lossy, ", ") + ": RabbitMQ reads something else"})
	}
	return e.out
}

// encode is an entry in JSON. Nothing in it can fail: names that are not valid
// UTF-8 get replacement characters.
func encode(v any) line {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(fmt.Sprintf("topology: an entry of plain values can't be encoded: %v", err))
	}
	return bytes.TrimSpace(b.Bytes())
}

// argumentWriter writes arguments as RabbitMQ does.
type argumentWriter struct {
	out   []byte
	lossy []string
}

func (w *argumentWriter) table(t pubsub.Table, depth int) {
	w.out = append(w.out, '{')
	for i, name := range slices.Sorted(maps.Keys(t)) {
		if i > 0 {
			w.out = append(w.out, ',')
		}
		w.out = append(append(w.out, encode(name)...), ':')
		w.value(name, t[name], depth)
	}
	w.out = append(w.out, '}')
}

// value writes a value. At the top, RabbitMQ compares integers of all widths
// alike; inside lists and tables their types count.
func (w *argumentWriter) value(name string, v any, depth int) {
	lost := func(what string) { w.lossy = append(w.lossy, fmt.Sprintf("%q (%s)", name, what)) }
	nested := func(what string) {
		if depth > 0 {
			lost(what)
		}
	}
	switch v := v.(type) {
	case nil:
		lost("no value")
	case []byte:
		if !utf8.Valid(v) {
			lost("bytes")
		} else {
			nested("bytes")
		}
	case pubsub.Decimal:
		lost("a decimal")
	case time.Time, float32, int8, int16, int32, uint8, uint16, uint32:
		nested(fmt.Sprintf("%T", v))
	}
	switch v := classic.Told(v).(type) {
	case []any:
		w.out = append(w.out, '[')
		for i, e := range v {
			if i > 0 {
				w.out = append(w.out, ',')
			}
			w.value(name, e, depth+1)
		}
		w.out = append(w.out, ']')
	case pubsub.Table:
		w.table(v, depth+1)
	case string:
		w.out = append(w.out, encode(v)...)
	case float64:
		w.float(v)
	default:
		w.out = fmt.Append(w.out, v) // a bool or an int64
	}
}

// float writes a point or an exponent, which tells a float from an integer.
func (w *argumentWriter) float(f float64) {
	s := strconv.FormatFloat(f, 'g', -1, 64)
	if !strings.ContainsAny(s, ".e") {
		s += ".0"
	} else if m, exp, ok := strings.Cut(s, "e"); ok && !strings.Contains(m, ".") {
		s = m + ".0e" + exp // as RabbitMQ wants it
	}
	w.out = append(w.out, s...)
}
