package memory_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/gobindery/bindery/adapters/memory"
	"github.com/gobindery/bindery/pubsub"
)

// TestSettleWhileClosing: an ack that comes while its consumer or connection is
// closed either counts, or says that the delivery is back in its queue.
func TestSettleWhileClosing(t *testing.T) {
	ctx := context.Background()
	server := memory.NewServer()
	b := pubsub.New(server.Connect(nil), nil)
	defer b.Close()
	for i := range 2000 {
		q := fmt.Sprint(i)
		_, err := b.DeclareQueue(ctx, pubsub.Queue{Name: q})
		must(t, err)
		must(t, b.Publish(ctx, "", q, pubsub.Message{Body: []byte("first")}))
		must(t, b.Publish(ctx, "", q, pubsub.Message{Body: []byte("second")}))
		conn := server.Connect(nil)
		sub, err := conn.Consume(ctx, q, pubsub.ConsumeOptions{Prefetch: 1}) // so that each ack is waited for
		must(t, err)
		in := make([]pubsub.Incoming, 1)
		_, err = sub.Receive(ctx, in)
		must(t, err)
		var settled, closed error
		var both sync.WaitGroup
		both.Go(func() { settled = sub.Settle(ctx, in[0].Tag, pubsub.Ack, false) })
		both.Go(func() {
			if i%2 == 0 {
				closed = sub.Close()
			}
			closed = errors.Join(closed, conn.Close())
		})
		both.Wait()
		must(t, closed)
		info, err := b.InspectQueue(ctx, q)
		must(t, err)
		want := 1
		if errors.Is(settled, pubsub.ErrDeliveryLost) {
			want = 2
		} else {
			must(t, settled)
		}
		if info.Ready != want {
			t.Fatalf("the ack returned %v, and %d messages are ready; want %d", settled, info.Ready, want)
		}
		_, err = b.DeleteQueue(ctx, q, nil)
		must(t, err)
	}
}
