package pubsub

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Retry makes [Consumer.Handle] give a message several attempts, with pauses
// between them, and park it when all have failed.
//
// Between attempts the message waits in a delay queue, "<queue>.retry.<ms>":
// its time to live brings it back to the end of its queue by way of the
// default exchange. A failed delivery is published there, confirmed, and only
// then acknowledged. So a message may be handled twice, when a program or a
// connection ends between the two, but it isn't lost. There is one delay queue
// for each delay, because a queue's messages expire at its head only. With
// [HandleOptions.Key] messages wait in the program instead.
//
// Delay queues are durable, and go one hour after nobody has used them for as
// long as their delay. The header "x-retry" tells of the attempts; see
// [Delivery.Attempt] and docs/handling.md. The consumer must not have AutoAck.
type Retry struct {
	// Delays are the pauses, in whole milliseconds: the first one after the
	// first attempt, and so on; the last one repeats. Zero is at once, but
	// behind what waits in the queue. None: there are no pauses.
	Delays []time.Duration

	// Attempts is how many may fail before the message is parked. Zero is one
	// more than there are Delays; [Unlimited] never parks.
	Attempts int

	// Park names the queue for messages that are given up. It is durable, and
	// declared by Handle. Empty is "<queue>.parked"; a queue whose name the
	// broker chose has no default.
	Park string

	// Arguments are further arguments of the delay queues and of the parking
	// queue, as "x-queue-type".
	Arguments Table
}

// ErrPark is for handlers: [Consumer.Handle] parks the message, whatever
// attempts are left, when the handler's error wraps it. It needs
// [HandleOptions.Retry].
var ErrPark = errors.New("park the message")

// ErrRetryNow is for handlers: the message comes again without a pause. The
// attempt counts. Without [HandleOptions.Retry] it is requeued, as by any other
// error.
var ErrRetryNow = errors.New("retry the message now")

// RetryAfter returns an error that wraps err, and makes [Consumer.Handle] bring
// the message again after a pause of its own instead of the next of
// [Retry.Delays]. The attempt counts. A pause that is none of Delays is
// rounded up by a third at most, so that the delay queues stay few. It needs
// [HandleOptions.Retry]. A nil err says just that; a pause of zero or less is
// [ErrRetryNow].
func RetryAfter(pause time.Duration, err error) error {
	if pause <= 0 {
		if err == nil {
			return ErrRetryNow
		}
		return fmt.Errorf("%w: %w", ErrRetryNow, err)
	}
	return &retryAfter{pause, err}
}

// retryAfter is an error of RetryAfter.
type retryAfter struct {
	pause time.Duration
	err   error
}

func (e *retryAfter) Error() string {
	if e.err == nil {
		return fmt.Sprintf("retry the message after %v", e.pause)
	}
	return e.err.Error()
}

func (e *retryAfter) Unwrap() error { return e.err }

// ErrorType is the attribute error.type of OpenTelemetry, as package pubsubotel
// has for ErrRetryNow.
func (e *retryAfter) ErrorType() string { return "retried" }

// complete returns r with its defaults for a queue.
func (r Retry) complete(queue string) (Retry, error) {
	for i, d := range r.Delays {
		if err := checkMillis(fmt.Sprintf("Retry.Delays[%d]", i), d); err != nil {
			return r, err
		}
		if d > maxTTL-delayQueueIdle {
			return r, fmt.Errorf("%w: Retry.Delays[%d] is %v; at most %v are possible, because the delay queue must outlive its messages", ErrInvalid, i, d, maxTTL-delayQueueIdle)
		}
	}
	switch {
	case r.Attempts < 0:
		return r, fmt.Errorf("%w: Retry.Attempts is %d; it must be 1 or more, or 0 for one more than there are Delays", ErrInvalid, r.Attempts)
	case r.Attempts == 0:
		r.Attempts = len(r.Delays) + 1
	}
	if r.Park == "" {
		if strings.HasPrefix(queue, "amq.") {
			return r, fmt.Errorf("%w: the broker chose the name of queue %s, so nobody would find what is parked; set Retry.Park to a name", ErrInvalid, quote(queue))
		}
		r.Park = queue + ".parked"
	}
	if r.Park == queue {
		return r, fmt.Errorf("%w: Retry.Park is the queue that is consumed; use another one", ErrInvalid)
	}
	return r, nil
}

// pause returns how long to wait after a number of failed attempts, the last
// of them with err.
func (r *Retry) pause(failed int, err error) time.Duration {
	if errors.Is(err, ErrRetryNow) {
		return 0
	}
	if own, ok := errors.AsType[*retryAfter](err); ok {
		for _, d := range r.Delays {
			if d == own.pause {
				return d
			}
		}
		return roundUp(own.pause)
	}
	if len(r.Delays) == 0 {
		return 0
	}
	return r.Delays[min(max(failed, 1), len(r.Delays))-1]
}

// roundUp rounds a pause up to one of ten steps a decade, of whole
// milliseconds, so that messages with all kinds of pauses share few queues.
func roundUp(d time.Duration) time.Duration {
	ms := (min(d, maxTTL/2) + time.Millisecond - 1) / time.Millisecond
	unit := time.Duration(1)
	for ms > 80*unit {
		unit *= 10
	}
	if unit == 1 && ms <= 10 {
		return ms * time.Millisecond
	}
	for _, step := range [...]time.Duration{10, 12, 15, 20, 25, 30, 40, 50, 60, 80} {
		if ms <= step*unit {
			return step * unit * time.Millisecond
		}
	}
	return ms * time.Millisecond // not reached: 80 is the last step
}
