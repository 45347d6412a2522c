package rabbitmq

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/gobindery/bindery/pubsub"
)

// subscription is a consumer: a feed at a time, and the next one after a
// reconnect. Its goroutine, run, ends after Cancel, or when nothing more can come.
type subscription struct {
	c     *Conn
	queue string // the name that the program knows
	opts  pubsub.ConsumeOptions
	tag   string // the consumer tag

	stopping context.Context // ends with Cancel and Close
	stop     context.CancelFunc
	done     chan struct{} // closed when run has returned
	wake     chan struct{} // with room for one: there is something for Receive

	lost atomic.Uint64 // the last tag of a feed that has ended by itself

	mu       sync.Mutex
	feed     *feed             // the present one, or the last
	ready    []pubsub.Incoming // what Receive may hand over
	next     int               // ready[:next] is handed over
	withheld bool              // Receive must not: what is ready goes back to the queue
	end      error             // why nothing more comes
	waiting  bool              // Receive waits for wake
	lastTag  uint64            // of what came
}

var consumerSeq atomic.Uint64

// Consume implements pubsub.Adapter.
func (c *Conn) Consume(ctx context.Context, queue string, o pubsub.ConsumeOptions) (pubsub.Subscription, error) {
	if queue == replyTo {
		return nil, fmt.Errorf("%w: direct reply-to needs publishing and consuming on one AMQP channel; use a temporary queue for replies", pubsub.ErrUnsupported)
	}
	sub := &subscription{c: c, queue: queue, opts: o, tag: o.Tag, done: make(chan struct{}), wake: make(chan struct{}, 1)}
	sub.stopping, sub.stop = context.WithCancel(context.Background())
	if sub.tag == "" {
		sub.tag = fmt.Sprintf("consumer-%d", consumerSeq.Add(1))
	}
	for {
		s, err := c.consuming.get(ctx)
		if err != nil {
			return nil, err
		}
		f, err := within(ctx, &c.running, func() (*feed, error) {
			f, err := sub.subscribe(s)
			if err == nil && ctx.Err() != nil {
				f.ch.Close() // nobody waits for it any more
			}
			return f, err
		})
		if err != nil && isLost(err) && !s.alive() && ctx.Err() == nil {
			continue
		}
		if err != nil {
			return nil, errorOf(err)
		}
		sub.feed = f
		if !c.addSubscription(sub) {
			f.ch.Close()
			return nil, errClosed
		}
		go sub.run()
		return sub, nil
	}
}

// Receive implements pubsub.Subscription.
func (sub *subscription) Receive(ctx context.Context, buf []pubsub.Incoming) (int, error) {
	sub.mu.Lock()
	for {
		if n := sub.takeLocked(buf); n > 0 {
			sub.mu.Unlock()
			return n, nil
		}
		err := sub.end
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			sub.mu.Unlock()
			return 0, err
		}
		sub.waiting = true
		sub.mu.Unlock()
		select {
		case <-sub.wake:
			// One delivery is there. If more are on their way through this
			// process, let them come, so that this need not wait for each.
			runtime.Gosched()
		case <-ctx.Done():
		}
		sub.mu.Lock()
	}
}

// takeLocked hands over what is ready.
func (sub *subscription) takeLocked(buf []pubsub.Incoming) int {
	if sub.withheld {
		return 0
	}
	n := copy(buf, sub.ready[sub.next:])
	clear(sub.ready[sub.next : sub.next+n])
	if sub.next += n; sub.next == len(sub.ready) {
		sub.ready, sub.next = sub.ready[:0], 0
	}
	return n
}

// wakeLocked wakes Receive.
func (sub *subscription) wakeLocked() {
	if !sub.waiting {
		return
	}
	sub.waiting = false
	select {
	case sub.wake <- struct{}{}:
	default: // left over from a wait that its context ended
	}
}

// Settle implements pubsub.Settler.
func (sub *subscription) Settle(_ context.Context, tag uint64, o pubsub.Outcome, multiple bool) error {
	sub.mu.Lock()
	f := sub.feed
	sub.mu.Unlock()
	if f.acks == nil {
		return fmt.Errorf("%w: its consumer has AutoAck", pubsub.ErrSettled)
	}
	if tag <= f.base {
		return deliveryLost(nil)
	}
	err := f.acks.settle(tag-f.base, o, multiple)
	select {
	case <-sub.done:
		sub.closeIfSettled(f)
	default:
	}
	return err
}

// Lost implements pubsub.LossTeller.
func (sub *subscription) Lost(tag uint64) bool { return tag <= sub.lost.Load() }

// closeIfSettled closes the channel of a consumer that gets nothing more, once
// nothing on it is unsettled.
func (sub *subscription) closeIfSettled(f *feed) {
	if f.acks != nil && f.acks.unsettledCount() > 0 {
		return
	}
	f.closing.Do(func() {
		sub.c.running.start(func() {
			f.close()
			sub.c.removeSubscription(sub)
		})
	})
}

// deliveryLost is the answer to an outcome that comes too late.
func deliveryLost(cause error) error {
	if cause == nil {
		return fmt.Errorf("%w: the channel that it came by is closed", pubsub.ErrDeliveryLost)
	}
	return fmt.Errorf("%w: the channel that it came by is closed: %s", pubsub.ErrDeliveryLost, reason(cause))
}

// Cancel implements pubsub.Subscription.
func (sub *subscription) Cancel(ctx context.Context) error {
	sub.mu.Lock()
	if sub.end == nil && !sub.opts.AutoAck {
		sub.end, sub.withheld = errCanceled, true
		sub.wakeLocked()
	}
	f := sub.feed
	sub.mu.Unlock()
	sub.stop()
	select {
	case <-sub.done:
	case <-ctx.Done():
		return gaveUp(ctx, "no answer from the server; it may still be done")
	}
	if f.acks != nil {
		// An error means that the connection is gone, and so they come again.
		_ = f.acks.flush()
	}
	sub.closeIfSettled(f)
	return nil
}

// errCanceled is the end of a consumer that its own program canceled.
var errCanceled = fmt.Errorf("%w: the consumer was canceled", pubsub.ErrClosed)

// Close implements pubsub.Subscription.
func (sub *subscription) Close() error {
	err := sub.Cancel(context.Background())
	sub.mu.Lock()
	f := sub.feed
	sub.mu.Unlock()
	f.close()
	sub.c.removeSubscription(sub)
	return err
}
