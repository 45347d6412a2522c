package pubsubtest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gobindery/bindery/pubsub"
)

// consuming changes how queues are consumed.
func consuming(change func(*pubsub.ConsumeOptions)) func(pubsub.Adapter) pubsub.Adapter {
	return func(a pubsub.Adapter) pubsub.Adapter { return &twisted{Adapter: a, options: change} }
}

// settling settles in its own way.
func settling(settle func(pubsub.Settler, settlement) error) func(pubsub.Adapter) pubsub.Adapter {
	return func(a pubsub.Adapter) pubsub.Adapter { return &twisted{Adapter: a, settle: settle} }
}

// as settles one outcome as another.
func as(from, to pubsub.Outcome) func(pubsub.Adapter) pubsub.Adapter {
	return settling(func(s pubsub.Settler, v settlement) error {
		if v.outcome == from {
			v.outcome = to
		}
		return v.to(s)
	})
}

var brokenConsuming = []broken{
	{"loses the redelivered flag", "requeue/redelivered", "redelivered after a requeue",
		receiving(func(in *pubsub.Incoming) { in.Redelivered = false })},
	{"flags everything as redelivered", "consume/order", "redelivered: got true",
		receiving(func(in *pubsub.Incoming) { in.Redelivered = true })},
	{"ignores the prefetch", "consume/prefetch", "ready with a prefetch of 2 used up",
		consuming(func(o *pubsub.ConsumeOptions) { o.Prefetch = pubsub.Unlimited })},
	{"never gets more than 100", "consume/unlimited", "wait for delivery 101",
		consuming(func(o *pubsub.ConsumeOptions) { o.Prefetch = min(o.Prefetch, 100) })},
	{"needs acks with AutoAck", "consume/automatic ack", "wait for delivery 2",
		consuming(func(o *pubsub.ConsumeOptions) { o.AutoAck = false })},
	{"acks everything automatically", "consume/prefetch", "ready with a prefetch of 2 used up",
		consuming(func(o *pubsub.ConsumeOptions) { o.AutoAck = true })},
	{"shares queues with exclusive consumers", "consume/exclusive", "beside an exclusive consumer",
		consuming(func(o *pubsub.ConsumeOptions) { o.Exclusive = false })},
	{"ignores consumer priorities", "dispatch/priority", "deliveries from queue",
		consuming(func(o *pubsub.ConsumeOptions) { o.Priority = 0 })},
	{"does not tell that a queue is gone", "cancel/queue deleted", "consumer's end", silent},
	{"reuses the messages it hands over", "immutable/many", "has become", reusing},
	{"counts wrongly what get leaves", "get/one", "left: got",
		counting("left", func(n int) int { return n + 1 })},
	{"counts unacknowledged messages as ready", "queue/counts", "ready with one unacknowledged",
		unacknowledgedAreReady},
	{"loses correlation ids", "rpc/foreign", "re: x 17",
		receiving(func(in *pubsub.Incoming) { in.CorrelationID = "" })},
	{"serves one consumer of many", "dispatch/round robin", "wait for delivery", favourite},
}

// silent never tells a consumer that the broker ended it.
func silent(a pubsub.Adapter) pubsub.Adapter {
	return &wrappedConsumers{a, func(s pubsub.Subscription) pubsub.Subscription { return &silentEnd{s} }}
}

// wrappedConsumers puts something around each consumer.
type wrappedConsumers struct {
	pubsub.Adapter
	wrap func(pubsub.Subscription) pubsub.Subscription
}

func (w *wrappedConsumers) Consume(ctx context.Context, queue string, o pubsub.ConsumeOptions) (pubsub.Subscription, error) {
	s, err := w.Adapter.Consume(ctx, queue, o)
	if err != nil {
		return nil, err
	}
	return w.wrap(s), nil
}

type silentEnd struct{ pubsub.Subscription }

func (s *silentEnd) Receive(ctx context.Context, buf []pubsub.Incoming) (int, error) {
	n, err := s.Subscription.Receive(ctx, buf)
	if errors.Is(err, pubsub.ErrConsumerCanceled) {
		<-ctx.Done()
		return 0, ctx.Err()
	}
	return n, err
}

// reusing hands over few envelopes again and again.
func reusing(a pubsub.Adapter) pubsub.Adapter {
	var few [64]pubsub.Envelope
	n := 0
	return &twisted{Adapter: a, incoming: func(in *pubsub.Incoming) {
		e := &few[n%len(few)]
		n++
		*e = *in.Envelope
		in.Envelope = e
	}}
}

// unacknowledgedAreReady counts what get has taken as ready.
func unacknowledgedAreReady(a pubsub.Adapter) pubsub.Adapter {
	var taken atomic.Int64
	return &twisted{
		Adapter:  a,
		incoming: func(*pubsub.Incoming) { taken.Add(1) },
		counted: func(op string, n int) int {
			if op == "ready" {
				return n + int(taken.Load())
			}
			return n
		},
	}
}

// favourite starts only the first consumer of each connection with messages.
func favourite(a pubsub.Adapter) pubsub.Adapter {
	var n atomic.Int64
	return &wrappedConsumers{a, func(s pubsub.Subscription) pubsub.Subscription {
		if n.Add(1) == 1 {
			return s
		}
		_ = s.Cancel(context.Background())
		return &starved{s}
	}}
}

type starved struct{ pubsub.Subscription }

