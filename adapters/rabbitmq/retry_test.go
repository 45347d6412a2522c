package rabbitmq_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/gobindery/bindery/adapters/rabbitmq/rabbitmqtest"
	"github.com/gobindery/bindery/pubsub"
)

// A temporary queue has another name on RabbitMQ after a reconnect; what waits
// for its next attempt finds it all the same.
func TestRetryTemporaryAcrossReconnect(t *testing.T) {
	server := rabbitmqtest.Shared(t)
	url := server.VHost(t)
	b, _ := connectRPC(t, url)
	q, err := b.DeclareQueue(t.Context(), pubsub.TempQueue())
	if err != nil {
		t.Fatal(err)
	}
	c, err := b.Consume(t.Context(), q, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	retried := make(chan string, 100)
	handled := make(chan error, 1)
	go func() {
		o := &pubsub.HandleOptions{Retry: &pubsub.Retry{Delays: []time.Duration{10 * time.Millisecond}, Park: "parked"}}
		handled <- c.Handle(ctx, o, func(_ context.Context, d pubsub.Delivery) error {
			if d.Attempt() < 2 {
				return errors.New("no")
			}
			retried <- string(d.Body)
			return nil
		})
	}()
	// Until one is retried: those of before may be lost with their queue.
	retry := func(body string) {
		t.Helper()
		for {
			err := b.Publish(ctx, "", q, pubsub.Message{Body: []byte(body)}, pubsub.Mandatory)
			if err != nil && !errors.Is(err, pubsub.ErrUnconfirmed) && !errors.Is(err, pubsub.ErrUnroutable) {
				t.Fatal(err)
			}
			select {
			case got := <-retried:
				if got == body {
					return
				}
			case <-time.After(50 * time.Millisecond):
			case <-ctx.Done():
				t.Fatalf("message %q was not retried", body)
			}
		}
	}
	retry("before")
	if n, err := server.DropConnections(ctx, url); err != nil || n == 0 {
		t.Fatal(n, err)
	}
	retry("after")
	cancel()
	if err := <-handled; err != nil {
		t.Error(err)
	}
}
