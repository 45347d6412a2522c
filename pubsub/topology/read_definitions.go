package topology

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/gobindery/bindery/pubsub"
	"github.com/gobindery/bindery/pubsub/classic"
)

// ReadDefinitions reads what a definitions file of RabbitMQ says of a vhost.
// An empty vhost is the only one of the file. A file that was exported of one
// vhost alone says no names of vhosts; then any name will do.
//
// What a [pubsub.Topology] has no place for is left out and named in a warning:
// users and permissions, parameters, and policies, whose effect is missing then.
// What it can hold but only RabbitMQ can do, as other queue types and plugins'
// exchanges, is kept and named. So whoever gets no warnings has it all.
//
// A file that is no such JSON is [pubsub.ErrInvalid], with the place; a vhost
// that is not in it is [pubsub.ErrNotFound].
func ReadDefinitions(r io.Reader, vhost string) (pubsub.Topology, []Warning, error) {
	d := definitions{}
	err := d.read(r, vhost)
	if err != nil {
		return pubsub.Topology{}, nil, fmt.Errorf("read definitions: %w", err)
	}
	return sortedTopology(d.topology), d.warnings, nil
}

// definitions is a file that is being read.
type definitions struct {
	vhost    string
	sections map[string][]object
	topology pubsub.Topology
	warnings []Warning
}

// object is an entry of a list. What was read is taken out of it.
type object map[string]any

func (d *definitions) read(r io.Reader, vhost string) error {
	in := json.NewDecoder(r)
	in.UseNumber()
	var file map[string]json.RawMessage
	if err := in.Decode(&file); err != nil {
		return fmt.Errorf("%w: it is not a JSON object: %w", pubsub.ErrInvalid, err)
	}
	if _, err := in.Token(); err != io.EOF {
		return fmt.Errorf("%w: something follows the JSON object", pubsub.ErrInvalid)
	}
	d.sections = map[string][]object{}
	for _, name := range slices.Sorted(maps.Keys(file)) {
		if !strings.HasPrefix(strings.TrimSpace(string(file[name])), "[") {
			continue // a version, or a name
		}
		var list []object
		in := json.NewDecoder(strings.NewReader(string(file[name])))
		in.UseNumber()
		if err := in.Decode(&list); err != nil {
			return fmt.Errorf("%w: %s is not a list of objects: %w", pubsub.ErrInvalid, name, err)
		}
		d.sections[name] = list
	}
	for _, name := range []string{"queues", "exchanges", "bindings"} {
		if v, ok := file[name]; ok && d.sections[name] == nil {
			return fmt.Errorf("%w: %s is %.20s; it must be a list", pubsub.ErrInvalid, name, v)
		}
	}
	if err := d.choose(vhost); err != nil {
		return err
	}
	for _, s := range []struct {
		name string
		read func(*fields)
	}{{"exchanges", d.exchange}, {"queues", d.queue}, {"bindings", d.binding}} {
		for i, o := range d.sections[s.name] {
			f := &fields{object: o}
			s.read(f)
			if f.err != nil {
				return fmt.Errorf("%w: %s, entry %d: %w", pubsub.ErrInvalid, s.name, i+1, f.err)
			}
			if len(f.object) > 0 {
				d.warn(s.name, f.name, "left out what is not known: %s", names(slices.Sorted(maps.Keys(f.object))))
			}
		}
	}
	d.dangling()
	d.others()
	return nil
}

func (d *definitions) warn(section, name, why string, args ...any) {
	if name != "" {
		name = fmt.Sprintf("%q", name)
	}
	d.warnings = append(d.warnings, Warning{section, name, fmt.Sprintf(why, args...)})
}

