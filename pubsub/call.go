package pubsub

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"
)

// Caller sends requests and waits for their replies, as in RabbitMQ's RPC
// tutorial: a request names the queue for its reply, and a reply has the
// correlation id of its request. One Caller serves any number of calls at a
// time. Make one with [Broker.NewCaller], and close it. All methods are safe
// for concurrent use. See https://www.rabbitmq.com/tutorials/tutorial-six-go.
type Caller struct {
	b     *Broker
	queue string          // for replies
	life  context.Context // ends with Close, and with b
	stop  context.CancelFunc
	done  chan struct{} // closed when no more replies come

	mu    sync.Mutex
	now   *replies
	last  uint64
	calls map[string]call // those that wait, by correlation id
}

// replies is a consumer of the queue for replies: the present one, or one whose
// queue is gone.
type replies struct {
	c     *Consumer
	ended chan struct{} // closed when no more come
	end   error         // why; read it after ended
}

// call is one that waits.
type call struct {
	ctx   context.Context // its caller's
	reply chan Message    // has room for one
}

// replyQueueIdle is how long a reply queue outlives its Caller's connection.
const replyQueueIdle = time.Minute

// replyQueueLeave is how long Close tries to delete it.
const replyQueueLeave = 3 * time.Second

// NewCaller declares a queue for replies and consumes it. The queue has a
// random name and is not exclusive: it outlives a lost connection, so that
// calls are answered across a reconnect, and goes one minute after its
// consumer. Where it went all the same, it is made again: calls that wait then
// end with [ErrConsumerCanceled]. A Caller ends with b; Shutdown ends it after
// the handlers, which may still use it.
func (b *Broker) NewCaller(ctx context.Context) (*Caller, error) {
	k := &Caller{b: b, queue: "reply." + rand.Text(), done: make(chan struct{}), calls: make(map[string]call)}
	k.life, k.stop = context.WithCancel(b.life)
	var err error
	if k.now, err = k.consume(ctx); err != nil {
		k.stop()
		return nil, fmt.Errorf("the queue for replies: %w", err)
	}
	go k.receive(k.now) // Close waits for it
	return k, nil
}

// consume makes the queue for replies, and a consumer of it.
func (k *Caller) consume(ctx context.Context) (*replies, error) {
	if _, err := k.b.DeclareQueue(ctx, Queue{Name: k.queue, Durable: true, Expires: replyQueueIdle}); err != nil {
		return nil, err
	}
	c, err := k.b.Consume(ctx, k.queue, nil)
	if err != nil {
		return nil, err
	}
	k.b.mu.Lock()
	c.last = true
	k.b.mu.Unlock()
	return &replies{c: c, ended: make(chan struct{})}, nil
}

// Close deletes the queue for replies; where the broker can't be reached for
// three seconds, that goes by itself. Calls that wait end with [ErrClosed]. A
// second call does nothing.
func (k *Caller) Close() error {
	k.mu.Lock()
	k.stop() // from now on it is not replaced
	now := k.now
	k.mu.Unlock()
	err := now.c.Close()
	<-k.done
	if !errors.Is(now.end, errConsumerClosed) {
		return err // it went with its Broker, or its queue is gone
	}
	ctx, cancel := context.WithTimeout(k.b.life, replyQueueLeave)
	defer cancel()
	_, gone := k.b.DeleteQueue(ctx, k.queue, nil)
	if passes(gone) {
		gone = nil // it goes by itself
	}
	return errors.Join(err, gone)
}

// receive hands replies to their calls, until the end.
func (k *Caller) receive(r *replies) {
	defer close(k.done)
	for r != nil {
		r.end = k.hand(r.c)
		var next *replies
		if errors.Is(r.end, ErrConsumerCanceled) {
			_ = r.c.Close() // its queue is gone
			next = k.replace()
		}
		close(r.ended)
		r = next
	}
}

