package nats_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/gobindery/bindery/adapters/nats"
	"github.com/gobindery/bindery/adapters/nats/natstest"
	"github.com/gobindery/bindery/pubsub"
)

// A crash is an operation that a client may die in, and what is there before it.
type crash struct {
	name    string
	prepare func(ctx context.Context, b *pubsub.Broker) error // by another client, which stays
	op      func(ctx context.Context, b *pubsub.Broker) error
	own     bool // what it makes goes with its client
}

var boundQueue = pubsub.Queue{Name: "q", Durable: true}

func declareBound(ctx context.Context, b *pubsub.Broker) error {
	if err := b.DeclareExchange(ctx, pubsub.Exchange{Name: "x", Kind: pubsub.Fanout, AutoDelete: true}); err != nil {
		return err
	}
	if _, err := b.DeclareQueue(ctx, boundQueue); err != nil {
		return err
	}
	return b.Bind(ctx, pubsub.Binding{Exchange: "x", Queue: "q"})
}

func publishThree(ctx context.Context, b *pubsub.Broker) error {
	for range 3 {
		if err := b.Publish(ctx, "", "q", pubsub.Message{Body: []byte("m")}, pubsub.Mandatory); err != nil {
			return err
		}
	}
	return nil
}

func nothing(context.Context, *pubsub.Broker) error { return nil }

var crashes = []crash{
	{name: "declare exchange", prepare: nothing, op: func(ctx context.Context, b *pubsub.Broker) error {
		return b.DeclareExchange(ctx, pubsub.Exchange{Name: "x", Kind: pubsub.Topic})
	}},
	{name: "declare queue", prepare: nothing, op: func(ctx context.Context, b *pubsub.Broker) error {
		_, err := b.DeclareQueue(ctx, boundQueue)
		return err
	}},
	{name: "declare limited queue", prepare: nothing, op: func(ctx context.Context, b *pubsub.Broker) error {
		_, err := b.DeclareQueue(ctx, pubsub.Queue{Name: "q", MaxLength: new(5)})
		return err
	}},
	{name: "declare exclusive queue", prepare: nothing, own: true, op: func(ctx context.Context, b *pubsub.Broker) error {
		_, err := b.DeclareQueue(ctx, pubsub.Queue{Name: "q", Exclusive: true})
		return err
	}},
	{name: "bind", prepare: func(ctx context.Context, b *pubsub.Broker) error {
		_, err := b.DeclareQueue(ctx, boundQueue)
		return err
	}, op: func(ctx context.Context, b *pubsub.Broker) error {
		return b.Bind(ctx, pubsub.Binding{Exchange: "amq.topic", Queue: "q", Key: "k.#"})
	}},
	{name: "unbind", prepare: declareBound, op: func(ctx context.Context, b *pubsub.Broker) error {
		return b.Unbind(ctx, pubsub.Binding{Exchange: "x", Queue: "q"}) // x goes along
	}},
	{name: "delete exchange", prepare: declareBound, op: func(ctx context.Context, b *pubsub.Broker) error {
		return b.DeleteExchange(ctx, "x", nil)
	}},
	{name: "delete queue", prepare: func(ctx context.Context, b *pubsub.Broker) error {
		if err := declareBound(ctx, b); err != nil {
			return err
		}
		return publishThree(ctx, b)
	}, op: func(ctx context.Context, b *pubsub.Broker) error {
		_, err := b.DeleteQueue(ctx, "q", nil)
		return err
	}},
	{name: "take over", prepare: func(ctx context.Context, b *pubsub.Broker) error {
		if err := declareBound(ctx, b); err != nil {
			return err
		}
		return publishThree(ctx, b)
	}, op: func(ctx context.Context, b *pubsub.Broker) error {
		_, err := b.Consume(ctx, "q", nil)
		return err
	}},
	{name: "hand over", prepare: func(ctx context.Context, b *pubsub.Broker) error {
		if err := declareBound(ctx, b); err != nil {
			return err
		}
		return publishThree(ctx, b)
	}, op: func(ctx context.Context, b *pubsub.Broker) error {
		for range 2 {
			if _, ok, err := b.Get(ctx, "q", nil); err != nil || !ok {
				return fmt.Errorf("get: %t, %w", ok, err)
			}
		}
		return b.Close()
	}},
}

// Whichever request of an operation is its client's last, the topology is as it was
// before or as it is after, for all clients, and another finishes the operation.
func TestCrashAtEveryStep(t *testing.T) {
	server := natstest.RunServer(t)
	for i, c := range crashes {
		t.Run(strings.ReplaceAll(c.name, " ", "_"), func(t *testing.T) {
			t.Parallel()
			w := crashWorld{t, server, c, fmt.Sprintf("%s/crash%d.", server.URL(), i)}
			outcomes := w.reference()
			steps := 0
			for n := 0; ; n++ {
				died := w.run(n, outcomes)
				if !died {
					break
				}
				steps++
			}
			t.Logf("died at each of %d requests", steps)
			if steps == 0 {
				t.Error("the client never died")
			}
		})
	}
}

// crashWorld runs one crash, each time in a vhost of its own.
type crashWorld struct {
	*testing.T
	server *natstest.Server
	crash  crash
	url    string
}