// choose takes the entries of other vhosts away.
func (d *definitions) choose(vhost string) error {
	there, nameless := map[string]bool{}, false
	for _, o := range d.sections["vhosts"] {
		if name, ok := o["name"].(string); ok {
			there[name] = true
		}
	}
	for _, name := range []string{"exchanges", "queues", "bindings"} {
		for _, o := range d.sections[name] {
			if v, ok := o["vhost"].(string); ok {
				there[v] = true
			} else {
				nameless = true
			}
		}
	}
	all := slices.Sorted(maps.Keys(there))
	switch {
	case vhost == "" && len(all) > 1:
		return fmt.Errorf("%w: it has several vhosts; choose one of %s", pubsub.ErrInvalid, names(all))
	case vhost == "" && len(all) == 1:
		vhost = all[0]
	case !there[vhost] && len(all) > 0 && !nameless:
		return fmt.Errorf("%w: vhost %q is not in it; there is %s", pubsub.ErrNotFound, vhost, names(all))
	}
	d.vhost = vhost
	for name, list := range d.sections {
		d.sections[name] = slices.DeleteFunc(list, func(o object) bool {
			v, ok := o["vhost"].(string)
			return ok && v != vhost
		})
	}
	return nil
}

func (d *definitions) exchange(f *fields) {
	e := pubsub.Exchange{
		Name:       f.text("name", true),
		Kind:       pubsub.Kind(f.text("type", true)),
		Durable:    f.boolean("durable"),
		AutoDelete: f.boolean("auto_delete"),
	}
	f.name = e.Name
	e.Internal = f.boolean("internal") // "rabbitmqctl" exports no internal ones, and does not say so
	e.Arguments = d.arguments(f, "exchanges")
	if name, ok := e.Arguments["alternate-exchange"].(string); ok {
		e.Alternate = name
		delete(e.Arguments, "alternate-exchange")
	}
	if !slices.Contains(pubsub.Kinds(), e.Kind) {
		d.warn("exchanges", e.Name, "its type %q needs a plugin of RabbitMQ; it can't be declared or explained here", e.Kind)
	}
	if e.Name != "" {
		d.topology.Exchanges = append(d.topology.Exchanges, e)
	}
}

func (d *definitions) queue(f *fields) {
	q := pubsub.Queue{
		Name:       f.text("name", true),
		Durable:    f.boolean("durable"),
		AutoDelete: f.boolean("auto_delete"),
	}
	f.name = q.Name
	typ := f.text("type", false)
	args := d.arguments(f, "queues")
	if typ != "" && typ != "classic" && args["x-queue-type"] == nil {
		if args == nil {
			args = pubsub.Table{}
		}
		args["x-queue-type"] = typ
	}
	q = classic.WithArguments(q, args)
	switch t := q.Arguments["x-queue-type"]; t {
	case nil, "classic":
	case "quorum", "stream":
		d.warn("queues", q.Name, "it is a %s queue, which only RabbitMQ has", t)
	default:
		d.warn("queues", q.Name, "its type %v is not known here; it can't be declared", t)
	}
	d.topology.Queues = append(d.topology.Queues, pubsub.QueueStatus{Queue: q})
}

func (d *definitions) binding(f *fields) {
	b := pubsub.Binding{Exchange: f.text("source", true), Key: f.text("routing_key", false)}
	to := f.text("destination", true)
	switch t := f.text("destination_type", true); t {
	case "queue":
		b.Queue = to
	case "exchange":
		b.ToExchange = to
	default:
		f.fail("destination_type is %q; it must be queue or exchange", t)
	}
	f.text("properties_key", false) // the management API's own name for it
	f.name = b.Exchange + " to " + to
	b.Arguments = d.arguments(f, "bindings")
	if b.Exchange != "" {
		d.topology.Bindings = append(d.topology.Bindings, b)
	}
}

// arguments are the typed arguments of an entry.
func (d *definitions) arguments(f *fields, section string) pubsub.Table {
	v := f.object["arguments"]
	delete(f.object, "arguments")
	delete(f.object, "vhost")
	if list, ok := v.([]any); v == nil || ok && len(list) == 0 {
		return nil // RabbitMQ has also written [] for none
	}
	m, ok := v.(map[string]any)
	if !ok {
		f.fail("arguments must be an object")
		return nil
	}
	if len(m) == 0 {
		return nil
	}
	read, err := classic.FromJSON(m)
	if err != nil {
		f.fail("arguments: %w", err)
		return nil
	}
	t := read.(pubsub.Table)
	if hasVoid(t) {
		d.warn(section, f.name, "an argument %q is taken for one without a value, which RabbitMQ writes so", classic.Told(nil))
	}
	return t
}

