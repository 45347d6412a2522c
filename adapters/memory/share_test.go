package memory_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/gobindery/bindery/adapters/memory"
	"github.com/gobindery/bindery/pubsub"
)

// sharing is a connection with the queues a, b and c, ten messages in each, and
// a share.
type sharing struct {
	*testing.T
	conn  *memory.Conn
	share pubsub.SharedPrefetch
}

func newSharing(t *testing.T) *sharing {
	s := &sharing{T: t, conn: memory.NewServer().Connect(nil)}
	t.Cleanup(func() { must(t, s.conn.Close()) })
	s.share = s.conn.NewSharedPrefetch()
	for _, name := range []string{"a", "b", "c"} {
		_, err := s.conn.DeclareQueue(t.Context(), pubsub.Queue{Name: name})
		must(t, err)
		s.publish(name, 10)
	}
	return s
}

func (s *sharing) publish(queue string, n int) {
	for range n {
		s.conn.Publish(s.Context(), &pubsub.Publication{Envelope: pubsub.Envelope{RoutingKey: queue}})
	}
}

func (s *sharing) consume(queue string, o pubsub.ConsumeOptions) pubsub.Subscription {
	s.Helper()
	if o.Prefetch == 0 {
		o.Prefetch = pubsub.Unlimited
	}
	c, err := s.share.Consume(s.Context(), queue, o)
	must(s.T, err)
	return c
}

// gets checks how many deliveries a consumer has to hand over at once.
func (s *sharing) gets(c pubsub.Subscription, want int) {
	s.Helper()
	var buf [100]pubsub.Incoming
	ctx, cancel := context.WithCancel(s.Context())
	cancel() // Receive looks before it waits
	n, err := c.Receive(ctx, buf[:])
	if n != want || n == 0 && !errors.Is(err, context.Canceled) {
		s.Fatalf("got %d deliveries, error %v; want %d", n, err, want)
	}
}

func (s *sharing) settle(c pubsub.Subscription, tag uint64, o pubsub.Outcome, multiple bool) {
	s.Helper()
	must(s.T, c.Settle(s.Context(), tag, o, multiple))
}

