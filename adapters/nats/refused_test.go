package nats_test

import (
	"errors"
	"testing"

	"github.com/gobindery/bindery/adapters/nats/natstest"
	"github.com/gobindery/bindery/pubsub"
)

// A queue whose stream JetStream refuses to make, as its limits are reached, isn't there: a publish
// to it would wait for nothing.
func TestQueueWithoutStream(t *testing.T) {
	ctx := t.Context()
	s := natstest.RunServer(t, natstest.Config(`accounts: {A: {jetstream: {max_streams: 2}, users: [{user: a, password: b}]}}
no_auth_user: a`))
	_, b := open(t, s.URL())
	if _, err := b.DeclareQueue(ctx, pubsub.Queue{Name: "first"}); err != nil {
		t.Fatal(err) // the other stream is that of the topology
	}
	_, err := b.DeclareQueue(ctx, pubsub.Queue{Name: "second"})
	if err == nil {
		t.Fatal("the second queue was declared; want an error for its stream")
	}
	t.Log(err)
	if _, err := b.InspectQueue(ctx, "second"); !errors.Is(err, pubsub.ErrNotFound) {
		t.Fatalf("after that, the queue is there: %v; want %v", err, pubsub.ErrNotFound)
	}
	if err := b.Publish(ctx, "", "second", pubsub.Message{}, pubsub.Mandatory); !errors.Is(err, pubsub.ErrUnroutable) {
		t.Errorf("a publish to it: %v; want %v", err, pubsub.ErrUnroutable)
	}
	if _, err := b.DeleteQueue(ctx, "first", nil); err != nil {
		t.Fatal(err)
	}
	if _, err := b.DeclareQueue(ctx, pubsub.Queue{Name: "second"}); err != nil {
		t.Errorf("with room again: %v", err)
	}
}