// open connects to a vhost.
func (w *crashWorld) open(vhost string, client ...natsgo.Option) (*nats.Conn, *pubsub.Broker) {
	w.Helper()
	a, err := nats.Open(w.Context(), w.url+vhost, &nats.Options{Client: client})
	if err != nil {
		w.Fatal(err)
	}
	return a, pubsub.New(a, nil)
}

// reference returns what is there before and after the operation.
func (w *crashWorld) reference() (outcomes []string) {
	_, b := w.open("reference")
	defer b.Close()
	if err := w.crash.prepare(w.Context(), b); err != nil {
		w.Fatal(err)
	}
	outcomes = append(outcomes, snapshot(w.T, b))
	_, other := w.open("reference")
	defer other.Close()
	if err := w.crash.op(w.Context(), other); err != nil {
		w.Fatal(err)
	}
	after := snapshot(w.T, b)
	if w.crash.own {
		after = outcomes[0] // what it made goes with it
	}
	return append(outcomes, after)
}

// run lets the client die before its n-th request, and reports whether it got that far.
func (w *crashWorld) run(n int, outcomes []string) (died bool) {
	ctx := w.Context()
	vhost := fmt.Sprintf("%d", n)
	a, witness := w.open(vhost)
	defer witness.Close()
	if err := w.crash.prepare(ctx, witness); err != nil {
		w.Fatal(err)
	}
	if w.crash.name == "take over" {
		witness.Close() // its leadership too
	}
	network := newFrail()
	victim, b := w.open(vhost, natsgo.SetCustomDialer(network))
	network.arm(n)
	ended := make(chan error, 1)
	go func() { ended <- w.crash.op(ctx, b) }()
	select {
	case err := <-ended:
		if died = network.isDead(); !died && err != nil {
			w.Fatalf("died before request %d: %v", n, err)
		}
		network.cut() // just after the operation
	case <-network.dead:
		died = true
	}
	requests := network.passed()
	nats.Kill(victim)
	if w.crash.name == "take over" {
		a, witness = w.open(vhost)
		defer witness.Close()
	}
	if err := nats.Sweep(ctx, a); err != nil {
		w.Fatalf("died after %q: sweep: %v", requests, err)
	}
	w.check(vhost, a, witness, outcomes, requests)
	return died
}

// check checks that the topology is one of the outcomes, that nothing is left besides, and
// that another client can do the operation.
func (w *crashWorld) check(vhost string, a *nats.Conn, witness *pubsub.Broker, outcomes []string, requests []string) {
	w.Helper()
	ctx := w.Context()
	is := snapshot(w.T, witness)
	if !slices.Contains(outcomes, is) {
		w.Errorf("died after %q: the topology is\n%s\nwhich is neither that before\n%s\nnor that after\n%s", requests, is, outcomes[0], outcomes[1])
	}
	_, fresh := w.open(vhost)
	defer fresh.Close()
	if now := snapshot(w.T, fresh); now != is {
		w.Errorf("died after %q: a new client finds\n%s\nanother\n%s", requests, now, is)
	}
	t, err := witness.Topology(ctx)
	if err != nil {
		w.Fatal(err)
	}
	known := make(map[string]bool)
	for _, q := range t.Queues {
		known[nats.StreamOf(a, q.Name)] = true
	}
	for _, s := range streamsOf(w.T, w.server, a) {
		if !known[s] {
			w.Errorf("died after %q: the stream %s is of no queue", requests, s)
		}
	}
	if w.crash.name == "hand over" {
		got := 0
		for {
			d, ok, err := witness.Get(ctx, "q", nil)
			if err != nil {
				w.Fatal(err)
			}
			if !ok {
				break
			}
			got++
			d.Ack(ctx)
		}
		if got != 3 {
			w.Errorf("died after %q: %d of 3 messages are left", requests, got)
		}
		return
	}
	if err := w.crash.op(ctx, fresh); err != nil {
		w.Errorf("died after %q: another client can't do it: %v", requests, err)
	}
	if now := snapshot(w.T, witness); !w.crash.own && now != outcomes[1] {
		w.Errorf("died after %q: done by another client, the topology is\n%s\nnot\n%s", requests, now, outcomes[1])
	}
}

// snapshot writes down what there is in a vhost.
func snapshot(t *testing.T, b *pubsub.Broker) string {
	t.Helper()
	now, err := b.Topology(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, e := range now.Exchanges {
		if e.Name != "" && !strings.HasPrefix(e.Name, "amq.") {
			lines = append(lines, fmt.Sprintf("exchange %+v", e))
		}
	}
	for _, b := range now.Bindings {
		if b.Exchange != "" {
			lines = append(lines, fmt.Sprintf("binding %+v", b))
		}
	}
	for _, q := range now.Queues {
		lines = append(lines, fmt.Sprintf("queue %s durable %t exclusive %t: %d messages", q.Name, q.Durable, q.Exclusive, q.Ready+q.Unacked))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// streamsOf lists the streams of a vhost's queues.
func streamsOf(t *testing.T, s *natstest.Server, a *nats.Conn) (streams []string) {
	t.Helper()
	js, done := jetStream(t, s.URL())
	defer done()
	names := js.StreamNames(t.Context(), jetstream.WithStreamListSubject(nats.Prefix(a)+".>"))
	for name := range names.Name() {
		streams = append(streams, name)
	}
	if err := names.Err(); err != nil {
		t.Fatal(err)
	}
	return streams
}
