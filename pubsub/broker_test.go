package pubsub

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// TestCallsReachTheAdapter: normalized, and with what it answers.
func TestCallsReachTheAdapter(t *testing.T) {
	sub := newFakeSub()
	fake := (&fakeAdapter{}).consumes(sub)
	fake.onGet = func(string, GetOptions) (Got, error) { return Got{}, nil }
	b := New(fake, nil)
	for name, call := range calls(b) {
		if name == "Topology" {
			continue
		}
		wantErr(t, name, call(t.Context()))
	}
	got := fake.takeCalls()
	slices.Sort(got)
	want := []string{
		`bind exchange "e" to queue "q" with key "" and arguments map[n:1]`,
		"check exchange e",
		"consume q {Prefetch:256 AutoAck:false Exclusive:false Priority:0 Tag:}",
		"declare exchange e topic map[n:1]",
		"declare queue q map[n:1]",
		"delete exchange e {IfUnused:false}",
		"delete queue q {IfUnused:false IfEmpty:false}",
		"get q {AutoAck:false}",
		"inspect queue q",
		"purge queue q",
		`unbind exchange "e" to exchange "f" with key "" and arguments map[n:1]`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("the adapter got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}

	wantErr(t, "delete", b.DeleteExchange(t.Context(), "e", &DeleteExchangeOptions{IfUnused: true}))
	n, err := b.DeleteQueue(t.Context(), "q", &DeleteQueueOptions{IfUnused: true, IfEmpty: true})
	if wantErr(t, "delete", err); n != 4 {
		t.Errorf("%d were ready; want 4", n)
	}
	n, err = b.PurgeQueue(t.Context(), "q")
	if wantErr(t, "purge", err); n != 5 {
		t.Errorf("%d were purged; want 5", n)
	}
	info, err := b.InspectQueue(t.Context(), "q")
	if wantErr(t, "inspect", err); info != (QueueInfo{Name: "q", Ready: 3, Consumers: 2}) {
		t.Errorf("inspect tells %+v", info)
	}
	fake.onDeclare = func(q Queue) (QueueInfo, error) {
		if q.Arguments["n"] != int64(1) {
			t.Errorf("the argument is a %T; want int64", q.Arguments["n"])
		}
		return QueueInfo{Name: "amq.gen-1"}, nil
	}
	args := Table{"n": 1}
	name, err := b.DeclareQueue(t.Context(), Queue{Arguments: args})
	if wantErr(t, "declare", err); name != "amq.gen-1" || args["n"] != 1 {
		t.Errorf("declared %q with %v", name, args)
	}
	if want := []string{"delete exchange e {IfUnused:true}", "delete queue q {IfUnused:true IfEmpty:true}"}; !slices.Equal(fake.takeCalls()[:2], want) {
		t.Errorf("want %q", want)
	}
}

// TestCallsFail: each error names the operation and the thing.
func TestCallsFail(t *testing.T) {
	fake := &fakeAdapter{err: errScripted}
	fake.onConsume = func(string, ConsumeOptions) (Subscription, error) { return nil, errScripted }
	fake.onGet = func(string, GetOptions) (Got, error) { return Got{}, errScripted }
	fake.onPublish = func(_ context.Context, p *Publication) { p.Confirm(errScripted) }
	for name, call := range calls(New(fake, nil)) {
		err := call(t.Context())
		want := map[string]string{
			"DeclareExchange": `declare exchange "e": scripted`,
			"CheckExchange":   `check exchange "e": scripted`,
			"DeleteExchange":  `delete exchange "e": scripted`,
			"DeclareQueue":    `declare queue "q": scripted`,
			"InspectQueue":    `inspect queue "q": scripted`,
			"DeleteQueue":     `delete queue "q": scripted`,
			"PurgeQueue":      `purge queue "q": scripted`,
			"Bind":            `bind exchange "e" to queue "q" with key "" and arguments map[n:1]: scripted`,
			"Unbind":          `unbind exchange "e" to exchange "f" with key "" and arguments map[n:1]: scripted`,
			"Publish":         `publish to exchange "e": with key "k": scripted`,
			"PublishAsync":    `publish to exchange "e": with key "k": scripted`,
			"Consume":         `consume from queue "q": scripted`,
			"Get":             `get from queue "q": scripted`,
			"Topology":        `read topology: unsupported operation: *pubsub.fakeAdapter can't list what there is`,
		}[name]
		if err == nil || err.Error() != want {
			t.Errorf("%s: the error is\n%v; want\n%s", name, err, want)
		}
	}
}

func TestGet(t *testing.T) {
	sub := newFakeSub()
	fake := &fakeAdapter{}
	b := New(fake, nil)
	for _, c := range []struct {
		name   string
		auto   bool
		settle func(Delivery, context.Context) error
		want   string
	}{
		{"ack", false, Delivery.Ack, "ack 3"},
		{"requeue", false, Delivery.Requeue, "requeue 3"},
		{"reject", false, Delivery.Reject, "reject 3"},
		{"ack through, which is this one alone", false, Delivery.AckThrough, "ack 3"},
		{"automatic", true, nil, ""},
	} {
		sub.settled = nil
		fake.onGet = func(_ string, o GetOptions) (Got, error) {
			if o.AutoAck != c.auto {
				t.Errorf("%s: AutoAck is %t", c.name, o.AutoAck)
			}
			got := Got{Incoming: Incoming{Envelope: &Envelope{RoutingKey: "k"}, Redelivered: true, Tag: 3}, OK: true, Ready: 9}
			if !o.AutoAck {
				got.Settler = sub
			}
			return got, nil
		}
		d, ok, err := b.Get(t.Context(), "q", &GetOptions{AutoAck: c.auto})
		wantErr(t, c.name, err)
		if !ok || d.Ready != 9 || !d.Redelivered || d.RoutingKey != "k" {
			t.Errorf("%s: got %+v, %t", c.name, d, ok)
		}
		if c.settle != nil {
			wantErr(t, c.name, c.settle(d, t.Context()))
			if got := sub.settlements(); !slices.Equal(got, []string{c.want}) {
				t.Errorf("%s: settled %q; want %q", c.name, got, c.want)
			}
		}
		wantErr(t, c.name+" again", d.Ack(t.Context()), ErrSettled)
		wantErr(t, c.name+" again", d.AckThrough(t.Context()), ErrSettled)
	}

	fake.onGet = func(string, GetOptions) (Got, error) { return Got{}, nil }
	d, ok, err := b.Get(t.Context(), "q", nil)
	wantErr(t, "get from an empty queue", err)
	if ok || d.Body != nil {
		t.Errorf("an empty queue gave %+v, %t", d, ok)
	}
	wantErr(t, "ack nothing", d.Ack(t.Context()), ErrInvalid)
	if n := b.got.n.Load(); n != 0 {
		t.Errorf("%d deliveries are counted as unsettled; want 0", n)
	}
}

type listingAdapter struct{ fakeAdapter }

func (*listingAdapter) Topology(context.Context) (Topology, error) {
	return Topology{Queues: []QueueStatus{{Queue: Queue{Name: "q"}, Ready: 1}}}, errScripted
}

func TestTopology(t *testing.T) {
	_, err := New(&fakeAdapter{}, nil).Topology(t.Context())
	wantErr(t, "topology", err, errors.ErrUnsupported)
	got, err := New(&listingAdapter{}, nil).Topology(t.Context())
	wantErr(t, "topology", err, errScripted)
	if want := (Topology{Queues: []QueueStatus{{Queue: Queue{Name: "q"}, Ready: 1}}}); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v; want %+v", got, want)
	}
}

func TestDefaults(t *testing.T) {
	for _, o := range []*Options{nil, {}, {MaxInFlight: -1}} {
		b := New(&fakeAdapter{}, o)
		if b.publishing.limit != DefaultMaxInFlight || b.log == nil {
			t.Errorf("with %+v, %d may be in flight; want %d", o, b.publishing.limit, DefaultMaxInFlight)
		}
	}
	if !slices.Equal(Kinds(), []Kind{"direct", "fanout", "topic", "headers"}) {
		t.Errorf("kinds are %v", Kinds())
	}
	if q := TempQueue(); q.Name != "" || !q.Exclusive || q.Durable {
		t.Errorf("a temporary queue is %+v", q)
	}
}