func TestSharedPrefetch(t *testing.T) {
	for name, run := range map[string]func(s *sharing){
		"no limit at first": func(s *sharing) {
			s.gets(s.consume("a", pubsub.ConsumeOptions{}), 10)
			s.gets(s.consume("b", pubsub.ConsumeOptions{}), 10)
		},
		"one limit for several queues": func(s *sharing) {
			s.share.SetLimit(3)
			a, b := s.consume("a", pubsub.ConsumeOptions{Prefetch: 2}), s.consume("b", pubsub.ConsumeOptions{})
			s.gets(a, 2)
			s.gets(b, 1)
			s.settle(a, 1, pubsub.Ack, false) // b has waited longer
			s.gets(a, 0)
			s.gets(b, 1)
			s.settle(a, 2, pubsub.Ack, false)
			s.gets(b, 0)
			s.gets(a, 1)
		},
		"what finds no room is others'": func(s *sharing) {
			s.share.SetLimit(1)
			s.gets(s.consume("a", pubsub.ConsumeOptions{}), 1)
			other, err := s.conn.Consume(s.Context(), "a", pubsub.ConsumeOptions{Prefetch: pubsub.Unlimited})
			must(s.T, err)
			s.gets(other, 9)
		},
		"it counts what was there before": func(s *sharing) {
			a := s.consume("a", pubsub.ConsumeOptions{})
			s.gets(a, 10)
			s.share.SetLimit(9)
			b := s.consume("b", pubsub.ConsumeOptions{})
			s.gets(b, 0)
			s.settle(a, 1, pubsub.Ack, false)
			s.gets(b, 0)
			s.settle(a, 3, pubsub.Ack, true)
			s.gets(b, 2)
			s.publish("a", 1)
			s.gets(a, 0)
		},
		"acks before the limit count as settled": func(s *sharing) {
			a := s.consume("a", pubsub.ConsumeOptions{})
			s.gets(a, 10)
			for tag := range uint64(9) {
				s.settle(a, tag+1, pubsub.Ack, false)
			}
			s.share.SetLimit(2)
			s.gets(s.consume("b", pubsub.ConsumeOptions{}), 1)
		},
		"acks of a canceled consumer make room": func(s *sharing) {
			a := s.consume("a", pubsub.ConsumeOptions{})
			s.gets(a, 10)
			must(s.T, a.Cancel(s.Context()))
			s.settle(a, 1, pubsub.Ack, false) // gathered: there is no limit
			s.share.SetLimit(10)
			b := s.consume("b", pubsub.ConsumeOptions{})
			s.gets(b, 1)
			s.settle(a, 2, pubsub.Ack, false)
			s.gets(b, 1)
		},
		"a higher limit, and none": func(s *sharing) {
			s.share.SetLimit(1)
			a := s.consume("a", pubsub.ConsumeOptions{})
			s.gets(a, 1)
			s.share.SetLimit(4)
			s.gets(a, 3)
			s.share.SetLimit(2)
			s.settle(a, 2, pubsub.Ack, true)
			s.gets(a, 0)
			s.share.SetLimit(0)
			s.gets(a, 6)
		},
		"cancel gives back what was not handed over": func(s *sharing) {
			s.share.SetLimit(5)
			a, b := s.consume("a", pubsub.ConsumeOptions{}), s.consume("b", pubsub.ConsumeOptions{})
			s.gets(b, 0)
			must(s.T, a.Cancel(s.Context()))
			s.gets(b, 5)
		},
		"close gives back all": func(s *sharing) {
			s.share.SetLimit(5)
			a, b := s.consume("a", pubsub.ConsumeOptions{}), s.consume("b", pubsub.ConsumeOptions{})
			s.gets(a, 5)
			must(s.T, a.Close())
			s.gets(b, 5)
			s.publish("c", 1)
		},
		"requeue and reject make room": func(s *sharing) {
			s.share.SetLimit(2)
			a, b := s.consume("a", pubsub.ConsumeOptions{}), s.consume("b", pubsub.ConsumeOptions{})
			s.gets(a, 2)
			s.settle(a, 1, pubsub.Reject, false)
			s.gets(a, 1) // first in turn, as it starved first
			s.settle(a, 2, pubsub.Requeue, false)
			s.gets(a, 0)
			s.gets(b, 1)
		},
		"gets don't count": func(s *sharing) {
			s.share.SetLimit(1)
			for range 3 {
				got, err := s.conn.Get(s.Context(), "a", pubsub.GetOptions{})
				if err != nil || !got.OK {
					s.Fatal(got, err)
				}
			}
			s.gets(s.consume("a", pubsub.ConsumeOptions{}), 1)
		},
		"AutoAck waits, but takes no room": func(s *sharing) {
			s.share.SetLimit(1)
			auto := s.consume("b", pubsub.ConsumeOptions{AutoAck: true})
			s.gets(auto, 10)
			a := s.consume("a", pubsub.ConsumeOptions{})
			s.gets(a, 1)
			s.publish("b", 1)
			s.gets(auto, 0)
			must(s.T, a.Cancel(s.Context()))
			s.settle(a, 1, pubsub.Ack, false)
			s.gets(auto, 1)
			s.publish("b", 2)
			s.gets(auto, 2)
		},
		"a single active consumer": func(s *sharing) {
			_, err := s.conn.DeclareQueue(s.Context(), pubsub.Queue{Name: "sac", SingleActiveConsumer: true})
			must(s.T, err)
			s.share.SetLimit(1)
			a, active := s.consume("a", pubsub.ConsumeOptions{}), s.consume("sac", pubsub.ConsumeOptions{})
			s.gets(a, 1)
			s.publish("sac", 2)
			s.gets(active, 0)
			must(s.T, a.Cancel(s.Context()))
			s.settle(a, 1, pubsub.Ack, false)
			s.gets(active, 1)
			s.settle(active, 1, pubsub.Ack, false)
			s.gets(active, 1)
		},
		"a deleted queue's deliveries count until they are settled": func(s *sharing) {
			s.share.SetLimit(1)
			a, b := s.consume("a", pubsub.ConsumeOptions{}), s.consume("b", pubsub.ConsumeOptions{})
			s.gets(a, 1)
			_, err := s.conn.DeleteQueue(s.Context(), "a", pubsub.DeleteQueueOptions{})
			must(s.T, err)
			s.gets(b, 0)
			s.settle(a, 1, pubsub.Ack, false)
			s.gets(b, 1)
		},
		"shares are apart": func(s *sharing) {
			s.share.SetLimit(1)
			s.gets(s.consume("a", pubsub.ConsumeOptions{}), 1)
			s.share = s.conn.NewSharedPrefetch()
			s.share.SetLimit(2)
			s.gets(s.consume("b", pubsub.ConsumeOptions{}), 2)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { run(newSharing(t)) })
		})
	}
}

// Consumers of many queues never have more than the limit, and none starves
// while there is room, whatever settles and publishes meanwhile.
func TestSharedPrefetchUnderLoad(t *testing.T) {
	const queues, messages, limit = 8, 500, 5
	synctest.Test(t, func(t *testing.T) { // a message that is forgotten is a deadlock there
		conn := memory.NewServer().Connect(nil)
		share := conn.NewSharedPrefetch()
		share.SetLimit(limit)
		var held, most atomic.Int64
		var consumers, publishers sync.WaitGroup
		for i := range queues {
			name := fmt.Sprint("q", i)
			_, err := conn.DeclareQueue(t.Context(), pubsub.Queue{Name: name})
			must(t, err)
			publishers.Go(func() {
				for range messages {
					conn.Publish(t.Context(), &pubsub.Publication{Envelope: pubsub.Envelope{RoutingKey: name}})
				}
			})
			c, err := share.Consume(t.Context(), name, pubsub.ConsumeOptions{Prefetch: pubsub.Unlimited})
			must(t, err)
			consumers.Go(func() {
				var buf [3]pubsub.Incoming
				for got := 0; got < messages; {
					n, err := c.Receive(t.Context(), buf[:])
					if err != nil {
						t.Error(err)
						return
					}
					now := held.Add(int64(n))
					for before := most.Load(); now > before && !most.CompareAndSwap(before, now); before = most.Load() {
					}
					for k := range n {
						o := pubsub.Ack
						if got++; got%7 == 0 {
							o = pubsub.Reject
						}
						held.Add(-1)
						if err := c.Settle(t.Context(), buf[k].Tag, o, false); err != nil {
							t.Error(err)
						}
					}
				}
			})
		}
		publishers.Wait()
		consumers.Wait()
		if n := most.Load(); n > limit || n == 0 {
			t.Errorf("%d deliveries were unsettled at once; the limit is %d", n, limit)
		}
		must(t, conn.Close())
	})
}
