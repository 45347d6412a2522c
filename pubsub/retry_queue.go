package pubsub

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
)

// retrying is what one Handle with a [Retry] needs: it declares the delay
// queues, and publishes to them.
type retrying struct {
	Retry
	b     *Broker
	queue string

	mu       sync.Mutex
	declared map[string]time.Time // delay queues, and when that was last done
}

// A delay queue expires unless it is declared now and then: publishing doesn't
// count as a use, and a queue that expires takes its messages with it. So it is
// declared again before a publish when half of the idle time has gone, and a
// publish that takes longer than the other half is given up.
const delayQueueIdle = time.Hour

// newRetrying declares the queues, so that what can't be declared shows before
// the first message is handled.
func newRetrying(ctx context.Context, b *Broker, queue string, o Retry) (*retrying, error) {
	o, err := o.complete(queue)
	if err != nil {
		return nil, opError(opReceive, "queue "+quote(queue), err)
	}
	r := &retrying{Retry: o, b: b, queue: queue, declared: make(map[string]time.Time)}
	if _, err := b.DeclareQueue(ctx, Queue{Name: r.Park, Durable: true, Arguments: o.Arguments}); err != nil {
		return nil, fmt.Errorf("the queue for parked messages: %w", err)
	}
	return r, nil
}

// declareDelays declares the queues of all Delays.
func (r *retrying) declareDelays(ctx context.Context) error {
	for _, d := range r.Delays {
		if d == 0 {
			continue
		}
		if _, err := r.declare(ctx, r.delayQueue(d)); err != nil {
			return fmt.Errorf("the queue for messages that are retried after %v: %w", d, err)
		}
	}
	return nil
}

// delayQueue describes the queue where messages wait.
func (r *retrying) delayQueue(delay time.Duration) Queue {
	// Names that begin with "amq." can't be declared. Such a queue is this
	// Broker's alone, so that its delay queues are too: after a reconnect they
	// are declared with it, and find it under its new name.
	base, own := strings.CutPrefix(r.queue, "amq.")
	return Queue{
		Name:       fmt.Sprintf("%s.retry.%d", base, delay.Milliseconds()),
		Durable:    !own,
		Exclusive:  own,
		MessageTTL: &delay,
		Expires:    delay + delayQueueIdle,
		DeadLetter: &DeadLetter{RoutingKey: &r.queue}, // by the default exchange
		Arguments:  r.Arguments,
	}
}

// declare declares a delay queue unless it was done lately, and returns when
// that was.
func (r *retrying) declare(ctx context.Context, q Queue) (time.Time, error) {
	r.mu.Lock()
	last, ok := r.declared[q.Name]
	r.mu.Unlock()
	now := time.Now()
	if ok && now.Sub(last) < delayQueueIdle/2 {
		return last, nil
	}
	if _, err := r.b.DeclareQueue(ctx, q); err != nil {
		return now, err
	}
	r.mu.Lock()
	r.declared[q.Name] = now
	r.mu.Unlock()
	return now, nil
}

// send publishes a message that comes to r's queue after a delay, and returns
// once the broker has it.
func (r *retrying) send(ctx context.Context, delay time.Duration, m Message) error {
	if delay == 0 {
		return r.b.Publish(ctx, "", r.queue, m, Mandatory)
	}
	q := r.delayQueue(delay)
	for last := false; ; last = true {
		declared, err := r.declare(ctx, q)
		if err != nil {
			return err
		}
		err = r.publish(ctx, declared.Add(delayQueueIdle-time.Minute), q.Name, m)
		if last || !errors.Is(err, ErrUnroutable) {
			return err
		}
		// Somebody has deleted it.
		r.mu.Lock()
		delete(r.declared, q.Name)
		r.mu.Unlock()
	}
}

// publish publishes to a delay queue as long as it is sure to be there for the
// message's time.
func (r *retrying) publish(ctx context.Context, until time.Time, queue string, m Message) error {
	ctx, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	return r.b.Publish(ctx, "", queue, m, Mandatory)
}
