package pubsub

import (
	"context"
	"fmt"
	"hash/maphash"
	"sync"
	"sync/atomic"
	"testing"
)

// BenchmarkHandle hands b.N deliveries to workers by Handle, and by a loop
// written by hand around Receive, over an adapter that does nothing. Where order
// is kept by key, of which there are 64, the loop by hand has a channel for
// each worker, and chooses it by the key's hash.
func BenchmarkHandle(b *testing.B) {
	for _, workers := range []int{1, 16} {
		b.Run(fmt.Sprintf("handle/%d", workers), func(b *testing.B) {
			benchHandle(b, &HandleOptions{Concurrency: workers})
		})
		b.Run(fmt.Sprintf("by hand/%d", workers), func(b *testing.B) {
			benchByHand(b, workers, receiveLoop)
		})
		b.Run(fmt.Sprintf("handle with key/%d", workers), func(b *testing.B) {
			benchHandle(b, &HandleOptions{Concurrency: workers, Key: benchKey})
		})
		b.Run(fmt.Sprintf("by hand with key/%d", workers), func(b *testing.B) {
			benchByHand(b, workers, shardLoop)
		})
		b.Run(fmt.Sprintf("handle with retry/%d", workers), func(b *testing.B) {
			benchHandle(b, &HandleOptions{Concurrency: workers, Retry: &Retry{}})
		})
	}
}

// benchKeys are what keys are; a message's is that of its tag.
var benchKeys = func() (keys [64]string) {
	for i := range keys {
		keys[i] = fmt.Sprintf("customer-%d", i)
	}
	return keys
}()

func benchKey(d Delivery) string { return benchKeys[d.tag%uint64(len(benchKeys))] }

// benchWork is a handler: it does next to nothing, and ends all after b.N.
func benchWork(b *testing.B, end func()) func(context.Context, Delivery) error {
	var n atomic.Int64
	return func(context.Context, Delivery) error {
		if n.Add(1) == int64(b.N) {
			end()
		}
		return nil
	}
}

// prefetchSub delivers the same message for ever, as long as fewer are unsettled
// than the prefetch.
type prefetchSub struct {
	endlessSub
	unsettled atomic.Int64
	room      signal
}

func (s *prefetchSub) Receive(ctx context.Context, buf []Incoming) (int, error) {
	var room int64
	err := s.room.wait(ctx, func() bool {
		room = DefaultPrefetch - s.unsettled.Load()
		return room > 0
	})
	if err != nil {
		return 0, err
	}
	n, _ := s.endlessSub.Receive(ctx, buf[:min(room, int64(len(buf)))])
	s.unsettled.Add(int64(n))
	return n, nil
}

func (s *prefetchSub) Settle(context.Context, uint64, Outcome, bool) error {
	if s.unsettled.Add(-1) == DefaultPrefetch-1 {
		s.room.wake()
	}
	return nil
}

func benchPrefetch(b *testing.B) *Consumer {
	sub := &prefetchSub{room: newSignal()}
	c, err := New((&fakeAdapter{}).consumes(sub), nil).Consume(b.Context(), "q", nil)
	if err != nil {
		b.Fatal(err)
	}
	return c
}

func benchHandle(b *testing.B, o *HandleOptions) {
	b.ReportAllocs()
	c := benchPrefetch(b)
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	b.ResetTimer()
	if err := c.Handle(ctx, o, benchWork(b, cancel)); err != nil {
		b.Fatal(err)
	}
}

func benchByHand(b *testing.B, workers int, loop func(ctx context.Context, c *Consumer, workers int, h func(context.Context, Delivery) error)) {
	b.ReportAllocs()
	c := benchPrefetch(b)
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	b.ResetTimer()
	loop(ctx, c, workers, benchWork(b, cancel))
}

func handleByHand(ctx context.Context, d Delivery, h func(context.Context, Delivery) error) {
	if h(ctx, d) != nil {
		_ = d.Requeue(ctx)
		return
	}
	_ = d.Ack(ctx)
}

func receiveLoop(ctx context.Context, c *Consumer, workers int, h func(context.Context, Delivery) error) {
	var running sync.WaitGroup
	for range workers {
		running.Go(func() {
			for {
				d, err := c.Receive(ctx)
				if err != nil {
					return
				}
				handleByHand(ctx, d, h)
			}
		})
	}
	running.Wait()
}

func shardLoop(ctx context.Context, c *Consumer, workers int, h func(context.Context, Delivery) error) {
	var running sync.WaitGroup
	shards := make([]chan Delivery, workers)
	for i := range shards {
		shards[i] = make(chan Delivery, DefaultPrefetch/workers)
		running.Go(func() {
			for d := range shards[i] {
				handleByHand(ctx, d, h)
			}
		})
	}
	seed := maphash.MakeSeed()
	for {
		d, err := c.Receive(ctx)
		if err != nil {
			break
		}
		shards[maphash.String(seed, benchKey(d))%uint64(workers)] <- d
	}
	for _, s := range shards {
		close(s)
	}
	running.Wait()
}
