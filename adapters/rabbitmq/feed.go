package rabbitmq

import (
	"errors"
	"fmt"
	"sync"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/gobindery/bindery/pubsub"
)

// feed is a consumer on one AMQP channel. The channel has no other consumer, so
// that its tags run without gaps, its error concerns nobody else, and closing
// it returns to the queue what is unsettled.
type feed struct {
	s          *session
	ch         *amqp.Channel
	deliveries <-chan amqp.Delivery
	closes     chan *amqp.Error
	over       chan struct{} // closed when deliveries is drained
	base       uint64        // what to add to AMQP's tags to get ours
	acks       *acker        // nil with AutoAck
	closing    sync.Once
}

// subscribe starts a feed.
func (sub *subscription) subscribe(s *session) (*feed, error) {
	ch, err := s.channel()
	if err != nil {
		return nil, err
	}
	f := &feed{s: s, ch: ch, base: sub.lastTag, over: make(chan struct{})}
	f.closes = ch.NotifyClose(make(chan *amqp.Error, 1))
	if !sub.opts.AutoAck {
		f.acks = newAcker(ch, sub.opts.Prefetch)
		prefetch := sub.opts.Prefetch
		if prefetch == pubsub.Unlimited {
			prefetch = 0
		}
		if err := ch.Qos(prefetch, 0, false); err != nil {
			ch.Close()
			return nil, err
		}
	}
	var args amqp.Table
	if sub.opts.Priority != 0 {
		args = amqp.Table{"x-priority": sub.opts.Priority}
	}
	f.deliveries, err = ch.Consume(sub.c.names.current(sub.queue), sub.tag, sub.opts.AutoAck, sub.opts.Exclusive, false, false, args)
	if err != nil {
		ch.Close()
		return nil, err
	}
	return f, nil
}

// close settles what has an outcome and returns the rest to the queue.
func (f *feed) close() {
	if f.acks != nil {
		_ = f.acks.flush() // an error means that the connection is gone
		f.acks.end()
	}
	_ = f.ch.Close()
}

// why says why a feed ended by itself.
func (f *feed) why() error {
	select {
	case err := <-f.closes:
		if err != nil {
			return err
		}
	default:
	}
	return f.s.lostErr()
}

// run takes deliveries until the end.
func (sub *subscription) run() {
	defer close(sub.done)
	f := sub.feed
	for {
		sub.watch(f)
		sub.pump(f)
		switch {
		case sub.stopping.Err() != nil:
			sub.giveBack(f)
			sub.finish(errCanceled)
			return
		case !f.ch.IsClosed():
			// The channel is open and we did not cancel: RabbitMQ did.
			sub.c.queueGone(sub.queue)
			sub.finish(fmt.Errorf("%w: queue %q was deleted", pubsub.ErrConsumerCanceled, sub.queue))
			return
		}
		why := f.why()
		if f.acks != nil {
			f.acks.end()
			sub.lost.Store(sub.lastTag) // only pump changes it, here
			sub.drop()
		}
		if f.s.alive() {
			sub.c.log.Warn("RabbitMQ closed a consumer's channel; consuming again", "queue", sub.queue, "error", reason(why))
		}
		next, err := sub.resubscribe()
		if err != nil {
			sub.finish(err)
			return
		}
		f = next
	}
}

// watch cancels the consumer when the subscription is to end.
func (sub *subscription) watch(f *feed) {
	go func() {
		select {
		case <-sub.stopping.Done():
			// Its answer ends the deliveries. An error does too.
			_ = f.ch.Cancel(sub.tag, false)
		case <-f.over:
		}
	}()
}

// pump passes on what comes.
func (sub *subscription) pump(f *feed) {
	defer close(f.over)
	for d := range f.deliveries {
		in := incoming(&d, &sub.c.names)
		in.Tag += f.base
		if f.acks != nil {
			f.acks.arrived(d.DeliveryTag)
		}
		sub.mu.Lock()
		sub.lastTag = in.Tag
		sub.ready = append(sub.ready, in)
		sub.wakeLocked()
		sub.mu.Unlock()
	}
}

// giveBack returns to the queue, in order, what Receive has not handed over.
func (sub *subscription) giveBack(f *feed) {
	if f.acks == nil {
		return
	}
	sub.mu.Lock()
	left := sub.ready[sub.next:]
	sub.ready, sub.next = nil, 0
	sub.mu.Unlock()
	for i := range left {
		if f.acks.settle(left[i].Tag-f.base, pubsub.Requeue, false) != nil {
			return // the connection is gone, and so they are back
		}
	}
}

// drop forgets what Receive has not handed over, because it comes again.
func (sub *subscription) drop() {
	sub.mu.Lock()
	clear(sub.ready)
	sub.ready, sub.next = sub.ready[:0], 0
	sub.mu.Unlock()
}

// finish ends the subscription, unless it has ended.
func (sub *subscription) finish(why error) {
	sub.mu.Lock()
	if sub.end == nil {
		sub.end = why
	}
	sub.wakeLocked()
	sub.mu.Unlock()
}

// resubscribe starts the next feed, as soon as that goes.
func (sub *subscription) resubscribe() (*feed, error) {
	for failed := 0; ; failed++ {
		if failed > 0 && !sleep(sub.stopping, pause(failed, sub.c.maxPause)) {
			return nil, errCanceled
		}
		s, err := sub.c.consuming.get(sub.stopping)
		if sub.stopping.Err() != nil {
			return nil, errCanceled
		}
		if err != nil {
			return nil, err
		}
		f, err := sub.subscribe(s)
		if err == nil {
			sub.mu.Lock()
			sub.feed = f
			sub.mu.Unlock()
			return f, nil
		}
		if !s.alive() {
			failed = -1
			continue
		}
		err = errorOf(err)
		if errors.Is(err, pubsub.ErrNotFound) && !sub.c.records.pending(sub.queue) {
			sub.c.queueGone(sub.queue)
			return nil, fmt.Errorf("%w: after a reconnect: %w", pubsub.ErrConsumerCanceled, err)
		}
		// As after a cut that RabbitMQ hasn't noticed: an exclusive consumer
		// of the old connection is still in the way.
		sub.c.log.Warn("consuming again failed; trying again", "queue", sub.queue, "error", err)
	}
}

// flush sends the outcomes that are held back.
func (sub *subscription) flush() {
	sub.mu.Lock()
	f := sub.feed
	sub.mu.Unlock()
	if f.acks != nil {
		_ = f.acks.flush() // an error means that the connection is gone
	}
}