// replace makes the queue for replies again, which is gone. It returns nil where
// that can't be, or is not needed any more.
func (k *Caller) replace() *replies {
	next, err := k.consume(k.life)
	if err != nil && k.life.Err() != nil {
		return nil
	}
	if err != nil {
		k.b.log.Warn("the queue for replies is gone, and can't be made again", "queue", k.queue, "error", err)
		return nil
	}
	k.mu.Lock()
	if k.life.Err() == nil {
		k.now = next
	}
	k.mu.Unlock()
	if k.now != next { // which nobody else changes
		_ = next.c.Close() // an error means that it is gone
		return nil
	}
	return next
}

// hand hands each reply to the call that waits for it, until the consumer ends.
// A reply that nobody waits for any more is dropped.
func (k *Caller) hand(c *Consumer) error {
	for {
		// As for a handler: the program has asked for the reply, and not for
		// this delivery.
		d, err := c.receive(context.Background(), true)
		if err != nil {
			return err
		}
		k.mu.Lock()
		of, waits := k.calls[d.CorrelationID]
		delete(k.calls, d.CorrelationID)
		k.mu.Unlock()
		settling := context.Background()
		if waits {
			of.reply <- d.Message
			if k.b.trace != nil {
				settling = context.WithoutCancel(of.ctx) // traced with the call
			}
		} else {
			k.b.log.Debug("reply is dropped, because nobody waits for it", "queue", k.queue, "correlation id", d.CorrelationID)
		}
		// One that is lost comes again, and nobody waits for it then.
		_ = d.Ack(settling)
	}
}

// Call publishes a request and waits for its reply. An error of the server
// wraps a [*CallError]. A request that no queue takes is [ErrUnroutable] at
// once. When ctx ends, the error wraps its cause: the request may still be
// handled, and a reply that comes later is dropped. After the end of the Caller it
// is [ErrClosed], or why the broker ended its consumer; [ErrUnconfirmed] says
// that the connection went before the broker had the request for sure.
//
// Call sets the message's ReplyTo and CorrelationID, which must be empty; and
// its Expiration, if it has none, so that a request doesn't wait in its queue
// longer than ctx. The reply's Body and Headers must not be changed.
func (k *Caller) Call(ctx context.Context, exchange, key string, m Message) (Message, error) {
	reply, err := k.call(ctx, exchange, key, m)
	if err != nil {
		err = opError(opCall, exchangeName(exchange)+" with key "+quote(key), err)
	}
	return reply, err
}

func (k *Caller) call(ctx context.Context, exchange, key string, m Message) (Message, error) {
	if m.ReplyTo != "" || m.CorrelationID != "" {
		return Message{}, fmt.Errorf("%w: the request has a ReplyTo or CorrelationID, which Call sets; leave them empty", ErrInvalid)
	}
	if until, ok := ctx.Deadline(); ok && m.Expiration == nil {
		left := min(max(time.Until(until), 0), maxTTL-time.Millisecond)
		m.Expiration = new(left.Truncate(time.Millisecond) + time.Millisecond)
	}
	reply := make(chan Message, 1)
	k.mu.Lock()
	now := k.now
	select {
	case <-now.ended:
		k.mu.Unlock()
		return Message{}, fmt.Errorf("not sent, because no reply can come: %w", now.end)
	default:
	}
	k.last++
	id := strconv.FormatUint(k.last, 36)
	k.calls[id] = call{ctx, reply}
	k.mu.Unlock()
	defer func() {
		k.mu.Lock()
		delete(k.calls, id)
		k.mu.Unlock()
	}()
	m.ReplyTo, m.CorrelationID = k.queue, id
	sent := k.b.PublishAsync(ctx, exchange, key, m, Mandatory)
	confirmed := sent.Done()
	for {
		var err error
		select {
		case r := <-reply: // the confirm may be still on its way
			return r, callErrorOf(&r)
		case <-confirmed:
			if err = sent.Err(); err == nil {
				confirmed = nil
				continue
			}
		case <-now.ended:
			err = fmt.Errorf("no reply can come any more; the request may be handled: %w", now.end)
		case <-ctx.Done():
			if err = sent.Err(); err == nil {
				err = fmt.Errorf("no reply has come; the request may still be handled: %w", context.Cause(ctx))
			}
		}
		select {
		case r := <-reply: // came together with that, and counts
			return r, callErrorOf(&r)
		default:
			return Message{}, err
		}
	}
}