func (s *starved) Receive(ctx context.Context, _ []pubsub.Incoming) (int, error) {
	<-ctx.Done()
	return 0, ctx.Err()
}

var brokenSettling = []broken{
	{"requeues to the tail", "requeue/position", `"6" "7" "4+"`, toTheTail},
	{"requeues through the exchange", "requeue/siblings", "sibling", throughTheExchange},
	{"drops what is requeued", "requeue/position", "5 ready messages", as(pubsub.Requeue, pubsub.Ack)},
	{"requeues what is rejected", "settle/reject", "deliveries from queue", as(pubsub.Reject, pubsub.Requeue)},
	{"forgets acks", "consume/ack", "3 ready messages",
		settling(func(s pubsub.Settler, v settlement) error {
			if v.outcome == pubsub.Ack {
				return nil
			}
			return v.to(s)
		})},
	{"acks one where many are meant", "settle/ack through", "2 ready messages",
		settling(func(s pubsub.Settler, v settlement) error {
			v.multiple = false
			return v.to(s)
		})},
	{"acks many where one is meant", "consume/ack", "3 ready messages",
		settling(func(s pubsub.Settler, v settlement) error {
			v.multiple = v.multiple || v.outcome == pubsub.Ack
			return v.to(s)
		})},
	{"loses acks that are under way at Close", "cancel/keeps outcomes", "ready messages", lazy},
	{"loses what a closed consumer had", "cancel/close returns", "ready messages", forgetful},
	{"does not say that deliveries are lost", "settle/after close", "ack", settling(func(s pubsub.Settler, v settlement) error {
		if err := v.to(s); !errors.Is(err, pubsub.ErrDeliveryLost) {
			return err
		}
		return nil
	})},
}

// again publishes what a queue gave back, as if it had been requeued.
func again(t *twisted, in map[uint64]pubsub.Incoming, exchange func(pubsub.Incoming, settlement) (string, string)) {
	var mu sync.Mutex
	const mark = "x-again"
	t.incoming = func(i *pubsub.Incoming) {
		if _, ok := i.Headers[mark]; ok {
			delete(i.Headers, mark)
			i.Redelivered = true
		}
		mu.Lock()
		in[i.Tag] = *i
		mu.Unlock()
	}
	t.settle = func(s pubsub.Settler, v settlement) error {
		mu.Lock()
		i, ok := in[v.tag]
		mu.Unlock()
		if v.outcome != pubsub.Requeue || !ok {
			return v.to(s)
		}
		p := &pubsub.Publication{Envelope: *i.Envelope}
		p.Exchange, p.RoutingKey = exchange(i, v)
		if p.Headers = p.Headers.Clone(); p.Headers == nil {
			p.Headers = pubsub.Table{}
		}
		p.Headers[mark] = true
		v.outcome = pubsub.Ack
		return errors.Join(v.to(s), t.send(v.ctx, p))
	}
}

func toTheTail(a pubsub.Adapter) pubsub.Adapter {
	t := &twisted{Adapter: a}
	again(t, map[uint64]pubsub.Incoming{}, func(_ pubsub.Incoming, v settlement) (string, string) { return "", v.queue })
	return t
}

func throughTheExchange(a pubsub.Adapter) pubsub.Adapter {
	t := &twisted{Adapter: a}
	again(t, map[uint64]pubsub.Incoming{}, func(i pubsub.Incoming, _ settlement) (string, string) { return i.Exchange, i.RoutingKey })
	return t
}

// lazy settles after a while, unless it is closed before.
func lazy(a pubsub.Adapter) pubsub.Adapter {
	l := &lazySettler{}
	l.twisted = twisted{Adapter: a, settle: func(s pubsub.Settler, v settlement) error {
		v.ctx = context.WithoutCancel(v.ctx)
		l.later.Go(func() {
			time.Sleep(time.Millisecond)
			_ = v.to(s)
		})
		return nil
	}}
	return l
}

type lazySettler struct {
	twisted
	later sync.WaitGroup
}

func (l *lazySettler) Close() error {
	err := l.Adapter.Close()
	l.later.Wait()
	return err
}

// forgetful acknowledges what a consumer has when it is closed.
func forgetful(a pubsub.Adapter) pubsub.Adapter {
	return &wrappedConsumers{a, func(s pubsub.Subscription) pubsub.Subscription { return &forgetfulConsumer{Subscription: s} }}
}

type forgetfulConsumer struct {
	pubsub.Subscription
	mu   sync.Mutex
	tags []uint64
}

func (f *forgetfulConsumer) Receive(ctx context.Context, buf []pubsub.Incoming) (int, error) {
	n, err := f.Subscription.Receive(ctx, buf)
	f.mu.Lock()
	for _, in := range buf[:n] {
		f.tags = append(f.tags, in.Tag)
	}
	f.mu.Unlock()
	return n, err
}

func (f *forgetfulConsumer) Settle(ctx context.Context, tag uint64, o pubsub.Outcome, multiple bool) error {
	f.mu.Lock()
	f.tags = slices.DeleteFunc(f.tags, func(t uint64) bool { return t == tag })
	f.mu.Unlock()
	return f.Subscription.Settle(ctx, tag, o, multiple)
}

func (f *forgetfulConsumer) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, t := range f.tags {
		_ = f.Subscription.Settle(context.Background(), t, pubsub.Ack, false)
	}
	return f.Subscription.Close()
}
