package natstest_test

import (
	"errors"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/gobindery/bindery/adapters/nats/natstest"
)

// A cluster keeps what it has, through step-downs and through the loss of the
// leader.
func TestCluster(t *testing.T) {
	t.Parallel()
	c := natstest.RunCluster(t, 3, natstest.User("bob", "secret"))
	js := fill(t, c)
	ctx := within(t)
	must(t, c.StepDown(ctx, "S"))
	_, err := js.CreateConsumer(ctx, "S", jetstream.ConsumerConfig{Durable: "C"})
	must(t, err)
	must(t, c.StepDownConsumer(ctx, "S", "C"))
	loseLeader(t, c, (*natstest.Server).Shutdown)
	old, err := c.MetaLeader(ctx)
	must(t, err)
	must(t, old.Shutdown())
	next, err := c.MetaLeader(ctx)
	must(t, err)
	if next == old {
		t.Errorf("%s leads the cluster and is down", next.Name())
	}
	must(t, c.WaitCurrent(ctx))
	if _, err := c.Leader(ctx, "nope"); !errors.Is(err, jetstream.ErrStreamNotFound) {
		t.Errorf("the leader of a stream that is not there: %v", err)
	}
	if err := c.StepDownConsumer(ctx, "S", "nope"); !errors.Is(err, jetstream.ErrConsumerNotFound) {
		t.Errorf("step-down of a consumer that is not there: %v", err)
	}
}

// The same with nodes that are killed.
func TestClusterOfProcesses(t *testing.T) {
	t.Parallel()
	c := natstest.RunCluster(t, 3, natstest.OwnProcess())
	fill(t, c)
	loseLeader(t, c, (*natstest.Server).Kill)
}

// fill makes the stream S with three replicas and a message.
func fill(t *testing.T, c *natstest.Cluster) jetstream.JetStream {
	t.Helper()
	ctx := within(t)
	js := connect(t, c.URL(), nats.UserInfo("bob", "secret"), nats.MaxReconnects(-1))
	_, err := js.CreateStream(ctx, jetstream.StreamConfig{Name: "S", Replicas: 3})
	must(t, err)
	_, err = js.Publish(ctx, "S", []byte("kept"))
	must(t, err)
	return js
}

// loseLeader takes the leader of S down: the message is still there on the next
// one, and the old one gets it again.
func loseLeader(t *testing.T, c *natstest.Cluster, down func(*natstest.Server) error) {
	t.Helper()
	ctx := within(t)
	old, err := c.Leader(ctx, "S")
	must(t, err)
	must(t, down(old))
	if nc, err := nats.Connect(old.URL()); !errors.Is(err, nats.ErrNoServers) {
		nc.Close()
		t.Errorf("the node that is down answers: %v", err)
	}
	next, err := c.Leader(ctx, "S")
	must(t, err)
	if next == old {
		t.Errorf("%s leads and is down", next.Name())
	}
	must(t, c.WaitCurrent(ctx))
	expectKept(t, next.URL())
	must(t, old.Restart(ctx))
	must(t, c.WaitCurrent(ctx))
	stream, err := connect(t, c.Nodes()[0].URL()).Stream(ctx, "S")
	must(t, err)
	if n := len(stream.CachedInfo().Cluster.Replicas); n != 2 {
		t.Errorf("beside its leader the stream has %d replicas", n)
	}
	expectKept(t, old.URL())
}
