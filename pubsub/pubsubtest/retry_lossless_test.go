package pubsubtest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobindery/bindery/adapters/memory"
	"github.com/gobindery/bindery/pubsub"
)

// Programs that are cut off at any moment of handling, retrying and parking
// lose no message: each is handled or parked in the end.
func TestRetryLosesNothing(t *testing.T) {
	for _, key := range []bool{false, true} {
		t.Run(fmt.Sprint("by key ", key), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { retryThroughCuts(t, key) })
		})
	}
}

func retryThroughCuts(t *testing.T, key bool) {
	server := memory.NewServer()
	b := pubsub.New(server.Connect(nil), nil)
	defer b.Close()
	const n = 300
	if _, err := b.DeclareQueue(t.Context(), pubsub.Queue{Name: "q"}); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		if err := b.Publish(t.Context(), "", "q", text(fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	var mu sync.Mutex
	ended := map[string]bool{} // handled without an error
	handle := func(_ context.Context, d pubsub.Delivery) error {
		var i int
		fmt.Sscan(string(d.Body), &i)
		time.Sleep(time.Duration(i%5) * time.Millisecond)
		switch {
		case i%10 == 0:
			return errors.New("never")
		case i%3 == 0 && d.Attempt() < 3:
			return errors.New("not yet")
		}
		mu.Lock()
		defer mu.Unlock()
		ended[string(d.Body)] = true
		return nil
	}
	o := &pubsub.HandleOptions{Concurrency: 5, Retry: &pubsub.Retry{Delays: []time.Duration{5 * time.Millisecond, 20 * time.Millisecond}}}
	if key {
		o.Key = func(d pubsub.Delivery) string { return string(d.Body[len(d.Body)-1]) }
	}
	const cuts = 20
	for cut := range cuts + 1 {
		a := server.Connect(nil)
		worker := pubsub.New(slowConfirms(a), nil)
		c, err := worker.Consume(t.Context(), "q", &pubsub.ConsumeOptions{Prefetch: 50})
		if err != nil {
			t.Fatal(err)
		}
		returned := make(chan error, 1)
		go func() { returned <- c.Handle(context.Background(), o, handle) }()
		if cut == cuts {
			time.Sleep(time.Hour)
		} else {
			time.Sleep(time.Duration(7+cut) * time.Millisecond)
		}
		if err := worker.Close(); err != nil {
			t.Error(err)
		}
		if err := <-returned; !errors.Is(err, pubsub.ErrClosed) {
			t.Errorf("Handle returned %v; want %v", err, pubsub.ErrClosed)
		}
	}
	for {
		d, ok, err := b.Get(t.Context(), "q.parked", &pubsub.GetOptions{AutoAck: true})
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			break
		}
		ended[string(d.Body)] = true
	}
	for i := range n {
		if !ended[fmt.Sprint(i)] {
			t.Errorf("message %d was neither handled nor parked", i)
		}
	}
}

// slowConfirms is an adapter whose publishes take a while to be confirmed, so
// that programs end between a publish and the ack that follows.
func slowConfirms(a pubsub.Adapter) pubsub.Adapter {
	return &twisted{Adapter: a, outcome: func(err error) error {
		time.Sleep(3 * time.Millisecond)
		return err
	}}
}
