package pubsub_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobindery/bindery/adapters/memory"
	"github.com/gobindery/bindery/pubsub"
)

// TestHandleLosesNothing: handlers that do all they may, on programs that shut
// down or are closed all the time. In the end each message is done, rejected or
// parked: once, where no program was closed.
func TestHandleLosesNothing(t *testing.T) {
	for _, byKey := range []bool{false, true} {
		for _, closes := range []bool{false, true} {
			t.Run(fmt.Sprintf("by key %t, closes %t", byKey, closes), func(t *testing.T) {
				t.Parallel()
				handleRandomly(t, byKey, closes)
			})
		}
	}
}

func handleRandomly(t *testing.T, byKey, closes bool) {
	const messages = 200
	server := memory.NewServer()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	b := pubsub.New(server.Connect(nil), nil)
	defer b.Close()
	for _, q := range []pubsub.Queue{{Name: "work", DeadLetter: &pubsub.DeadLetter{RoutingKey: new("rejected")}}, {Name: "rejected"}} {
		_, err := b.DeclareQueue(ctx, q)
		ok(err)
	}
	for i := range messages {
		ok(b.Publish(ctx, "", "work", pubsub.Message{Body: fmt.Append(nil, i)}))
	}
	var mu sync.Mutex
	done := map[string]int{}
	end := func(body []byte) {
		mu.Lock()
		defer mu.Unlock()
		done[string(body)]++
	}
	handler := func(ctx context.Context, d pubsub.Delivery) error {
		time.Sleep(time.Duration(rand.IntN(300)) * time.Microsecond)
		busy := errors.New("busy")
		switch rand.IntN(10) {
		case 0:
			return busy
		case 1:
			panic(busy)
		case 2:
			return pubsub.ErrRetryNow
		case 3:
			return pubsub.RetryAfter(time.Duration(1+rand.IntN(5))*time.Millisecond, busy)
		case 4:
			return pubsub.ErrPark
		case 5:
			return pubsub.ErrReject
		case 6:
			if err := d.Ack(ctx); err == nil {
				end(d.Body)
			}
			return busy
		}
		end(d.Body)
		return nil
	}
	o := &pubsub.HandleOptions{
		Concurrency: 4,
		Retry:       &pubsub.Retry{Delays: []time.Duration{0, time.Millisecond, 3 * time.Millisecond}},
	}
	if byKey {
		o.Key = func(d pubsub.Delivery) string {
			if strings.HasPrefix(string(d.Body), "7") && d.Attempt() == 1 {
				panic("no key")
			}
			return string(d.Body[:1])
		}
	}
	ended := func() int {
		for _, q := range []string{"rejected", "work.parked"} {
			for {
				d, got, err := b.Get(ctx, q, &pubsub.GetOptions{AutoAck: true})
				if err != nil && !errors.Is(err, pubsub.ErrNotFound) {
					t.Fatal(err)
				}
				if !got {
					break
				}
				end(d.Body)
			}
		}
		mu.Lock()
		defer mu.Unlock()
		return len(done)
	}
	for rounds := 0; ended() < messages || rounds < 20; rounds++ {
		ok(ctx.Err())
		program := pubsub.New(server.Connect(nil), nil)
		var handling sync.WaitGroup
		for range 2 {
			c, err := program.Consume(ctx, "work", &pubsub.ConsumeOptions{Prefetch: 1 + rand.IntN(20)})
			ok(err)
			handling.Go(func() {
				if err := c.Handle(context.Background(), o, handler); err != nil && !errors.Is(err, pubsub.ErrClosed) {
					t.Errorf("Handle: %v", err)
				}
			})
		}
		time.Sleep(time.Duration(rand.IntN(20_000)) * time.Microsecond)
		if closes && rand.IntN(2) == 0 {
			ok(program.Close())
		} else {
			ok(program.Shutdown(ctx))
		}
		handling.Wait()
	}
	for i := range messages {
		if n := done[fmt.Sprint(i)]; n == 0 || n > 1 && !closes {
			t.Errorf("message %d came to %d ends; want 1", i, n)
		}
	}
}
