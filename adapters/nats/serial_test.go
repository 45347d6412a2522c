package nats_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/gobindery/bindery/adapters/nats"
	"github.com/gobindery/bindery/adapters/nats/natstest"
	"github.com/gobindery/bindery/pubsub"
)

// serialOps are what clients do to the same few names at once. Each may fail with these
// errors, as it would if one came after the other.
var serialOps = []struct {
	name string
	do   func(ctx context.Context, b *pubsub.Broker) error
	may  []error
}{
	{"declare a queue", func(ctx context.Context, b *pubsub.Broker) error {
		_, err := b.DeclareQueue(ctx, pubsub.Queue{Name: "q"})
		return err
	}, []error{pubsub.ErrPreconditionFailed}},
	{"declare another", func(ctx context.Context, b *pubsub.Broker) error {
		_, err := b.DeclareQueue(ctx, pubsub.Queue{Name: "q", MaxLength: new(10)})
		return err
	}, []error{pubsub.ErrPreconditionFailed}},
	{"delete the queue", func(ctx context.Context, b *pubsub.Broker) error {
		_, err := b.DeleteQueue(ctx, "q", nil)
		return err
	}, nil},
	{"declare an exchange", func(ctx context.Context, b *pubsub.Broker) error {
		return b.DeclareExchange(ctx, pubsub.Exchange{Name: "x", Kind: pubsub.Topic, AutoDelete: true})
	}, nil},
	{"delete the exchange", func(ctx context.Context, b *pubsub.Broker) error {
		return b.DeleteExchange(ctx, "x", nil)
	}, nil},
	{"bind", func(ctx context.Context, b *pubsub.Broker) error {
		return b.Bind(ctx, pubsub.Binding{Exchange: "x", Queue: "q", Key: "k"})
	}, []error{pubsub.ErrNotFound}},
	{"unbind", func(ctx context.Context, b *pubsub.Broker) error {
		return b.Unbind(ctx, pubsub.Binding{Exchange: "x", Queue: "q", Key: "k"})
	}, []error{pubsub.ErrNotFound}},
	{"publish", func(ctx context.Context, b *pubsub.Broker) error {
		return b.Publish(ctx, "x", "k", pubsub.Message{}, pubsub.Mandatory)
	}, []error{pubsub.ErrNotFound, pubsub.ErrUnroutable}},
}

// Of any two operations that two clients do at the same time, the outcome is that of one
// after the other.
func TestTwoAtOnce(t *testing.T) {
	server := natstest.RunServer(t)
	ctx := t.Context()
	url := server.URL() + "/serial"
	_, one := open(t, url)
	_, two := open(t, url)
	for i, first := range serialOps {
		for _, second := range serialOps[i:] {
			for _, bound := range []bool{false, true} {
				want := make(map[string]bool)
				for _, order := range [][2]func(context.Context, *pubsub.Broker) error{{first.do, second.do}, {second.do, first.do}} {
					prepareSerial(t, one, bound)
					order[0](ctx, one)
					order[1](ctx, two)
					want[snapshot(t, one)] = true
				}
				for range 3 {
					prepareSerial(t, one, bound)
					var both sync.WaitGroup
					errs := make([]error, 2)
					both.Go(func() { errs[0] = first.do(ctx, one) })
					both.Go(func() { errs[1] = second.do(ctx, two) })
					both.Wait()
					if is := snapshot(t, two); !want[is] {
						t.Errorf("%s and %s, bound before: %t: the outcome is\n%s\nand none of\n%v", first.name, second.name, bound, is, want)
					}
					for n, err := range errs {
						if may := [][]error{first.may, second.may}[n]; err != nil && !isOneOf(err, may) {
							t.Errorf("%s and %s, bound before: %t: %v", first.name, second.name, bound, err)
						}
					}
				}
			}
		}
	}
}

// prepareSerial makes a queue bound to an exchange, or takes all away.
func prepareSerial(t *testing.T, b *pubsub.Broker, bound bool) {
	t.Helper()
	ctx := t.Context()
	_, err := b.DeleteQueue(ctx, "q", nil)
	err = errors.Join(err, b.DeleteExchange(ctx, "x", nil))
	if bound {
		_, declareErr := b.DeclareQueue(ctx, pubsub.Queue{Name: "q"})
		err = errors.Join(err, declareErr,
			b.DeclareExchange(ctx, pubsub.Exchange{Name: "x", Kind: pubsub.Topic, AutoDelete: true}),
			b.Bind(ctx, pubsub.Binding{Exchange: "x", Queue: "q", Key: "k"}))
	}
	if err != nil {
		t.Fatal(err)
	}
}

func isOneOf(err error, may []error) bool {
	for _, m := range may {
		if errors.Is(err, m) {
			return true
		}
	}
	return false
}

// Many random operations of several clients at once, of which one sweeps, leave the same
// topology for all and no stream without a queue.
func TestManyAtOnce(t *testing.T) {
	const clients, each = 4, 60
	server := natstest.RunServer(t)
	ctx := t.Context()
	url := server.URL() + "/many"
	a, b := open(t, url)
	nats.ForgetAfter(a, 0)
	var all sync.WaitGroup
	for i := range clients {
		_, mine := open(t, url)
		random := rand.New(rand.NewPCG(1, uint64(i)))
		all.Go(func() {
			for range each {
				op := serialOps[random.IntN(len(serialOps))]
				if err := op.do(ctx, mine); err != nil && !isOneOf(err, op.may) {
					t.Errorf("%s: %v", op.name, err)
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { all.Wait(); close(done) }()
	sweeps := 0
	for running := true; running; sweeps++ {
		if err := nats.Sweep(ctx, a); err != nil {
			t.Error(err)
		}
		select {
		case <-done:
			running = false
		default:
		}
	}
	if err := nats.Sweep(ctx, a); err != nil {
		t.Fatal(err)
	}
	is := snapshot(t, b)
	_, fresh := open(t, url)
	if now := snapshot(t, fresh); now != is {
		t.Errorf("a new client finds\n%s\nanother\n%s", now, is)
	}
	topology, err := fresh.Topology(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if s := streamsOf(t, server, a); len(s) != len(topology.Queues) {
		t.Errorf("%d queues, but the streams %q", len(topology.Queues), s)
	}
	t.Logf("%d sweeps meanwhile; %d records in the bucket", sweeps, bucketSize(t, server, a))
}
