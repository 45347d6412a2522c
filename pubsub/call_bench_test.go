package pubsub_test

import (
	"context"
	"strconv"
	"testing"

	"github.com/gobindery/bindery/adapters/memory"
	"github.com/gobindery/bindery/pubsub"
)

// BenchmarkCall makes b.N calls on memory, one after another and by 16
// goroutines, with Call and Serve, and by hand: each goroutine then has a queue
// for its replies, and the servers are loops around Receive.
func BenchmarkCall(b *testing.B) {
	for _, callers := range []int{1, 16} {
		b.Run("call/"+strconv.Itoa(callers), func(b *testing.B) { benchCall(b, callers) })
		b.Run("by hand/"+strconv.Itoa(callers), func(b *testing.B) { benchCallByHand(b, callers) })
	}
}

func benchCall(b *testing.B, callers int) {
	broker := benchEcho(b)
	ctx, stop := context.WithCancel(b.Context())
	served := make(chan error)
	go func() {
		served <- broker.Serve(ctx, "echo", &pubsub.ServeOptions{Concurrency: callers}, func(_ context.Context, d pubsub.Delivery) (pubsub.Message, error) {
			return d.Message, nil
		})
	}()
	k, err := broker.NewCaller(ctx)
	if err != nil {
		b.Fatal(err)
	}
	benchCallers(b, callers, func() func() error {
		return func() error {
			_, err := k.Call(ctx, "", "echo", pubsub.Message{Body: benchBody})
			return err
		}
	})
	stop()
	if err := <-served; err != nil {
		b.Error(err)
	}
}

func benchCallByHand(b *testing.B, callers int) {
	broker := benchEcho(b)
	ctx, stop := context.WithCancel(b.Context())
	requests, err := broker.Consume(ctx, "echo", &pubsub.ConsumeOptions{Prefetch: callers})
	if err != nil {
		b.Fatal(err)
	}
	served := make(chan error)
	for range callers {
		go func() {
			for {
				d, err := requests.Receive(ctx)
				if err != nil {
					served <- nil
					return
				}
				m := d.Message
				if err := broker.Publish(ctx, "", d.ReplyTo, m, pubsub.Mandatory); err != nil {
					served <- err
					return
				}
				_ = d.Ack(ctx)
			}
		}()
	}
	benchCallers(b, callers, func() func() error {
		q, err := broker.DeclareQueue(ctx, pubsub.TempQueue())
		if err != nil {
			b.Fatal(err)
		}
		replies, err := broker.Consume(ctx, q, nil)
		if err != nil {
			b.Fatal(err)
		}
		n := 0
		return func() error {
			n++
			m := pubsub.Message{Body: benchBody, ReplyTo: q, CorrelationID: strconv.Itoa(n)}
			if err := broker.Publish(ctx, "", "echo", m, pubsub.Mandatory); err != nil {
				return err
			}
			d, err := replies.Receive(ctx)
			if err != nil {
				return err
			}
			return d.Ack(ctx)
		}
	})
	stop()
	for range callers {
		if err := <-served; err != nil {
			b.Error(err)
		}
	}
}

var benchBody = make([]byte, 256)

// benchEcho is a Broker on memory with a queue of requests.
func benchEcho(b *testing.B) *pubsub.Broker {
	broker := pubsub.New(memory.NewServer().Connect(nil), nil)
	b.Cleanup(func() { broker.Close() })
	if _, err := broker.DeclareQueue(b.Context(), pubsub.Queue{Name: "echo"}); err != nil {
		b.Fatal(err)
	}
	return broker
}

// benchCallers makes b.N calls by so many goroutines.
func benchCallers(b *testing.B, callers int, newCaller func() func() error) {
	b.ReportAllocs()
	calls := make([]func() error, callers)
	for i := range calls {
		calls[i] = newCaller()
	}
	b.ResetTimer()
	done := make(chan error)
	for i, call := range calls {
		go func() {
			var err error
			for n := i; n < b.N && err == nil; n += callers {
				err = call()
			}
			done <- err
		}()
	}
	for range calls {
		if err := <-done; err != nil {
			b.Error(err)
		}
	}
	b.StopTimer()
}