// hasVoid reports whether there is a nil in a value.
func hasVoid(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case []any:
		return slices.ContainsFunc(v, hasVoid)
	case pubsub.Table:
		for _, e := range v {
			if hasVoid(e) {
				return true
			}
		}
	}
	return false
}

// dangling leaves out bindings from or to what is not in the file: RabbitMQ
// exports the bindings of exclusive queues, but not these queues; rabbitmqctl
// does so with internal exchanges.
func (d *definitions) dangling() {
	exchanges, queues := map[string]bool{}, map[string]bool{}
	for _, e := range d.topology.Exchanges {
		exchanges[e.Name] = true
	}
	for _, q := range d.topology.Queues {
		queues[q.Name] = true
	}
	gone := map[string]bool{}
	d.topology.Bindings = slices.DeleteFunc(d.topology.Bindings, func(b pubsub.Binding) bool {
		switch {
		case !exchanges[b.Exchange] && !brokersOwn(b.Exchange):
			gone["exchange "+b.Exchange] = true
		case b.ToExchange != "" && !exchanges[b.ToExchange] && !brokersOwn(b.ToExchange):
			gone["exchange "+b.ToExchange] = true
		case b.Queue != "" && !queues[b.Queue]:
			gone["queue "+b.Queue] = true
		default:
			return false
		}
		return true
	})
	if len(gone) > 0 {
		d.warnings = append(d.warnings, Warning{"bindings", names(slices.Sorted(maps.Keys(gone))), "the bindings of what is not in the file are left out; RabbitMQ exports no exclusive queues, and rabbitmqctl no internal exchanges (its management API does: GET /api/definitions)"})
	}
}

// others warns of the sections that are left out.
func (d *definitions) others() {
	for _, s := range keptOut {
		var all []string
		for _, o := range d.sections[s.name] {
			name, _ := o[s.id].(string)
			all = append(all, name)
		}
		if len(all) > 0 {
			d.warnings = append(d.warnings, Warning{s.name, names(all), s.why})
		}
		delete(d.sections, s.name)
	}
	for _, o := range d.sections["policies"] {
		d.policy(o)
	}
	for _, o := range d.sections["vhosts"] {
		if limits, ok := o["limits"].([]any); o["name"] == d.vhost && (ok && len(limits) > 0) {
			d.warn("vhosts", d.vhost, "its limits are left out")
		}
	}
	for _, name := range []string{"exchanges", "queues", "bindings", "policies", "vhosts"} {
		delete(d.sections, name)
	}
	for _, name := range slices.Sorted(maps.Keys(d.sections)) {
		if len(d.sections[name]) > 0 {
			d.warn(name, "", "left out: it is not known here")
		}
	}
}

// policy warns of a policy: exchanges and queues go without what it sets.
func (d *definitions) policy(o object) {
	name, _ := o["name"].(string)
	pattern, _ := o["pattern"].(string)
	to, _ := o["apply-to"].(string)
	sets, _ := o["definition"].(map[string]any)
	on := "those that match " + pattern
	if re, err := regexp.Compile(pattern); err == nil {
		exchanges, queues := 0, 0
		for _, e := range d.topology.Exchanges {
			if to != "queues" && re.MatchString(e.Name) {
				exchanges++
			}
		}
		for _, q := range d.topology.Queues {
			if to != "exchanges" && re.MatchString(q.Name) {
				queues++
			}
		}
		on = fmt.Sprintf("%d exchanges and %d queues that match %s", exchanges, queues, pattern)
	}
	d.warn("policies", name, "left out: %s go without %s", on, names(slices.Sorted(maps.Keys(sets))))
}

// sortedTopology puts a topology in the order in which brokers list it.
func sortedTopology(t pubsub.Topology) pubsub.Topology {
	t.Exchanges, t.Queues, t.Bindings = slices.Clone(t.Exchanges), slices.Clone(t.Queues), slices.Clone(t.Bindings)
	slices.SortStableFunc(t.Exchanges, func(a, b pubsub.Exchange) int { return strings.Compare(a.Name, b.Name) })
	slices.SortStableFunc(t.Queues, func(a, b pubsub.QueueStatus) int { return strings.Compare(a.Name, b.Name) })
	slices.SortStableFunc(t.Bindings, func(a, b pubsub.Binding) int { return strings.Compare(identity(&a), identity(&b)) })
	return t
}
